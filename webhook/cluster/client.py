"""The API server as plain JSON: the official client's connection, TLS and credentials, without its models.

A typed API would cost 20 MB and 0.5 s more; ``param_serialize`` and ``call_api`` load no model. The client's own
retries are off (urllib3 would repeat a failed request three times at once): whoever calls paces itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import monotonic
from typing import Any, Final, TypeVar

import msgspec
import urllib3
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import DependencyWarning, HTTPError

from webhook import __version__
from webhook.cluster.decoding import decoder
from webhook.errors import ClusterError, KubeconfigError, quote

_T = TypeVar("_T")

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 30.0
MAX_REASON: Final = 300
"""Characters of an API server's message that are told."""
UNDECODABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not what was asked for; its own error does not cover text that is no UTF-8."""

_APPLY: Final = "application/apply-patch+yaml"
_MERGE: Final = "application/merge-patch+json"
_JSON: Final = "application/json"


class _Version(msgspec.Struct):
    resourceVersion: str = ""  # noqa: N815  as Kubernetes spells it


class _Written(msgspec.Struct):
    """Of the answer to a patch what is read."""

    metadata: _Version


class _Following(msgspec.Struct, rename={"following": "continue"}):
    following: str = ""


class _Expired(msgspec.Struct):
    """Of a Status of 410 Gone what is read."""

    metadata: _Following


class Api:
    """Requests to one API server; may be used by several threads.

    Args:
        configuration: host, trust and credentials, as the official client holds them. A projected token is read again
            from its file every minute, by the hook that :class:`InClusterConfigLoader` puts there.
        read_seconds: how long an answer may stay silent; a watch has a time of its own.
    """

    def __init__(self, configuration: Configuration, *, read_seconds: float = READ_SECONDS) -> None:
        """Connect to nothing yet; raises KubeconfigError where that could never be done."""
        configuration.retries = False
        configuration.keep_alive = True
        try:
            with warnings.catch_warnings():
                # The error that follows it says the same.
                warnings.simplefilter("ignore", DependencyWarning)
                self._client = ApiClient(configuration)
        except (HTTPError, ValueError, ImportError) as error:
            raise KubeconfigError(
                f"the connection to {_shortened(str(configuration.host))} cannot be set up ({_shortened(str(error))})",
                fix="mend proxy-url in the kubeconfig file, or HTTPS_PROXY in the environment",
            ) from None
        self._client.user_agent = f"ray-webhook/{__version__}"
        self._read_seconds = read_seconds
        self._said: tuple[datetime, float] | None = None

    @property
    def server_time(self) -> datetime | None:
        """The API server's time of day, by its last answer; None before there is one that tells it."""
        if self._said is None:
            return None
        date, at = self._said
        return date + timedelta(seconds=monotonic() - at)

    @property
    def host(self) -> str:
        """The API server's URL."""
        return str(self._client.configuration.host)

    def get(self, path: str, query: Mapping[str, str], shape: type[_T]) -> _T:
        """The JSON at `path`, of which only what `shape` names is decoded.

        Raises:
            ClusterError: nobody answered, or not with success, or with something else.
        """
        return self._decoded(path, self._send("GET", path, query, self._read_seconds), shape)

    def _decoded(self, path: str, response: urllib3.BaseHTTPResponse, shape: type[_T]) -> _T:
        body = self._read(path, response)
        try:
            return decoder(shape).decode(body)
        except UNDECODABLE as error:
            raise ClusterError(
                f"{path} of {self.host} has not the form of Kubernetes' API ({_shortened(str(error))})",
                fix="see what answers there in place of an API server",
            ) from None

    def watch(self, path: str, query: Mapping[str, str], *, read_seconds: float) -> urllib3.BaseHTTPResponse:
        """The open answer to a watch; when it is silent for `read_seconds`, reading it raises an error of urllib3.

        Raises:
            ClusterError: nobody answered, or not with success.
        """
        return self._send("GET", path, {**query, "watch": "true"}, read_seconds)

    def create(
        self, path: str, document: Mapping[str, Any], shape: type[_T], *, query: Mapping[str, str] | None = None
    ) -> _T:
        """What the API server makes of `document` in the collection at `path`; errors as of :meth:`get`.

        Reviews (``selfsubjectaccessreviews``) and ``{"dryRun": "All"}`` as `query` store nothing.
        """
        response = self._send("POST", path, query or {}, self._read_seconds, document, _JSON)
        return self._decoded(path, response, shape)

    def apply(self, path: str, document: Mapping[str, Any], *, manager: str, force: bool = True) -> str:
        """Create or change the object at `path` by server-side apply, as the field manager `manager`.

        Under ``resourceNames`` this needs the verbs create and patch, whereas a POST is always forbidden there.

        Args:
            force: take over fields that another manager has set; without it that is an error of status 409, and so is
                in any case a ``metadata.resourceVersion`` that is not the object's.

        Returns:
            The object's resourceVersion.

        Raises:
            ClusterError: nobody answered, or not with success.
        """
        query = {"fieldManager": manager, "force": str(force).lower()}
        return self._patch(path, query, _APPLY, document)

    def merge(self, path: str, document: Mapping[str, Any], *, manager: str) -> str:
        """Change an object that is there by a JSON merge patch (RFC 7396): null removes; as for :meth:`apply`."""
        return self._patch(path, {"fieldManager": manager}, _MERGE, document)

    def try_creation(self, path: str, document: Mapping[str, Any], shape: type[_T]) -> _T:
        """What a POST of `document` to the collection at `path` would create, admission included; nothing is stored.

        Raises:
            ClusterError: nobody answered, or not with success.
        """
        response = self._send("POST", path, {"dryRun": "All"}, self._read_seconds, document, "application/json")
        return self._decoded(path, response, shape)

    def _patch(self, path: str, query: Mapping[str, str], media_type: str, document: Mapping[str, Any]) -> str:
        response = self._send("PATCH", path, query, self._read_seconds, document, media_type)
        return self._decoded(path, response, _Written).metadata.resourceVersion

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        read_seconds: float,
        document: Mapping[str, Any] | None = None,
        media_type: str = _APPLY,
    ) -> urllib3.BaseHTTPResponse:
        headers = {"Accept": "application/json"}
        if document is not None:
            headers["Content-Type"] = media_type
        try:
            request = self._client.param_serialize(
                method,
                path,
                query_params=list(query.items()),
                header_params=headers,
                body=document,
                auth_settings=["BearerToken"],
            )
            answer = self._client.call_api(*request, _request_timeout=(CONNECT_SECONDS, read_seconds))
        # ValueError: a token that no header can hold.
        except (ApiException, HTTPError, ConfigException, OSError, ValueError) as error:
            raise self._unreachable(path, error) from None
        response: urllib3.BaseHTTPResponse = answer.response
        self._note_date(response.headers.get("Date"))
        if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
            raise self._refused(path, response)
        return response

    def _note_date(self, header: str | None) -> None:
        try:
            self._said = (parsedate_to_datetime(header or "").astimezone(UTC), monotonic())
        except (ValueError, OverflowError):
            return

    def _read(self, path: str, response: urllib3.BaseHTTPResponse) -> bytes:
        """The whole body; the connection goes back to the pool.

        Not ``response.data``, which the response keeps too: it is part of a cycle, so pages of a list would pile up.
        """
        try:
            return response.read()
        except (HTTPError, OSError) as error:
            raise self._unreachable(path, error) from None

    def _unreachable(self, path: str, error: Exception) -> ClusterError:
        why = error.reason if isinstance(error, ApiException) else error
        return ClusterError(
            f"{path} of {self.host} cannot be asked for ({_shortened(str(why))})",
            fix="see whether the API server runs and whether this process may connect to it",
        )

    def _refused(self, path: str, response: urllib3.BaseHTTPResponse) -> ClusterError:
        body = self._read(path, response)
        said = _shortened(_message(body))
        error = ClusterError(
            f"{path} of {self.host} was answered {response.status} ({said})", fix=_fix(response.status)
        )
        error.said = said
        error.status = response.status
        error.retry_after = _seconds(response.headers.get("Retry-After"))
        error.following = _following(body) if response.status == HTTPStatus.GONE else None
        return error


def _message(body: bytes) -> str:
    """What a Status object says, or the body itself."""
    try:
        message = msgspec.json.decode(body).get("message")
    except (*UNDECODABLE, AttributeError):
        message = None
    return message if isinstance(message, str) else body[:MAX_REASON].decode(errors="replace")


def _following(body: bytes) -> str | None:
    try:
        return decoder(_Expired).decode(body).metadata.following or None
    except UNDECODABLE:
        return None


def _shortened(text: str) -> str:
    """`text` on one line of ASCII, without the quotes that :func:`quote` puts around it."""
    return quote(" ".join(text.split()), limit=MAX_REASON)[1:-1].replace('\\"', '"')


def _fix(status: int) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return "see whether the token or client certificate is still valid"
    if status == HTTPStatus.FORBIDDEN:
        return "give this identity the right, or use one that has it"
    return "see the API server's log"


def _seconds(header: str | None) -> float | None:
    try:
        return max(float(header), 0.0) if header else None
    except ValueError:
        return None
