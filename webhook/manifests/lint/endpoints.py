"""What a text that a program or script has is to Ray: an address, a URL of the dashboard or of Serve, or nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ray_config.address import Form, RayAddress, is_host
from webhook import contract

HOLE: Final = "\0"
"""Stands in a text for a part that is only known when the program runs."""

VARIABLES: Final = contract.ROLE_VARIABLES - {contract.GRPC_ENABLE_FORK_SUPPORT}
"""Variables of the connection; Ray's own tuning variables are none."""

_URL: Final = re.compile(r"(ray|https?)://(\[[^\]\s]*\]|[^\s:/?#\[\]@]*)(?::([^\s:/?#]*))?([/?#]\S*)?")
_OF_RAY: Final = re.compile(r"(?:^|[-._])ray|-(?:head|serve)-svc(?:\.|$)", re.IGNORECASE)
_LOOPBACK: Final = re.compile(r"localhost\.?|127(?:\.[0-9]+){3}|\[::1\]|0\.0\.0\.0", re.IGNORECASE)
_MAKES_AN_ADDRESS: Final = frozenset({contract.RAY_HOST, contract.RAY_PORT, contract.RAY_ADDRESS})


class Service(Enum):
    """What of Ray listens at an endpoint."""

    CLIENT = auto()
    DASHBOARD = auto()
    SERVE = auto()


SERVICES: Final = {
    contract.RAY_ADDRESS: Service.CLIENT,
    contract.RAY_HOST: Service.CLIENT,
    contract.RAY_PORT: Service.CLIENT,
    contract.RAY_SERVE_URL: Service.SERVE,
    contract.RAY_SERVE_ADDRESS: Service.SERVE,
    contract.RAY_DASHBOARD_URL: Service.DASHBOARD,
    contract.RAY_DASHBOARD_ADDRESS: Service.DASHBOARD,
    contract.RAY_API_SERVER_ADDRESS: Service.DASHBOARD,
}
"""Which service a variable tells the way to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """An endpoint of Ray's that a text writes.

    Attributes:
        derived: whether parts of it are only known when the program runs.
        loopback: whether it is of the machine that the program runs on.
        has_port: whether a port is written behind the host.
        path: what stands behind host and port.
    """

    service: Service
    derived: bool
    loopback: bool
    has_port: bool
    path: str = ""


def endpoint_of(text: str, *, about_ray: bool = False) -> Endpoint | None:
    """The endpoint that `text`, the whole of it, writes; None for a text that only mentions one, or a placeholder.

    Args:
        text: may have :data:`HOLE` for parts that are not known.
        about_ray: whether a part that is not known is of Ray's, as what comes from RAY_HOST.
    """
    match = _URL.fullmatch(text)
    if match is None:
        return None
    scheme, host, port, path = match.groups()
    if not (HOLE in host or is_host(host)) or not (port is None or HOLE in port or port.isdecimal()):
        return None
    service = Service.CLIENT if scheme == "ray" else _service(host, port, about_ray=about_ray)
    if service is None or (scheme == "ray" and (path or "/") != "/" and HOLE not in path):
        return None
    derived = HOLE in host or HOLE in (port or "")
    loopback, has_port = is_loopback(host), port is not None
    return Endpoint(service=service, derived=derived, loopback=loopback, has_port=has_port, path=path or "")


def _service(host: str, port: str | None, *, about_ray: bool) -> Service | None:
    if port == str(contract.DASHBOARD_PORT):
        return Service.DASHBOARD
    of_ray = about_ray if HOLE in host else _OF_RAY.search(host)
    return Service.SERVE if port == str(contract.SERVE_PORT) and of_ray else None


def is_loopback(host: str) -> bool:
    """Whether `host` is the machine itself."""
    return _LOOPBACK.fullmatch(host) is not None


def is_on_loopback(value: str) -> bool:
    """Whether the value of a setting, a URL or ``host:port`` or host, is of the machine itself."""
    match = _URL.fullmatch(value) or _URL.fullmatch(f"ray://{value}")
    return match is not None and is_loopback(match[2])


def is_setting(variable: str, value: str) -> bool:
    """Whether `value`, a literal, says for `variable` what the settings should say.

    Empty values and ``auto`` say nothing, nor does a port that is Ray's own, nor a value that is another's name.
    """
    if HOLE in value or not value or value in VARIABLES or any(character.isspace() for character in value):
        return False
    if variable == contract.RAY_ADDRESS:
        return RayAddress.parse(value).form in {Form.CLIENT, Form.HTTP, Form.DIRECT} and value != "ray://"
    if variable == contract.RAY_PORT:
        return value.isdecimal() and value != str(contract.CLIENT_PORT)
    return variable in VARIABLES


def is_derived(variable: str, value: str) -> bool:
    """Whether `value`, which has holes, is put together for `variable`; one hole alone is somebody else's value."""
    if HOLE not in value or variable not in SERVICES:
        return False
    return "://" in value or (variable in _MAKES_AN_ADDRESS and bool(value.strip(HOLE + ":")))
