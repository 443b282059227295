"""The cluster's version, asked of its dashboard, and whether this process can be a client of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from ray_config import variables
from ray_config.bounded import Call, Deadline
from ray_config.credentials import Token, read_token
from ray_config.errors import (
    ClosedError,
    NotDashboardError,
    RayConfigError,
    RayVersionError,
    SilentError,
    TlsError,
    TokenWrongError,
    UnavailableError,
)
from ray_config.network import Target, reach, refused_token
from ray_config.resolve import DASHBOARD, Setting, find_endpoint


def read_version(env: Mapping[str, str], url: Setting, deadline: Deadline) -> str:
    """The version of Ray that the dashboard at `url` tells.

    Raises:
        RayConfigError: it cannot be reached, refuses the token, or is no dashboard.
    """
    from urllib.parse import urlsplit

    parts = urlsplit(url.value)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    token = read_token(env)
    target = Target(host=str(parts.hostname), port=port, setting=url)
    reach(target, deadline)
    status, body = _get(parts, target, token, deadline)
    _raise_for(status, env, token, target)
    try:
        return str(body["ray_version"])
    except (TypeError, KeyError):
        raise NotDashboardError(
            f"{target} answered {status}, but not as Ray's dashboard",
            **url.named,
            fix=f"give the port of --dashboard-port, by default {variables.DASHBOARD_PORT}",
        ) from None


def _raise_for(status: int, env: Mapping[str, str], token: Token | None, target: Target) -> None:
    if status == HTTPStatus.UNAUTHORIZED:
        raise refused_token(env, token, target)
    if status == HTTPStatus.FORBIDDEN:
        raise TokenWrongError(
            f"{target} answered 403: it refuses the token, or a proxy before it refuses this pod",
            **target.setting.named,
            fix="take the Secret of this cluster, or let the mesh's policy admit this pod",
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise UnavailableError(
            f"{target} answered {status}", **target.setting.named, fix="wait for the head, or see its log"
        )


def _get(parts: Any, target: Target, token: Token | None, deadline: Deadline) -> tuple[int, Any]:
    """GET /api/version: the status, and the JSON text of the body where it is one."""
    import http.client
    import ssl

    def ask() -> tuple[int, bytes]:
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(target.host, target.port, timeout=max(deadline.left(), 0.1))
        try:
            headers = {"Authorization": f"Bearer {token.text}"} if token else {}
            connection.request("GET", f"{parts.path.rstrip('/')}/api/version", headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read(65536)
        finally:
            connection.close()

    named = target.setting.named
    try:
        status, body = Call(ask, "dashboard").result(deadline.left())
    except TimeoutError:
        raise SilentError(
            f"{target} takes connections but says nothing", fix="see whether the head is alive", **named
        ) from None
    except ssl.SSLError as error:
        raise TlsError(f"no TLS with {target} ({error.reason})", fix="compare the certificates", **named) from None
    except http.client.HTTPException:
        status, body = 0, b""
    except OSError as error:
        raise ClosedError(
            f"{target} closes connections ({error.strerror})", fix="see the head's log", **named
        ) from None
    return status, _json(body)


def _json(body: bytes) -> Any:
    import json

    with suppress(ValueError):
        return json.loads(body)
    return None


def check_version(env: Mapping[str, str], address: Setting, own_version: str, seconds: float) -> None:
    """Compare Ray's version here with the cluster's, which Ray itself does only after 30 s.

    Nothing is said where the dashboard cannot be asked, is of another host than `address`, or Ray is told to ignore
    the difference.

    Raises:
        RayVersionError: they differ.
    """
    version = None if variables.RAY_IGNORE_VERSION_MISMATCH in env else _version_beside(env, address, seconds)
    if version is not None and version != own_version:
        raise RayVersionError(
            f"the cluster runs Ray {version}, this process Ray {own_version}, and Ray Client wants the same",
            **address.named,
            fix=f"install ray[client]=={version} here, or submit a job instead",
        )


def _version_beside(env: Mapping[str, str], address: Setting, seconds: float) -> str | None:
    try:
        url = find_endpoint(env, DASHBOARD)
        if _host(url.value) != _host(address.value):
            return None
        return read_version(env, url, Deadline(seconds))
    except RayConfigError:
        return None


def _host(url: str) -> str | None:
    from urllib.parse import urlsplit

    return urlsplit(url).hostname
