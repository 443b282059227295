"""Open connections of one port: how many there may be, and who has to go when there are more.

Every connection waits for its peer: for its handshake, its header, its body, or for its next request. The service
itself keeps few waiting, for a second at most (:mod:`webhook.server.turns`). So there is always one to close, and
nobody who opens connections, silent or half-open, keeps others out: the oldest goes, of those that owe us something
where they fill half of the room, else of those that are merely kept. An API server's handshake, header and body are
there within milliseconds; what has owed them for longest is somebody else's.

A TLS port is listened on as a plain one, and a :class:`Gate` does TLS on each connection: asyncio's own TLS servers
tell of one only after its handshake, when it has long held a descriptor and 50 KB (measured).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, ClassVar, Final, Protocol

import uvloop

MAX_CONNECTIONS: Final = 1024
"""An API server keeps 25 idle ones and has at most 200 mutating requests under way; 1,024 cost about 60 MB."""
MAX_OPERATIONS_CONNECTIONS: Final = 64
"""Probes and a few scrapers."""
MAX_CONSOLE_CONNECTIONS: Final = 32
"""A browser opens six at a time."""
HANDSHAKE_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 1.0
"""For a peer to agree that its connection is closed."""


_SSLProtocol: Final[Any] = vars(uvloop.loop)["SSLProtocol"]


class Connection(Protocol):
    """The protocol at a connection's end, which knows all connections of its port."""

    open_connections: ClassVar[Connections]

    @property
    def transport(self) -> asyncio.Transport | None:
        """Its own; None until it was told of the connection."""

    def close_after_answer(self) -> None:
        """Say in the answer under way that the connection ends with it."""


class TlsConnection(Connection, Protocol):
    """Such a protocol behind TLS."""

    @staticmethod
    def tls_context() -> ssl.SSLContext:
        """What a handshake begins with at the moment."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """As of asyncio.Protocol, like the others."""

    def data_received(self, data: memoryview) -> None:
        """Take what was decrypted, which is there until this returns."""

    def eof_received(self) -> None:
        """The peer sends no more."""

    def pause_writing(self) -> None:
        """The peer takes its answer slowly."""

    def resume_writing(self) -> None:
        """It has taken enough of it."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""


class Connections:
    """The open connections of one port, the oldest first.

    Attributes:
        retiring: whether every answer from now on is the last one of its connection.
        evicted: called for each connection that had to go for another.
        handshake_failed: called with the error of a TLS handshake that did not succeed, None where the peer left.
    """

    def __init__(
        self,
        most: int,
        *,
        evicted: Callable[[], None] = lambda: None,
        handshake_failed: Callable[[Exception | None], None] = lambda _error: None,
    ) -> None:
        """Hold none yet, and at most `most`."""
        self.most = most
        self.retiring = False
        self.evicted, self.handshake_failed = evicted, handshake_failed
        self._owing: dict[Connection, asyncio.Transport] = {}
        self._kept: dict[Connection, asyncio.Transport] = {}

    def __len__(self) -> int:
        """How many are open."""
        return len(self._owing) + len(self._kept)

    def opened(self, connection: Connection, transport: asyncio.Transport) -> None:
        """A connection that owes us its first request; `transport` is its lowest one."""
        if connection in self._owing:
            return
        self._owing[connection] = transport
        if len(self) > self.most:
            self._evict()

    def begins_request(self, connection: Connection) -> None:
        """A header has come."""
        transport = self._kept.pop(connection, None)
        if transport is not None:
            self._owing[connection] = transport

    def has_answer(self, connection: Connection) -> None:
        """The connection was answered, and is kept for more."""
        transport = self._owing.pop(connection, None)
        if transport is not None:
            self._kept[connection] = transport

    def closed(self, connection: Connection) -> None:
        """It is gone."""
        self._owing.pop(connection, None)
        self._kept.pop(connection, None)

    def retire(self) -> None:
        """Let every answer from now on be the last one of its connection, so that its peer goes elsewhere."""
        self.retiring = True
        for connection in self._owing:
            connection.close_after_answer()

    def _evict(self) -> None:
        # Each crowd has half of the room for itself: a flood of new connections leaves the kept ones alone, and who
        # keeps many leaves room for new ones. The newest is never the victim, for it stands at the end.
        crowd = self._owing if len(self._owing) > self.most // 2 else self._kept
        crowd.pop(next(iter(crowd))).abort()
        self.evicted()


_BUFFER: Final = memoryview(bytearray(256 * 1024))
"""What was decrypted for one connection, until its protocol returns: as much as uvloop reads at a time."""


class _Decrypted(asyncio.BufferedProtocol):
    """Hands what is decrypted to the protocol `behind`, in a buffer that all connections share.

    Without it uvloop makes one of 256 KB for each read, whose pages the system maps and clears each time: 20 µs.
    """

    def __init__(self, behind: TlsConnection) -> None:
        """Stand before `behind`."""
        self._behind = behind

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """The handshake is over."""
        self._behind.connection_made(transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  it never asks for more
        """Where to put what is decrypted."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Something was put there."""
        self._behind.data_received(_BUFFER[:nbytes])

    def eof_received(self) -> None:
        """The peer sends no more."""
        self._behind.eof_received()

    def pause_writing(self) -> None:
        """The peer takes its answer slowly."""
        self._behind.pause_writing()

    def resume_writing(self) -> None:
        """It has taken enough of it."""
        self._behind.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone; TLS refers to this object for longer, and so to no other."""
        behind = self._behind
        del self._behind
        behind.connection_lost(exc)


class Gate(_SSLProtocol):  # type: ignore[misc]  # its class is Any to mypy, for uvloop's stubs do not know it
    """TLS on a connection that is counted from its first byte on.

    The class that uvloop's own TLS servers use, which are not told of a connection before its handshake is over.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, behind: TlsConnection) -> None:
        """Let what is decrypted go to `behind`."""
        super().__init__(
            loop,
            _Decrypted(behind),
            behind.tls_context(),
            None,
            server_side=True,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=CLOSE_SECONDS,
        )
        self._behind = behind

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Count it, and shake hands."""
        self._behind.open_connections.opened(self._behind, transport)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a handshake that failed: the protocol behind was not told of its connection."""
        behind = self._behind
        super().connection_lost(exc)
        behind.open_connections.closed(behind)
        # Else both would wait in a cycle, with all that was received, for a garbage collection that seldom comes.
        del self._behind
        if behind.transport is None:
            behind.open_connections.handshake_failed(exc)
