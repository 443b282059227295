"""``python -m tests.soak.flood SECONDS PORT...``: measures what the replicas can answer, then sends five times that.

The reviews are small, and of pods with hundreds of containers, each of which is looked at before all is refused for one
of them: they cost a replica far more than their sender. Prints its figures as one line of JSON.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from time import monotonic

import uvloop

from tests.http_stream import read_answer, trusting

FACTOR = 5.5
"""Somewhat more than the bar, for a sender that is late now and then."""
MEASURING_SECONDS = 2.0
PATIENCE_SECONDS = 3.0
"""As the API server's, by the shipped configuration."""
_NUMBER = "########"
CONTAINERS = 250
"""Of each kind."""
OPENED = 100
"""Connections to each replica before the flood: together as many as an API server has mutating requests under way."""
RECORDED = Path(__file__).parents[1] / "fixtures" / "reviews" / "pod-dry-run.json"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def request() -> bytes:
    """A whole HTTP request."""
    review = json.loads(RECORDED.read_text(encoding="utf-8"))
    pod = review["request"]["object"]
    pod["metadata"]["annotations"]["ray.seedcore.io/on-conflict"] = "deny"
    for kind in ("containers", "initContainers"):
        pod["spec"][kind] = [{"name": str(number)} for number in range(CONTAINERS)]
    pod["spec"][kind][-1]["env"] = [{"name": "RAY_HOST", "value": _NUMBER}]
    body = json.dumps(review, separators=(",", ":")).encode()
    head = f"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Flood:
    """Sends to the ports in turn, over connections that were opened before, and new ones where no answer came in time.

    Attributes:
        written: how many reviews a replica was sent; the others waited for a new connection until their time-out.
        answers: how many there were, by status; what had none within the time-out is under ``none``.
    """

    def __init__(self, ports: list[int]) -> None:
        self.written = 0
        self.answers: Counter[int | str] = Counter()
        self._request, self._numbers = request(), itertools.count()
        self._tls = trusting()
        self._free: dict[int, list[Connection]] = {port: [] for port in ports}

    async def open(self, port: int) -> None:
        """One connection more, over which something was asked already: it is kept then."""
        reader, writer = await self._open(port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        await read_answer(reader)
        self._free[port].append((reader, writer))

    async def send(self, port: int) -> None:
        """One review."""
        writer = None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                free = self._free[port]
                reader, writer = free.pop() if free else await self._open(port)
                writer.write(self._unlike_others())
                self.written += 1
                status, _ = await read_answer(reader)
                self.answers[status] += 1
            free.append((reader, writer))
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            self.answers["none"] += 1
            if writer:
                writer.transport.abort()

    def _unlike_others(self) -> bytes:
        """A review whose verdict is not kept from another one."""
        return self._request.replace(_NUMBER.encode(), b"%08d" % next(self._numbers))

    async def capacity(self) -> float:
        """Answers a second, by as many senders as keep every replica busy."""
        end = monotonic() + MEASURING_SECONDS

        async def again(port: int) -> None:
            while monotonic() < end:
                await self.send(port)

        await asyncio.gather(*(again(port) for port in self._free for _ in range(3)))
        answered = self.answers.total() - self.answers["none"]
        self.answers.clear()
        self.written = 0
        return answered / MEASURING_SECONDS

    async def _open(self, port: int) -> Connection:
        return await asyncio.open_connection("127.0.0.1", port, ssl=self._tls, ssl_handshake_timeout=PATIENCE_SECONDS)


async def main(seconds: float, ports: list[int]) -> None:
    """Measure, flood, tell."""
    flood = Flood(ports)
    for port in ports * OPENED:
        await flood.open(port)
    capacity = await flood.capacity()
    begun, sent, tasks = monotonic(), 0, set()
    while (passed := monotonic() - begun) < seconds:
        for _ in range(int(FACTOR * capacity * passed) - sent):
            tasks.add(asyncio.create_task(flood.send(ports[sent % len(ports)])))
            sent += 1
        tasks = {task for task in tasks if not task.done()}
        await asyncio.sleep(0.01)
    await asyncio.gather(*tasks)
    figures = {"capacity": capacity, "sent": sent / passed, "written": flood.written, "answers": flood.answers}
    print(json.dumps(figures))


def hurry() -> None:
    """Go before the replicas on a busy machine, where that is allowed, so that what is late is not the sender."""
    with suppress(OSError):
        os.nice(-10)


if __name__ == "__main__":
    hurry()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(float(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
