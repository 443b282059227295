"""What is behind names and ports, asked with short time-outs; the only network beside the API server."""

from __future__ import annotations

import http.client
import socket
import ssl
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from webhook.cluster.pod import is_in_cluster

SECONDS: Final = 2.0
"""For one connection, and for one answer."""
MAX_BODY: Final = 65536


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came of an HTTP request; a `fault` is told where no answer came."""

    status: int = 0
    body: bytes = b""
    fault: str = ""


class Network(Protocol):
    """What checks ask of the network; all of it may be asked by several threads."""

    def is_inside(self, cluster_domain: str) -> bool:
        """Whether names of Services should resolve here."""

    def resolves(self, host: str) -> bool:
        """Whether the name, or address, leads somewhere."""

    def connect(self, host: str, port: int) -> str:
        """Why no TCP connection can be opened; empty where one can."""

    def get(self, url: str) -> Answer:
        """The answer to a GET without credentials."""

    def trust(self, host: str, port: int, *, name: str, bundle: bytes) -> str:
        """Why no TLS session comes about with a server called `name` that `bundle` trusts; empty where one does."""


class Sockets:
    """The network of this machine."""

    def __init__(self, seconds: float = SECONDS) -> None:
        """Wait no longer than `seconds` for each thing."""
        self._seconds = seconds

    def is_inside(self, cluster_domain: str) -> bool:
        """In a pod, or wherever the name of the API server's own Service is known."""
        return is_in_cluster() or self.resolves(f"kubernetes.default.svc.{cluster_domain}")

    def resolves(self, host: str) -> bool:
        """As :class:`Network` says."""
        try:
            return bool(socket.getaddrinfo(host, None))
        except (OSError, UnicodeError):
            return False

    def connect(self, host: str, port: int) -> str:
        """As :class:`Network` says."""
        try:
            socket.create_connection((host, port), timeout=self._seconds).close()
        except (OSError, UnicodeError) as error:
            return _why(error)
        return ""

    def get(self, url: str) -> Answer:
        """As :class:`Network` says; certificates are not looked at, for nothing is sent and little believed."""
        parts = urlsplit(url)
        host, path = str(parts.hostname), parts.path or "/"
        if parts.scheme == "https":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, parts.port, timeout=self._seconds, context=context
            )
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=self._seconds)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return Answer(status=answer.status, body=answer.read(MAX_BODY))
        except (OSError, UnicodeError, http.client.HTTPException) as error:
            return Answer(fault=_why(error))
        finally:
            connection.close()

    def trust(self, host: str, port: int, *, name: str, bundle: bytes) -> str:
        """As :class:`Network` says."""
        try:
            context = ssl.create_default_context(cadata=bundle.decode("ascii"))
            with (
                socket.create_connection((host, port), timeout=self._seconds) as plain,
                context.wrap_socket(plain, server_hostname=name),
            ):
                return ""
        except (OSError, ValueError) as error:
            return _why(error)


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    told = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error)
    return str(told or type(error).__name__)
