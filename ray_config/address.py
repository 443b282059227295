"""Parse and format the forms that RAY_ADDRESS takes.

What Ray does with each form was measured with ray 2.60: ``auto`` and ``host:port`` connect a driver directly,
``ray://host:port`` opens a Ray Client session, ``http(s)://`` is for the Jobs API only, ``local`` starts a new cluster.
Everything else (a bare host, ``RAY://``, blanks, a missing port) fails in Ray, mostly obscurely.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_AUTHORITY: Final = re.compile(r"(\[[^\]]*\]|[^:/?#\[\]@]*)(?::([^:/?#]*))?")
_HTTP: Final = re.compile(r"https?://([^/?#\s]+)([/?#][\x21-\x7e]*)?")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)

MAX_PORT: Final = 65535
MAX_HOST: Final = 253


class Form(StrEnum):
    """The forms of RAY_ADDRESS, by what Ray makes of them."""

    EMPTY = "empty"
    AUTO = "auto"
    DIRECT = "host:port"
    CLIENT = "ray://"
    HTTP = "http://"
    LOCAL = "local"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class RayAddress:
    """A RAY_ADDRESS taken apart; ``host`` and ``port`` are None where the form has none or leaves them out."""

    form: Form
    host: str | None = None
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> RayAddress:
        """Tell the form of `text`, which is taken literally: not trimmed, no ``$(NAME)`` expanded. Never raises."""
        fixed = _FIXED.get(text)
        if fixed is not None:
            return fixed
        if text.startswith("ray://"):
            host, port = _authority(text.removeprefix("ray://"))
            return cls(form=Form.CLIENT, host=host, port=port)
        if text.startswith(("http://", "https://")):
            return cls(form=Form.HTTP)
        host, port = _authority(text)
        return cls(form=Form.DIRECT, host=host, port=port) if host and port else _OTHER


_OTHER: Final = RayAddress(form=Form.OTHER)
_FIXED: Final = {
    "": RayAddress(form=Form.EMPTY),
    "auto": RayAddress(form=Form.AUTO),
    "local": RayAddress(form=Form.LOCAL),
}


def lacks_host(text: str) -> bool:
    """Whether `text` is a Ray Client address that names no host at all, such as ``ray://`` or ``ray://:10001``."""
    return text.startswith("ray://") and text[len("ray://") :][:1] in ("", ":", "/", "?", "#")


def _authority(text: str) -> tuple[str | None, int | None]:
    """Host and port of ``host:port`` or ``host``; None for what is missing or malformed."""
    match = _AUTHORITY.fullmatch(text) if len(text) <= MAX_HOST + len(":65535") else None
    if match is None or not is_host(match[1]):
        return None, None
    return match[1], parse_port(match[2]) if match[2] else None


def parse_port(text: str) -> int | None:
    """The TCP port that `text` writes in plain decimal digits, or None where it is not one of 1 to 65535."""
    port = int(text) if _PORT.fullmatch(text) else 0
    return port if 1 <= port <= MAX_PORT else None


def is_host(text: str) -> bool:
    """Whether `text` is a DNS name (underscores as Compose writes them), an IPv4 or a bracketed IPv6 address."""
    if len(text) > MAX_HOST:
        return False
    if text.startswith("[") and text.endswith("]"):
        return _is_ipv6(text[1:-1])
    return HOST.fullmatch(text) is not None


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text


def is_http_url(text: str) -> bool:
    """Whether `text` is an absolute http or https URL with a host and, where it has a port, one of 1 to 65535."""
    return _http_authority(text) is not None


def url_port(text: str) -> int | None:
    """The port that the http or https URL `text` writes, or None where it writes none."""
    authority = _http_authority(text)
    return authority[1] if authority else None


def _http_authority(text: str) -> tuple[str, int | None] | None:
    match = _HTTP.fullmatch(text)
    host, port = _authority(match[1]) if match else (None, None)
    if match is None or host is None or (port is None and match[1] != host):
        return None
    return host, port


def client_address(host: str, port: int | str) -> str:
    """The Ray Client form, ``ray://host:port``."""
    return f"ray://{host}:{port}"
