"""uvicorn's protocol, with bounds for its sender, and without a task for a request that comes whole.

uvicorn starts a task for each request's header. A review's body comes with its header, so here the application is
asked only when all that was received is parsed: one that needs nothing more (:data:`Immediate`) is called, and the
answer that it delivers is written in one piece; a third of an admission's processor time went into the task. Every
other request takes uvicorn's way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from ssl import SSLContext
from typing import Any, ClassVar, NamedTuple

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

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
Immediate = Callable[[str, str], Respond | None]
"""An application's method ``immediate``: from a request's method and path to who answers it once its body is there."""


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
        self._is_receiving = False
        self._is_in_header = False
        self._begun: tuple[RequestResponseCycle, Any] | None = None
        self._is_lost = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Start the clock."""
        self.open_connections.opened(self, transport)
        super().connection_made(transport)
        self._start_clock()
        if self.allowed_names and self.allowed_names.isdisjoint(_common_names(transport)):
            self.app = self._turn_away

    def data_received(self, data: bytes) -> None:
        """Parse, answer, and start the clock again where what came is not yet a whole header."""
        self._is_receiving = True
        super().data_received(data)
        self._is_receiving = False
        if self._begun is not None:
            (cycle, app), self._begun = self._begun, None
            self._serve(cycle, app)
        if self._has_served and not (self.cycle.response_complete and self._is_in_header):
            return
        self._header_bytes += len(data)
        if self._header_bytes > MAX_HEADER:
            allowed = f"at most {MAX_HEADER} bytes"
            self._refuse(HeaderTooLargeError("the header", allowed=allowed, fix="send what the API server sends"))
        elif self._header_timer is None:
            self._start_clock()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Wait until all that was received is parsed."""
        if self._is_receiving:
            self._begun = cycle, app
        else:
            super()._start_asgi_task(cycle, app)

    def _serve(self, cycle: RequestResponseCycle, app: Any) -> None:
        immediate: Immediate | None = None if cycle.more_body else getattr(app, "immediate", None)
        respond = immediate and immediate(cycle.scope["method"], cycle.scope["path"])
        if respond is None:
            super()._start_asgi_task(cycle, app)
        elif not self._is_gone():
            body = bytes(cycle.body)
            cycle.body.clear()
            respond(cycle.scope["headers"], body, partial(self._answer, cycle), self._is_gone)

    def _is_gone(self) -> bool:
        """Whether nobody can be answered; a lost TLS connection does not say that it is closing."""
        return self._is_lost or self.transport.is_closing()

    def _answer(self, cycle: RequestResponseCycle, answer: Answer) -> None:
        """Write all of it at once, as `cycle` would have written it in two parts."""
        if self._is_gone():
            return
        headers = [*self.server_state.default_headers, *answer.headers]
        if not cycle.keep_alive:
            headers.append((b"connection", b"close"))
        self.transport.write(_head(answer.status, len(answer.body), headers) + answer.body)
        cycle.response_started = cycle.response_complete = True
        if (b"connection", b"close") in headers:
            self.transport.close()
        cycle.on_response()

    def on_message_begin(self) -> None:
        """A header has begun."""
        self._is_in_header = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop the clock; the body has its own."""
        if self.pipeline:
            # Each would cost 3 KB before the first is answered. What is raised here uvicorn takes for no HTTP.
            raise ValueError("a sender that waits for no answer")
        self._stop_clock()
        self._header_bytes = 0
        self._is_in_header = False
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
        self._is_lost = True
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
        self.transport.write(_head(error.status, len(body), [(b"connection", b"close")]) + body)
        self.transport.close()
        self.on_refused(error.code)


def _head(status: int, length: int, headers: list[tuple[bytes, bytes]]) -> bytes:
    """Status line and headers of an answer in JSON."""
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    phrase = HTTPStatus(status).phrase.encode()
    fixed = b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
    return fixed % (status, phrase, length) + lines + b"\r\n"


def _common_names(transport: asyncio.Transport) -> Iterator[str]:
    """Those of the peer's certificate, which the handshake has verified."""
    certificate = transport.get_extra_info("peercert") or {}
    return (value for rdn in certificate.get("subject", ()) for key, value in rdn if key == "commonName")
