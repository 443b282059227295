"""``python flood.py SECONDS PORT...``: measures what the replicas can answer, then sends five times as much.

The reviews are of pods with hundreds of variables: they cost a replica far more than their sender. Prints one line.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections import Counter
from pathlib import Path
from time import monotonic

FACTOR = 5
MEASURING_SECONDS = 2.0
PATIENCE_SECONDS = 3.0
"""As the API server's, by the shipped configuration."""
VARIABLES = 2000
RECORDED = Path(__file__).parents[1] / "fixtures" / "reviews" / "pod-dry-run.json"


def request() -> bytes:
    """A whole HTTP request."""
    review = json.loads(RECORDED.read_text(encoding="utf-8"))
    env = [{"name": f"VARIABLE_{number}", "value": "x" * 50} for number in range(VARIABLES)]
    review["request"]["object"]["spec"]["containers"][0]["env"] = env
    body = json.dumps(review).encode()
    head = f"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Flood:
    """Sends to the ports in turn over connections that are kept.

    Attributes:
        answers: how many there were, by status; what had none within the time-out is under ``none``.
    """

    def __init__(self, ports: list[int]) -> None:
        self.answers: Counter[str] = Counter()
        self._request = request()
        self._tls = ssl.create_default_context()
        self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE
        self._free: dict[int, list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = {port: [] for port in ports}

    async def send(self, port: int) -> None:
        """One review."""
        writer = None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                free = self._free[port]
                kept = free.pop() if free else await asyncio.open_connection("127.0.0.1", port, ssl=self._tls)
                reader, writer = kept
                writer.write(self._request)
                await writer.drain()
                header = await reader.readuntil(b"\r\n\r\n")
                length = int(header.lower().partition(b"content-length: ")[2].split(b"\r")[0])
                await reader.readexactly(length)
            free.append(kept)
            self.answers[header.split()[1].decode()] += 1
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            self.answers["none"] += 1
            if writer:
                writer.transport.abort()

    async def capacity(self) -> float:
        """Answers a second, by as many senders as keep every replica busy."""
        end = monotonic() + MEASURING_SECONDS

        async def again(port: int) -> None:
            while monotonic() < end:
                await self.send(port)

        await asyncio.gather(*(again(port) for port in self._free for _ in range(3)))
        answered = self.answers.total() - self.answers["none"]
        self.answers.clear()
        return answered / MEASURING_SECONDS


async def main(seconds: float, ports: list[int]) -> None:
    """Measure, flood, tell."""
    flood = Flood(ports)
    capacity = await flood.capacity()
    begun, sent, tasks = monotonic(), 0, set()
    while (passed := monotonic() - begun) < seconds:
        for _ in range(int(FACTOR * capacity * passed) - sent):
            tasks.add(asyncio.create_task(flood.send(ports[sent % len(ports)])))
            sent += 1
        tasks = {task for task in tasks if not task.done()}
        await asyncio.sleep(0.01)
    await asyncio.gather(*tasks)
    told = ", ".join(f"{status}: {count}" for status, count in sorted(flood.answers.items()))
    print(f"flood: {capacity:.0f} a second could be answered, {sent / seconds:.0f} a second were sent; {told}")


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
