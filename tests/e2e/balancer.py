"""What a Service is in a cluster with a network: one port, behind which new connections go to several in turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CONNECT_SECONDS = 1.0
"""After which the next one is tried; a Service, too, knows only later that a pod is gone."""
CHUNK = 65536


class Balancer:
    """Hands on bytes, of TLS or anything else, unread.

    Attributes:
        port: where it listens, on 127.0.0.1.
        targets: ports on 127.0.0.1 that new connections go to; replace it as a whole, at any time.
    """

    def __init__(self) -> None:
        self.port = 0
        self.targets: tuple[int, ...] = ()
        self._turn = 0
        self._open: set[asyncio.StreamWriter] = set()

    async def run(self, started: threading.Event, stopping: asyncio.Event) -> None:
        server = await self._listen()
        started.set()
        await stopping.wait()
        server.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def _listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        far = await self._connect()
        if far:
            self._open.add(far[1])
            await asyncio.gather(_copy(reader, far[1]), _copy(far[0], writer))
            self._open.discard(far[1])
        self._open.discard(writer)
        writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A connection to the next target that takes one."""
        targets = self.targets
        self._turn += 1
        for number in range(len(targets)):
            port = targets[(self._turn + number) % len(targets)]
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection("127.0.0.1", port)
        return None


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one end closes; the other is told."""
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.close()


@contextmanager
def balancing(balancer: Balancer | None = None) -> Iterator[Balancer]:
    """A balancer at work until the block ends, without targets at first."""
    balancer, started = balancer or Balancer(), threading.Event()
    loop, stopping = asyncio.new_event_loop(), asyncio.Event()

    def work() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(balancer.run(started, stopping))

    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    try:
        yield balancer
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
