"""uvicorn's protocol, with bounds for its sender, and without a task for a request that comes whole.

uvicorn builds an ASGI scope, a cycle, a task and a timer for each request. A review's body comes with its header, so
here an application is asked first who answers a request at once (:data:`Immediate`); one that is whole when all that
was received is parsed is answered by a call, in one piece. Every other request is handed to uvicorn as if it had
just begun. See docs/explanation/hot-path.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from ssl import SSLContext
from typing import Any, ClassVar, Final, NamedTuple

from httptools import HttpParserError
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from webhook.errors import (
    ClientNameError,
    HeaderTooLargeError,
    NotHttpError,
    RequestError,
    SlowHeaderError,
    escape,
)
from webhook.server.connections import Connections
from webhook.server.limits import ANSWER_SECONDS, HEADER_SECONDS, MAX_HEADER, Headers, error_body


class Answer(NamedTuple):
    """An HTTP answer in JSON; `headers` are those beside its type and length."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


Deliver = Callable[[Answer], None]
"""Takes a request's answer."""
Respond = Callable[[Headers, bytes, Deliver, Callable[[], bool]], None]
"""Answers a request, at once or later: its headers, its body, who takes the answer, whether its sender is gone."""
Immediate = Callable[[bytes, bytes], Respond | None]
"""An application's method ``immediate``: from method and target to who answers the request once its body is there."""


class Exchange:
    """A request that is answered by a call, and its answer; what uvicorn asks of a cycle is named as it does.

    Attributes:
        headers: its header's, with lower names.
        body: what came of it so far.
        more_body: whether there is more to come.
        keep_alive: whether the connection outlives the answer.
        disconnected: whether the sender is gone.
        response_complete: whether it was answered.
    """

    __slots__ = ("body", "disconnected", "headers", "keep_alive", "more_body", "respond", "response_complete")

    def __init__(self, respond: Respond, headers: list[tuple[bytes, bytes]], *, keep_alive: bool) -> None:
        """Begin with no body yet, to be answered by `respond`."""
        self.respond, self.headers, self.keep_alive = respond, headers, keep_alive
        self.body = b""
        self.more_body = True
        self.disconnected = self.response_complete = False

    @property
    def message_event(self) -> Exchange:
        """What uvicorn sets for a task that waits for the body; here none does."""
        return self

    def set(self) -> None:
        """Wake up nobody."""


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
    cycle: Any
    """uvicorn's, or an :class:`Exchange`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what uvicorn gives."""
        super().__init__(*args, **kwargs)
        self._header_timer: asyncio.TimerHandle | None = None
        self._header_bytes = 0
        self._has_served = False
        self._is_in_header = False
        self._begun: Exchange | None = None
        self._is_lost = False
        self._immediate: Immediate | None = getattr(self.app, "immediate", None)
        self._idle_since: float | None = None
        self._idle_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Start the clock."""
        self.open_connections.opened(self, transport)
        super().connection_made(transport)
        self._start_clock()
        if self.allowed_names and self.allowed_names.isdisjoint(_common_names(transport)):
            self.app, self._immediate = self._turn_away, None

    def data_received(self, data: bytes | memoryview) -> None:
        """Parse, answer, and start the clock again where what came is not yet a whole header."""
        self._idle_since = None
        super().data_received(data)  # type: ignore[arg-type]  # what the parser takes
        if self._begun is not None:
            exchange, self._begun = self._begun, None
            self._serve(exchange)
        if self._has_served and not (self.cycle and self.cycle.response_complete and self._is_in_header):
            return
        self._header_bytes += len(data)
        if self._header_bytes > MAX_HEADER:
            allowed = f"at most {MAX_HEADER} bytes"
            self._refuse(HeaderTooLargeError("the header", allowed=allowed, fix="send what the API server sends"))
        elif self._header_timer is None:
            self._start_clock()

    def on_message_begin(self) -> None:
        """A header has begun; uvicorn's scope is made for a request that it gets."""
        self._is_in_header = True
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_headers_complete(self) -> None:
        """Stop the clock; the body has its own."""
        if self.pipeline:
            # Each would cost 3 KB before the first is answered. What is raised here uvicorn takes for no HTTP.
            raise ValueError("a sender that waits for no answer")
        self._stop_clock()
        self._header_bytes = 0
        self._is_in_header = False
        self.open_connections.begins_request(self)
        respond = self._respond()
        if respond is None:
            self._hand_on()
        else:
            keep_alive = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
            self.cycle = self._begun = Exchange(respond, self.headers, keep_alive=keep_alive)
        self._has_served = True
        if self.open_connections.retiring:
            self.close_after_answer()

    def _respond(self) -> Respond | None:
        """Who answers this request at once, unless it wants another protocol, or another one is answered first."""
        is_first = self.cycle is None or self.cycle.response_complete
        if self._immediate is None or not is_first or self.parser.should_upgrade():
            return None
        return self._immediate(self.parser.get_method(), self.url)

    def _hand_on(self) -> None:
        """Let uvicorn begin the request whose header was parsed."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        if self._begun is None or self._begun is not self.cycle:
            super().on_body(body)
        else:
            self._begun.body = self._begun.body + body if self._begun.body else body

    def on_message_complete(self) -> None:
        """The whole body is there."""
        if self._begun is None or self._begun is not self.cycle:
            super().on_message_complete()
        else:
            self._begun.more_body = False

    def _serve(self, exchange: Exchange) -> None:
        """Answer it, where all of it is there."""
        if exchange.more_body:
            self.cycle = None
            try:
                self._hand_on()
            except HttpParserError:  # a target of more than 64 KB, which only uvicorn takes apart
                self.send_400_response("Invalid HTTP request received.")
                return
            if exchange.body:
                super().on_body(exchange.body)
            if not exchange.keep_alive:
                self.close_after_answer()
        elif not self._is_gone():
            exchange.respond(exchange.headers, exchange.body, partial(self._answer, exchange), self._is_gone)

    def _is_gone(self) -> bool:
        """Whether nobody can be answered; a lost TLS connection does not say that it is closing."""
        return self._is_lost or self.transport.is_closing()

    def _answer(self, exchange: Exchange, answer: Answer) -> None:
        """Write all of it at once."""
        if self._is_gone():
            return
        headers = [*self.server_state.default_headers, *answer.headers]
        if not exchange.keep_alive:
            headers.append(_CLOSE)
        self.transport.write(_head(answer.status, len(answer.body), headers) + answer.body)
        exchange.response_complete = True
        if _CLOSE in headers:
            self.transport.close()
        self.on_response_complete()

    def on_response_complete(self) -> None:
        """Begin the next request or wait for one, but not for ever for a peer that does not take its answer."""
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())
            else:
                self._keep_alive()
        if self.cycle.response_complete:
            self.open_connections.has_answer(self)
        if self.flow.write_paused:
            self.loop.call_later(ANSWER_SECONDS, self._drop_untaken)

    def _keep_alive(self) -> None:
        """Wait for another request; one timer for all of a connection's, as most do not let it run out."""
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._end_idle)

    def _end_idle(self) -> None:
        idle = 0.0 if self._idle_since is None else self.loop.time() - self._idle_since
        if idle >= self.timeout_keep_alive:
            self.timeout_keep_alive_handler()
        else:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive - idle, self._end_idle)

    def close_after_answer(self) -> None:
        """Say ``Connection: close`` in the answer under way, if there is one."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._is_lost = True
        self.open_connections.closed(self)
        self._stop_clock()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
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
        self.transport.write(_head(error.status, len(body), [(b"connection", b"close")]) + body)
        self.transport.close()
        self.on_refused(error.code)


_CLOSE: Final = (b"connection", b"close")


def _head(status: int, length: int, headers: list[tuple[bytes, bytes]]) -> bytes:
    """Status line and headers of an answer in JSON."""
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    fixed = b"%bcontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n"
    return fixed % (STATUS_LINE[status], length, lines)


def _common_names(transport: asyncio.Transport) -> Iterator[str]:
    """Those of the peer's certificate, which the handshake has verified."""
    certificate = transport.get_extra_info("peercert") or {}
    return (value for rdn in certificate.get("subject", ()) for key, value in rdn if key == "commonName")
