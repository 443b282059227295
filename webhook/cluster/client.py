"""The API server as plain JSON: the official client's connection, TLS and credentials, without its models.

Each model-typed API would cost 20 MB and 0.5 s; ``param_serialize`` and ``call_api`` load none of the models. The
client's own retries are off (urllib3 would repeat a failed request three times at once): whoever calls paces itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import urllib3
import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from kubernetes.config.incluster_config import InClusterConfigLoader
from kubernetes.config.kube_config import load_kube_config

from webhook import __version__
from webhook.errors import ClusterError, KubeconfigError, escape, quote

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 30.0
MAX_REASON: Final = 300
"""Characters of an API server's message that are told."""
_APPLY: Final = "application/apply-patch+yaml"


def own_namespace(service_account: Path = SERVICE_ACCOUNT) -> str | None:
    """The namespace of the pod that this process runs in, or None outside of any."""
    try:
        return (service_account / "namespace").read_text().strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def is_in_cluster(service_account: Path = SERVICE_ACCOUNT, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process runs in a pod with a service account."""
    return bool(environment.get("KUBERNETES_SERVICE_HOST")) and (service_account / "token").exists()


class Api:
    """Requests to one API server.

    Args:
        configuration: host, trust and credentials, as the official client holds them.
    """

    def __init__(self, configuration: Configuration) -> None:
        """Connect to nothing yet."""
        configuration.retries = False
        configuration.keep_alive = True
        self._client = ApiClient(configuration)
        self._client.user_agent = f"ray-webhook/{__version__}"

    @property
    def host(self) -> str:
        """The API server's URL."""
        return str(self._client.configuration.host)

    def get(self, path: str, query: Mapping[str, str]) -> Any:
        """The decoded JSON at `path`.

        Raises:
            ClusterError: nobody answered, or not with success and JSON.
        """
        return _decoded(self._request("GET", path, query, read_seconds=READ_SECONDS), path)

    def watch(self, path: str, query: Mapping[str, str], *, read_seconds: float) -> urllib3.BaseHTTPResponse:
        """The open answer to a watch; a silence of `read_seconds` ends it with an error of urllib3.

        Raises:
            ClusterError: nobody answered, or not with success.
        """
        return self._request("GET", path, {**query, "watch": "true"}, read_seconds=read_seconds)

    def apply(self, path: str, body: Mapping[str, Any], *, manager: str) -> None:
        """Create or change the object at `path` by server-side apply as the field manager `manager`.

        Under ``resourceNames`` this needs the verbs create and patch; a POST would be forbidden there.

        Raises:
            ClusterError: nobody answered, or not with success.
        """
        query = {"fieldManager": manager, "force": "true"}
        text = msgspec.json.encode(body).decode()
        _read(self._request("PATCH", path, query, body=text, read_seconds=READ_SECONDS), path)

    def _request(
        self, method: str, path: str, query: Mapping[str, str], *, body: str | None = None, read_seconds: float
    ) -> urllib3.BaseHTTPResponse:
        headers = {"Accept": "application/json"} | ({"Content-Type": _APPLY} if body else {})
        try:
            request = self._client.param_serialize(
                method,
                path,
                query_params=list(query.items()),
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
            )
            answer = self._client.call_api(*request, _request_timeout=(CONNECT_SECONDS, read_seconds))
        except (ApiException, urllib3.exceptions.HTTPError, ConfigException, OSError) as error:
            raise self._unreachable(path, error) from None
        response: urllib3.BaseHTTPResponse = answer.response
        if response.status >= urllib3.http_status_ok_limit if False else response.status // 100 != 2:
            raise _refusal(path, response)
        return response

    def _unreachable(self, path: str, error: Exception) -> ClusterError:
        why = error.reason if isinstance(error, ApiException) else error
        return ClusterError(
            f"{path} cannot be asked for at {self.host} ({_shortened(why)})",
            fix="see whether the API server runs and lets this pod connect",
        )
