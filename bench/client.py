"""A client that costs little: reviews as bytes over one TLS connection that is kept, whose answers are not parsed."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Final, Self

from tests.http_stream import length_of, trusting

_END: Final = b"\r\n\r\n"


class Client:
    """One connection to 127.0.0.1:`port`; the certificate is not looked at."""

    def __init__(self, port: int) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=60)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = trusting().wrap_socket(plain)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def post(self, request: bytes) -> bytes:
        """Send a whole request, as :func:`request_of` makes it; the answer's body."""
        self.send(request)
        return self.answer()

    def send(self, request: bytes) -> None:
        """Send it, and do not wait."""
        self._socket.sendall(request)

    def answer(self) -> bytes:
        """The body of the next answer. Ends the program unless it is a 200."""
        data = b""
        while _END not in data:
            data += self._read()
        head, _, body = data.partition(_END)
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"a server answered {head[:80]!r}")
        length, parts, size = length_of(head), [body], len(body)
        while size < length:
            parts.append(self._read())
            size += len(parts[-1])
        return b"".join(parts)

    def _read(self) -> bytes:
        data = self._socket.recv(1 << 18)
        if not data:
            raise SystemExit("a server closed the connection")
        return data


def request_of(body: bytes, path: str = "/mutate") -> bytes:
    """A whole HTTP request, with the headers that an API server sends."""
    head = (
        f"POST {path}?timeout=3s HTTP/1.1\r\n"
        "Host: ray-webhook.ray-webhook-system.svc:443\r\nUser-Agent: kube-apiserver-admission\r\n"
        f"Content-Length: {len(body)}\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\n"
        "Accept-Encoding: gzip\r\n\r\n"
    )
    return head.encode() + body
