"""Who this process is to the API server: a pod's service account, or a context of a kubeconfig file."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import urllib3
from kubernetes.client import Configuration
from kubernetes.config import ConfigException
from kubernetes.config.incluster_config import InClusterConfigLoader
from kubernetes.config.kube_config import list_kube_config_contexts, load_kube_config

from ray_config.address import is_host
from webhook.cluster.pod import SERVICE_ACCOUNT
from webhook.errors import KubeconfigError, quote

# Untyped in the client.
_in_cluster: Any = InClusterConfigLoader
_load_kubeconfig: Any = load_kube_config
_list_contexts: Any = list_kube_config_contexts


def service_account(folder: Path = SERVICE_ACCOUNT, environment: Mapping[str, str] = os.environ) -> Configuration:
    """The configuration of a pod; its token, which Kubernetes renews, is read again every minute.

    Raises:
        KubeconfigError: the service account is not mounted, or not whole.
    """
    configuration = Configuration()
    loader = _in_cluster(
        token_filename=str(folder / "token"), cert_filename=str(folder / "ca.crt"), environ=environment
    )
    try:
        loader.load_and_set(configuration)
    except (ConfigException, OSError) as error:
        raise KubeconfigError(
            f"the pod's service account cannot be used ({error})",
            fix="mount it (automountServiceAccountToken), or give --kubeconfig FILE or --settings FILE",
        ) from None
    return configuration


def kubeconfig(file: Path, context: str | None = None) -> Configuration:
    """The configuration of `context`, by default the file's current one.

    Raises:
        KubeconfigError: the file cannot be read or understood, or has no such context.
    """
    configuration = Configuration()
    name = quote(str(file), limit=400)
    try:
        # The loader skips a file that is missing, and tells only that there is no configuration.
        file.read_bytes()
        _load_kubeconfig(str(file), context=context, client_configuration=configuration, persist_config=False)
    except OSError as error:
        raise KubeconfigError(
            f"kubeconfig file {name} cannot be read ({error.strerror or error})", fix="give a readable file"
        ) from None
    except Exception as error:  # noqa: BLE001  the client checks nothing: any type of any field may raise anything
        why = quote(" ".join(str(error).split()), limit=300)
        raise KubeconfigError(
            f"kubeconfig file {name} cannot be used; the client says {why}",
            fix="mend it, or choose another --context",
        ) from None
    _check(configuration, name)
    return configuration


def namespace_of(file: Path, context: str | None = None) -> str | None:
    """The namespace of `context`, which :func:`kubeconfig` has read before."""
    contexts, current = _list_contexts(str(file))
    named = next((item for item in contexts if item["name"] == context), current) if context else current
    return (named.get("context") or {}).get("namespace") or None


def _check(configuration: Configuration, name: str) -> None:
    """Refuse now what the client would try for ever."""
    host = str(configuration.host)
    try:
        url = urllib3.util.parse_url(host)
    except urllib3.exceptions.LocationParseError:
        url = None
    if url is None or url.scheme not in ("https", "http") or not url.host or not is_host(url.host):
        raise KubeconfigError(
            f"the server in kubeconfig file {name}", value=host, allowed="https://HOST[:PORT]", fix="mend it"
        )
    try:
        ssl.create_default_context(cafile=configuration.ssl_ca_cert or None)
    except OSError as error:
        raise KubeconfigError(
            f"the certificate authority in kubeconfig file {name} cannot be used ({error.strerror or error})",
            allowed="certificates in PEM",
            fix="mend it",
        ) from None
