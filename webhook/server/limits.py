"""What one sender may take: bytes of header and body, seconds for either and to take the answer, requests at a time.

uvicorn bounds none of these by itself (measured with 0.54). Its ``limit_concurrency`` is not used: it answers the
newest with a 503 that has no Retry-After, so that whoever holds connections locks the API server out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any, ClassVar, Final

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from webhook.errors import (
    BodyTooLargeError,
    ClientNameError,
    DisconnectedError,
    HeaderTooLargeError,
    MediaTypeError,
    NotHttpError,
    OverloadedError,
    RequestError,
    SlowBodyError,
    SlowHeaderError,
    escape,
)
from webhook.server.connections import Connections

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Headers = Iterable[tuple[bytes, bytes]]

MAX_BODY: Final = 8 * 1024 * 1024 + 64 * 1024
"""Bytes: 8 MiB of object and oldObject (the API server accepts requests of 3 MiB) and their envelope."""
BODY_SECONDS: Final = 5.0
"""For the whole body; the API server gives up after timeoutSeconds, 3 as shipped."""
HEADER_SECONDS: Final = 5.0
MAX_HEADER: Final = 64 * 1024
"""Bytes; the API server's is under 1 KiB."""
ANSWER_SECONDS: Final = 5.0
"""To take an answer that is larger than what the kernel and the transport (64 KiB) hold."""
MAX_BUFFERED: Final = 64 * 1024 * 1024
"""Bytes of all bodies that are being read at a time: eight of the largest, or ten thousand usual ones."""

_TOO_LARGE: Final = {"allowed": f"at most {MAX_BODY} bytes", "fix": "send the pod that the API server sends"}


def error_body(error: RequestError) -> bytes:
    """The JSON body of an error's answer: its code and its message."""
    return msgspec.json.encode({"code": error.code, "message": error.message})


def declared_length(headers: Headers) -> int:
    """The body's length as declared, 0 where it is not; checks that the body is declared to be plain JSON.

    Raises:
        MediaTypeError: it is something else.
    """
    media_type, length = b"", b"0"
    for name, value in headers:
        if name == b"content-type":
            media_type = value
        elif name == b"content-length":
            length = value
        elif name == b"content-encoding" and value != b"identity":
            raise MediaTypeError(
                "Content-Encoding", value=value.decode("latin-1"), allowed="none", fix="send the body as it is"
            )
    if media_type != b"application/json" and media_type.partition(b";")[0].strip().lower() != b"application/json":
        raise MediaTypeError(
            "Content-Type", value=media_type.decode("latin-1"), allowed="application/json", fix="send JSON"
        )
    return int(length) if length.isdigit() else 0


@dataclass(eq=False, slots=True)
class Reader:
    """Who waits for a body.

    Attributes:
        held: bytes of it that are there.
        patience: how long it is waited for; set while that goes on.
        is_displaced: whether the body had to give way to another.
    """

    held: int = 0
    patience: asyncio.Timeout | None = None
    is_displaced: bool = False


class BodyBudget:
    """How many bytes of bodies are being held, of :data:`MAX_BUFFERED`.

    Deciding takes no turn of its own, so bytes are what is scarce, and not requests: a sender that is slow holds only
    what it has sent. Where they are too many, the body that has been waited for longest gives way and not the newest,
    for an API server's is there at once. A body that comes in one piece is not held at all.
    """

    def __init__(self) -> None:
        """Hold nothing."""
        self.held = 0
        self._readers: dict[Reader, None] = {}

    def take(self, reader: Reader, count: int) -> None:
        """Hold `count` bytes more; raises OverloadedError where this body has to give way itself."""
        self._readers[reader] = None
        reader.held += count
        self.held += count
        while self.held > MAX_BUFFERED:
            self._displace(next(iter(self._readers)))
        if reader.is_displaced:
            raise _overloaded()

    def release(self, reader: Reader) -> None:
        """Hold nothing more of this body."""
        self._readers.pop(reader, None)
        self.held -= reader.held
        reader.held = 0

    def _displace(self, reader: Reader) -> None:
        self.release(reader)
        reader.is_displaced = True
        if reader.patience is not None:
            reader.patience.reschedule(0)


def _overloaded() -> OverloadedError:
    return OverloadedError(f"{MAX_BUFFERED} bytes of bodies are being read", fix="try again in a second")


async def read_body(headers: Headers, receive: Receive, budget: BodyBudget) -> bytes:
    """The whole body.

    Raises:
        MediaTypeError: it is not declared as JSON.
        BodyTooLargeError: it is, or is declared to be, longer than :data:`MAX_BODY`.
        SlowBodyError: it did not arrive within :data:`BODY_SECONDS`.
        DisconnectedError: the sender went away.
        OverloadedError: the bodies of all requests together are too much for `budget`.
    """
    length = declared_length(headers)
    if length > MAX_BODY:
        raise BodyTooLargeError("Content-Length", value=str(length), **_TOO_LARGE)
    reader = Reader()
    try:
        async with asyncio.timeout(BODY_SECONDS) as reader.patience:
            return await _collect(receive, budget, reader)
    except TimeoutError:
        if reader.is_displaced:
            raise _overloaded() from None
        raise SlowBodyError(
            "the body is not there", allowed=f"{BODY_SECONDS:g} seconds for all of it", fix="send it at once"
        ) from None
    finally:
        budget.release(reader)


async def _collect(receive: Receive, budget: BodyBudget, reader: Reader) -> bytes:
    chunks: list[bytes] = []
    total = 0
    while True:
        chunk, more = await _next_chunk(receive)
        if not chunks and not more:
            return chunk
        chunks.append(chunk)
        total += len(chunk)
        budget.take(reader, len(chunk))
        if total > MAX_BODY:
            raise BodyTooLargeError("the body's length", value=f"over {MAX_BODY}", **_TOO_LARGE)
        if not more:
            return b"".join(chunks)


async def _next_chunk(receive: Receive) -> tuple[bytes, bool]:
    """A piece of the body, and whether more is to come."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise DisconnectedError("the sender is gone", fix="nothing: there is nobody to answer")
    return message.get("body", b""), bool(message.get("more_body", False))


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with bounds for a sender that does not send a whole header, or too much of one.

    Attributes:
        on_refused: told the code of each answer that this class gives by itself.
        open_connections: of this port, this one among them.
        allowed_names: common names of the client certificates that may ask; empty for any, and without certificates.
        tls_context: what a handshake on this port begins with; of a TLS port only.
    """

    on_refused: Callable[[str], None] = staticmethod(lambda _code: None)
    open_connections: ClassVar[Connections]
    allowed_names: ClassVar[frozenset[str]] = frozenset()
    tls_context: ClassVar[Callable[[], SSLContext]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what uvicorn gives."""
        super().__init__(*args, **kwargs)
        self._header_timer: asyncio.TimerHandle | None = None
        self._header_bytes = 0
        self._has_served = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Start the clock."""
        self.open_connections.opened(self, transport)
        super().connection_made(transport)
        self._start_clock()
        if self.allowed_names and self.allowed_names.isdisjoint(_common_names(transport)):
            self.app = self._turn_away

    def data_received(self, data: bytes) -> None:
        """Start the clock again, and count, where what came is not yet a whole header."""
        super().data_received(data)
        if self._has_served and not self.cycle.response_complete:
            return
        self._header_bytes += len(data)
        if self._header_bytes > MAX_HEADER:
            allowed = f"at most {MAX_HEADER} bytes"
            self._refuse(HeaderTooLargeError("the header", allowed=allowed, fix="send what the API server sends"))
        elif self._header_timer is None:
            self._start_clock()

    def on_headers_complete(self) -> None:
        """Stop the clock; the body has its own."""
        if self.pipeline:
            # Each would cost 3 KB before the first is answered. What is raised here uvicorn takes for no HTTP.
            raise ValueError("a sender that waits for no answer")
        self._stop_clock()
        self._header_bytes = 0
        self.open_connections.begins_request(self)
        super().on_headers_complete()
        self._has_served = True
        if self.open_connections.retiring:
            self.close_after_answer()

    def on_response_complete(self) -> None:
        """Wait for the next request, but not for ever for a peer that does not take its answer."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self.open_connections.has_answer(self)
        if self.flow.write_paused:
            self.loop.call_later(ANSWER_SECONDS, self._drop_untaken)

    def close_after_answer(self) -> None:
        """Say ``Connection: close`` in the answer under way, if there is one."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self.open_connections.closed(self)
        self._stop_clock()
        super().connection_lost(exc)

    async def _turn_away(self, _scope: Any, _receive: Any, send: Any) -> None:
        """The application for a client of another name."""
        names = ", ".join(map(escape, sorted(self.allowed_names)))
        fix = "let the API server show that certificate, or give its name to --client-name"
        error = ClientNameError("the common name of the client's certificate", allowed=names, fix=fix)
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": error.status, "headers": headers})
        await send({"type": "http.response.body", "body": error_body(error)})
        self.on_refused(error.code)

    def _drop_untaken(self) -> None:
        if self.flow.write_paused:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Answer what uvicorn could not parse."""
        self._refuse(NotHttpError(msg.rstrip("."), fix="send an HTTP/1.1 request"))

    def _start_clock(self) -> None:
        self._header_timer = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _stop_clock(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _give_up(self) -> None:
        self._header_timer = None
        allowed = f"{HEADER_SECONDS:g} seconds for all of it"
        self._refuse(SlowHeaderError("the header is not there", allowed=allowed, fix="send it at once"))

    def _refuse(self, error: RequestError) -> None:
        """Answer for the application, which knows nothing of a request yet, and close."""
        self._stop_clock()
        if self.transport.is_closing():
            return
        body = error_body(error)
        self.transport.write(
            b"HTTP/1.1 %d %b\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (error.status, error.status.phrase.encode(), len(body), body)
        )
        self.transport.close()
        self.on_refused(error.code)


def _common_names(transport: asyncio.Transport) -> Iterator[str]:
    """Those of the peer's certificate, which the handshake has verified."""
    certificate = transport.get_extra_info("peercert") or {}
    return (value for rdn in certificate.get("subject", ()) for key, value in rdn if key == "commonName")
