"""Which cluster a command speaks to, and what the settings are called there; the client library is imported last."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from webhook import contract
from webhook.cli.flags import DnsName, NamedPath
from webhook.cli.output import option
from webhook.cluster.pod import is_in_cluster
from webhook.errors import UsageError, quote_path
from webhook.injection.settings import is_dns_subdomain

if TYPE_CHECKING:
    from webhook.cluster.client import Api

_Command = TypeVar("_Command", bound=Callable[..., Any])

cluster_domain_option = option(
    "--cluster-domain",
    type=DnsName(),
    default=contract.CLUSTER_DOMAIN,
    show_default=True,
    help="What ends a Service's full name.",
)


def webhook_namespace_option(flag: str) -> Callable[[_Command], _Command]:
    """The flag for the webhook's own namespace."""
    default = f"[default: the pod's own, else {contract.WEBHOOK_NAMESPACE}]"
    return option(flag, type=DnsName(), help=f"The webhook's own namespace.  {default}")


settings_name_option = option(
    "--settings-name",
    multiple=True,
    help=f"Name of the ConfigMaps with settings; the first one given is the strongest.  "
    f"[default: {contract.SETTINGS_NAME}]",
)


def cluster_options(command: _Command) -> _Command:
    """``--kubeconfig``, ``--context`` and ``--settings-name``."""
    for add in (
        settings_name_option,
        option("--context", help="Context of the kubeconfig file.  [default: its current one]"),
        option("--kubeconfig", type=NamedPath(), help="Cluster to speak to.  [default: the pod's own]"),
    ):
        command = add(command)
    return command


def settings_names(given: Sequence[str]) -> list[str]:
    """The ConfigMaps' names, each once; raises UsageError."""
    for name in given:
        if not is_dns_subdomain(name):
            raise UsageError(
                "--settings-name", value=name, allowed="the name of a ConfigMap", fix="give it as kubectl shows it"
            )
    return list(dict.fromkeys(given)) or [contract.SETTINGS_NAME]


def kubeconfig_of(given: Path | None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The kubeconfig file for a command that people call, found as kubectl finds it; None in a pod without one.

    Raises:
        UsageError: there is none, or KUBECONFIG names several.
    """
    named = [part for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
    usual = Path(environment.get("HOME", "/")) / ".kube" / "config"
    if given or len(named) == 1:
        return given or Path(named[0])
    if named:
        raise UsageError("KUBECONFIG names several files", fix="give the one to use with --kubeconfig FILE")
    if usual.is_file():
        return usual
    if is_in_cluster():
        return None
    raise UsageError(
        "no kubeconfig file is given, and this is no pod with a service account",
        allowed=f"--kubeconfig FILE, KUBECONFIG, {quote_path(usual)}, or a pod",
        fix="give one of them",
    )


def api_of(file: Path | None, context: str | None, **options: float) -> Api:
    """The API server of the kubeconfig `file`, else of the pod that this is; `options` are those of `Api`.

    Raises:
        KubeconfigError: the file or the pod's service account cannot be used.
    """
    from webhook.cluster.client import Api
    from webhook.cluster.identity import kubeconfig, service_account

    return Api(kubeconfig(file, context) if file else service_account(), **options)
