"""Everything that this pod's environment says about Ray, told without raising and without asking the network.

The one exception is a session that is open: whether it is alive is found by a real call.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, TypedDict

from ray_config import session, variables
from ray_config.connect import is_connected, last_address
from ray_config.credentials import read_tls, read_token
from ray_config.errors import RayConfigError, mask
from ray_config.resolve import DASHBOARD, SERVE, Setting, find_address, find_endpoint, find_namespace
from ray_config.role import find_role

_SECONDS: Final = 2.0


class Found(TypedDict):
    """A value, masked where it may hold a secret, and its source, or why there is none."""

    value: str | None
    source: str | None
    error: str | None


class ConnectionInfo(TypedDict):
    """What :func:`connection_info` tells; the token itself is not in it."""

    role: Found
    address: Found
    namespace: Found
    serve: Found
    dashboard: Found
    token: Found
    tls: Found
    ray_version: str | None
    python_version: str
    session_open: bool
    session_address: str | None
    session_namespace: str | None
    connected: bool


def connection_info() -> ConnectionInfo:
    """What this pod is to Ray, where its settings came from, and what became of them; never raises."""
    env = os.environ
    opened = session.is_open()
    connected = opened and is_connected(_SECONDS)
    return {
        "role": _found(lambda: _role(env)),
        "address": _found(lambda: find_address(env)),
        "namespace": _found(lambda: find_namespace(env)),
        "serve": _found(lambda: find_endpoint(env, SERVE)),
        "dashboard": _found(lambda: find_endpoint(env, DASHBOARD)),
        "token": _found(lambda: _token(env)),
        "tls": _found(lambda: _tls(env)),
        "ray_version": ray_version(),
        "python_version": ".".join(map(str, sys.version_info[:3])),
        "session_open": opened,
        "session_address": last_address() if opened else None,
        "session_namespace": _session_namespace() if connected else None,
        "connected": connected,
    }


def _found(read: Callable[[], Setting | None]) -> Found:
    try:
        setting = read()
    except RayConfigError as error:
        return {"value": None, "source": error.variable, "error": str(error)}
    if setting is None:
        return {"value": None, "source": None, "error": None}
    return {"value": mask(setting.value), "source": setting.source, "error": None}


def _session_namespace() -> str | None:
    try:
        return session.namespace_of_session(_SECONDS)
    except RayConfigError:
        return None


def _role(env: Mapping[str, str]) -> Setting:
    standing = find_role(env)
    return Setting(value=standing.role, source=standing.source)


def _token(env: Mapping[str, str]) -> Setting | None:
    token = read_token(env)
    return Setting(value="set", source=token.source) if token else None


def _tls(env: Mapping[str, str]) -> Setting | None:
    return Setting(value="on", source=variables.RAY_USE_TLS) if read_tls(env) else None


def ray_version() -> str | None:
    """The version of Ray that is installed, without importing it."""
    from importlib.metadata import PackageNotFoundError, version

    loaded: Any = getattr(sys.modules.get("ray"), "__version__", None)
    try:
        return str(loaded or version("ray"))
    except PackageNotFoundError:
        return None
