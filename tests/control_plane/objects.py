"""Kubernetes objects as plain dicts through the official client: any kind, without its models.

Every function takes the client it speaks through, so that a test can act as an administrator or as a ServiceAccount.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import urllib3
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException

from .process import wait_for

Document = Mapping[str, Any]
Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer of the API server, refusals too."""

    status: int
    body: Object
    warnings: tuple[str, ...]
    """The texts of its Warning headers, in order."""

    def checked(self) -> Object:
        """The body, where the request was meant to succeed.

        Raises:
            ApiException: the API server refused; ``status`` and ``reason`` (its message) say why.
        """
        if self.status >= 300:
            raise ApiException(status=self.status, reason=self.body.get("message"))
        return self.body


def send(
    client: ApiClient,
    method: str,
    path: str,
    body: Document | list[Document] | None = None,
    *,
    query: Mapping[str, str] | None = None,
    content_type: str = "application/json",
) -> Answer:
    """Send one request, such as ``send(client, "POST", "/api/v1/namespaces/default/pods", pod).checked()``.

    A refusal is an answer like others; an answer that is not JSON has its text under ``message``.

    Raises:
        ApiException: TLS failed. urllib3.exceptions.HTTPError: nobody answered.
    """
    request = client.param_serialize(
        method,
        path,
        query_params=list((query or {}).items()),
        header_params={"Accept": "application/json", "Content-Type": content_type},
        body=body,
        auth_settings=["BearerToken"],
    )
    response: urllib3.BaseHTTPResponse = client.call_api(*request).response
    is_json = "json" in response.headers.get("Content-Type", "")
    body = json.loads(response.data) if is_json else {"message": response.data.decode()}
    warnings = tuple(_warning_text(value) for value in response.headers.getlist("Warning"))
    return Answer(status=response.status, body=body, warnings=warnings)


def _warning_text(header: str) -> str:
    """The text of ``299 - "text"`` (RFC 9110 quotes by a backslash)."""
    return header.partition('"')[2].removesuffix('"').replace('\\"', '"').replace("\\\\", "\\")


def object_path(client: ApiClient, document: Document) -> str | None:
    """The path of the object that a document describes, or None while the API server does not serve its kind."""
    version, metadata = document["apiVersion"], document["metadata"]
    prefix = f"/apis/{version}" if "/" in version else f"/api/{version}"
    served = send(client, "GET", prefix).body.get("resources", ())
    for resource in served:
        if resource["kind"] == document["kind"] and "/" not in resource["name"]:
            where = f"/namespaces/{metadata.get('namespace', 'default')}" if resource["namespaced"] else ""
            return f"{prefix}{where}/{resource['name']}/{metadata['name']}"
    return None


def apply(client: ApiClient, documents: Iterable[Document], *, field_manager: str = "tests") -> list[Object]:
    """Apply documents by server-side apply, in their order, and return the objects that came of them.

    A kind that a CustomResourceDefinition has just introduced is waited for.

    Raises:
        ApiException: one was refused (those before it stay). ControlPlaneError: a kind did not come to be served.
    """
    return [_apply(client, document, field_manager) for document in documents]


def _apply(client: ApiClient, document: Document, field_manager: str) -> Object:
    served = f"{document['apiVersion']} {document['kind']} is served"
    path = wait_for(lambda: object_path(client, document), served, seconds=15)
    query = {"fieldManager": field_manager, "force": "true"}
    return send(client, "PATCH", path, document, query=query, content_type="application/apply-patch+yaml").checked()


def service_account_token(client: ApiClient, namespace: str, name: str, *, seconds: int = 3600) -> str:
    """A token of a ServiceAccount for the API server itself, through the TokenRequest API (at least 600 seconds)."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
    wanted = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": seconds}}
    token: str = send(client, "POST", path, wanted).checked()["status"]["token"]
    return token


def loopback_service(namespace: str, name: str, port: int) -> Object:
    """A Service behind which a webhook on this machine answers; use :func:`with_service_port` beside it.

    An ExternalName needs no cluster network: the API server calls ``localhost`` and still verifies the certificate for
    ``NAME.NAMESPACE.svc``, so a configuration's ``clientConfig.service`` and ``caBundle`` are used as they are shipped.
    """
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]},
    }


def with_service_port(configuration: Document, port: int) -> Object:
    """A webhook configuration whose webhooks call that port of their Service.

    For an ExternalName the API server takes the port of ``clientConfig.service`` (443 where absent) and not the
    Service's (``ResolveCluster`` in k8s.io/apiserver/pkg/util/proxy), and 443 is not free to everybody.
    """
    copy: Object = json.loads(json.dumps(configuration))
    for webhook in copy["webhooks"]:
        webhook["clientConfig"]["service"]["port"] = port
    return copy
