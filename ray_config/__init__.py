"""How an application inside a pod finds Ray and connects to it well. No dependency beyond the standard library.

Everything is read from the environment when a function is called, never at import. What a function needs, Ray above
all, is imported when it is called, so that importing this package costs next to nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ray_config.errors import ConfigurationError, ConnectError, RayConfigError

if TYPE_CHECKING:
    from ray_config.connect import Session
    from ray_config.info import ConnectionInfo
    from ray_config.role import Role

__all__ = [
    "ConfigurationError",
    "ConnectError",
    "RayConfigError",
    "connection_info",
    "get_ray_dashboard_address",
    "get_ray_namespace",
    "get_ray_role",
    "get_ray_serve_address",
    "init_ray_with_smart_defaults",
    "is_connected",
    "resolve_ray_address",
    "wait_ready",
]


def resolve_ray_address(address: str | None = None) -> str:
    """The address for ``ray.init``, or for the Jobs API where RAY_ADDRESS is an http URL.

    From `address`; on a head or worker ``auto`` or the direct RAY_ADDRESS; on a client RAY_ADDRESS, else
    ``ray://RAY_HOST:RAY_PORT``.

    Raises:
        ConfigurationError: nothing says where Ray is, or a value is none that Ray understands.
    """
    from ray_config.resolve import find_address

    return find_address(os.environ, address).value


def get_ray_namespace(namespace: str | None = None) -> str | None:
    """The Ray namespace, from `namespace` or RAY_NAMESPACE; None where neither has one."""
    from ray_config.resolve import find_namespace

    found = find_namespace(os.environ, namespace)
    return found.value if found else None


def get_ray_serve_address(path: str = "", *, address: str | None = None) -> str:
    """The URL of Ray Serve, without a trailing slash, and `path` behind it as it is.

    From `address`; on a head loopback; else RAY_SERVE_ADDRESS, RAY_SERVE_URL, or port 8000 of RAY_HOST, of KubeRay's
    FQ_RAY_IP or of RAY_ADDRESS.

    Raises:
        ConfigurationError: nothing says where Serve is, or a value is no URL.
    """
    from ray_config.resolve import SERVE, find_endpoint, join_path

    return join_path(find_endpoint(os.environ, SERVE, address).value, path)


def get_ray_dashboard_address(path: str = "", *, address: str | None = None) -> str:
    """The URL of Ray's dashboard, which serves the Jobs API, without a trailing slash, and `path` behind it as it is.

    From `address`; on a head loopback; else RAY_DASHBOARD_ADDRESS, RAY_API_SERVER_ADDRESS, RAY_DASHBOARD_URL, a
    RAY_ADDRESS that is an http URL, or port 8265 of the hosts that :func:`get_ray_serve_address` knows.

    Raises:
        ConfigurationError: nothing says where the dashboard is, or a value is no URL.
    """
    from ray_config.resolve import DASHBOARD, find_endpoint, join_path

    return join_path(find_endpoint(os.environ, DASHBOARD, address).value, path)


def get_ray_role() -> Role:
    """What this pod is to Ray, from a raylet around this process, SEEDCORE_RAY_ROLE, or KubeRay's variables.

    Raises:
        ConfigurationError: SEEDCORE_RAY_ROLE is no role.
    """
    from ray_config.role import find_role

    return find_role(os.environ).role


def init_ray_with_smart_defaults(
    address: str | None = None,
    namespace: str | None = None,
    *,
    timeout: float = 30.0,
    retry: float = 3.0,
    **ray_init_arguments: Any,
) -> Session:
    """Connect to Ray in the way that is right for this pod, or return the session that is there and alive.

    A dead session is replaced; without arguments by one with those that it had. On a session that is reused,
    `ray_init_arguments` are ignored. Inside tasks, actors and replicas the session is the raylet's own: its namespace
    is that of the job, and ``ray.get_actor(name, namespace=get_ray_namespace())`` finds what lives in ours.

    Args:
        address: an address that wins over the environment, ``local`` included.
        namespace: a Ray namespace that wins over RAY_NAMESPACE.
        timeout: seconds for everything.
        retry: seconds for which failures that may pass are tried again; for longer waits see :func:`wait_ready`.
        ray_init_arguments: handed to ``ray.init`` as they are; ``allow_multiple`` is refused.

    Raises:
        ConfigurationError: the environment or an argument can never lead to a connection.
        ConnectError: Ray could not be reached.
    """
    from ray_config.connect import Wanted, connect

    wanted = Wanted(address=address, namespace=namespace, arguments=ray_init_arguments)
    return connect(wanted, timeout=timeout, retry=retry)


def wait_ready(timeout: float = 60.0) -> Session:
    """Wait until a call to Ray is answered; connects, or connects anew where the session has died.

    It uses the arguments of the session that was opened last or, before there is one, of the last
    :func:`init_ray_with_smart_defaults`.

    Raises:
        ConfigurationError: at once, for waiting does not help.
        ConnectError: the last failure, after `timeout` seconds.
    """
    from ray_config.connect import connect, last_wanted

    return connect(last_wanted(), timeout=timeout, retry=timeout)


def is_connected(timeout: float = 2.0) -> bool:
    """Whether Ray answers a real call within `timeout` seconds; never connects, never raises."""
    from ray_config import connect

    return connect.is_connected(timeout)


def connection_info() -> ConnectionInfo:
    """What this pod is to Ray, where its settings came from, and what became of them; never raises."""
    from ray_config import info

    return info.connection_info()
