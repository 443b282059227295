"""Capacity: reviews a second that one core answers at p99 < 10 ms, by one replica and by two on a core each.

The replicas are pinned to a core each. Senders offer a rate that rises until the bar is missed. With two cores, which
two replicas have for themselves, the senders take from them; so the second figure is a lower bound there.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

from bench import samples
from bench.client import request_of
from bench.figures import Figure, figure, report
from bench.peers import ours
from tests.service import running_service

P99_MILLISECONDS = 10.0
SECONDS = 3.0
CONNECTIONS = 16
STEPS = 7
"""Of a bisection between 200 and 12,800 a second: the figure is good to 1 %."""
ROUNDS = 3


async def offered(ports: Sequence[int], rate: float) -> float:
    """The p99 of the answers at so many reviews a second, in milliseconds from when each was due."""
    request = request_of(samples.of_role("client"))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    taken: list[float] = []
    begun = perf_counter() + 0.2
    total = int(rate * SECONDS)
    due = iter(range(total))

    async def work(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        for number in due:
            at = begun + number / rate
            if (early := at - perf_counter()) > 0:
                await asyncio.sleep(early)
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0])
            await reader.readexactly(length)
            taken.append((perf_counter() - at) * 1000)
        writer.transport.abort()

    await asyncio.gather(*(work(ports[number % len(ports)]) for number in range(CONNECTIONS)))
    taken.sort()
    return taken[int(total * 0.99)]


def capacity(ports: Sequence[int]) -> float:
    """The highest rate, in reviews a second, at which the bar holds."""
    lowest, highest = 200.0, 12_800.0
    for _ in range(STEPS):
        rate = (lowest * highest) ** 0.5
        if asyncio.run(offered(ports, rate)) < P99_MILLISECONDS:
            lowest = rate
        else:
            highest = rate
    return lowest


def measure(replicas: int) -> Iterator[float]:
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as stack:
        ports = []
        for number in range(replicas):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            peer = ours(stack.enter_context(running_service(folder)))
            core = str(cores[-1 - number % len(cores)])
            subprocess.run(["taskset", "-acp", core, str(peer.pid)], check=True, capture_output=True)
            ports.append(peer.port)
        for _ in range(ROUNDS):
            yield capacity(ports)


def main() -> int:
    found: list[Figure] = [
        figure(
            f"{replicas} replica{'s' * (replicas > 1)}, p99 < {P99_MILLISECONDS:g} ms", "/s", list(measure(replicas))
        )
        for replicas in (1, 2)
    ]
    return report("capacity", found, rounds=ROUNDS)


if __name__ == "__main__":
    sys.exit(main())
