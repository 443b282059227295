"""Capacity: reviews a second that one core answers at p99 < 10 ms, by one replica and by two on a core each.

The replicas, and the null app for comparison, are pinned to a core each. One sender offers a rate, over connections
that are kept, and the highest one is looked for at which the bar holds. It has the other core for itself beside one
replica; where there are two cores only, it takes from the replicas beside two, and the second figure is a lower bound.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path
from time import perf_counter

import uvloop

from bench import samples
from bench.client import request_of
from bench.figures import Figure, figure, report, say
from bench.peers import NULL, Peer, ours, peer_of
from tests.http_stream import read_answer, trusting
from tests.service import running_service

P99_SECONDS = 0.010
ROUNDS = 3
TRIAL_SECONDS = 1.5
CONNECTIONS = 16
STEPS = 6
"""Of a bisection between an eighth of what is answered without a pause and all of it: good to 4 %."""
TRIES = 2
"""A rate at which the bar is missed once may have met something else on the machine."""


class Sender:
    """Reviews over connections to servers that take turns."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = ports
        self._request = request_of(samples.of_role("client"))

    def most(self) -> float:
        """Answers a second where each connection sends as soon as it was answered."""
        return self._run(_Trial()).answered / TRIAL_SECONDS

    def holds(self, rate: float) -> bool:
        """Whether 99 % of the answers at this rate come in time, counted from when each was due."""
        return any(self._run(_Trial(rate)).holds for _ in range(TRIES))

    def _run(self, trial: _Trial) -> _Trial:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._send(trial))
        return trial

    async def _send(self, trial: _Trial) -> None:
        streams = [await self._open(self._ports[number % len(self._ports)]) for number in range(CONNECTIONS)]
        trial.begin()

        async def work(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for at in trial.times:
                if (early := at - perf_counter()) > 0:
                    await asyncio.sleep(early)
                writer.write(self._request)
                await read_answer(reader)
                trial.note(perf_counter() - at)
            writer.transport.abort()

        await asyncio.gather(*(work(*stream) for stream in streams))

    async def _open(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection over which something was asked already: who has sent nothing after five seconds is closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting())
        writer.write(self._request)
        await read_answer(reader)
        return reader, writer


class _Trial:
    """Reviews at a rate, or as they can be answered; it ends as soon as more are late than may be."""

    def __init__(self, rate: float | None = None) -> None:
        self.answered = self._late = 0
        self._rate = rate
        self._total = int(rate * TRIAL_SECONDS) if rate else 0

    @property
    def holds(self) -> bool:
        return self._late <= self._total // 100

    def begin(self) -> None:
        self.times = self._times(perf_counter())

    def _times(self, begun: float) -> Iterator[float]:
        """When each is due."""
        if self._rate is None:
            while (now := perf_counter()) < begun + TRIAL_SECONDS:
                yield now
        else:
            yield from takewhile(lambda _: self.holds, (begun + number / self._rate for number in range(self._total)))

    def note(self, seconds: float) -> None:
        self.answered += 1
        self._late += seconds > P99_SECONDS


def capacity(ports: Sequence[int]) -> float:
    """The highest rate, in reviews a second, at which the bar holds."""
    sender = Sender(ports)
    highest = sender.most()
    lowest = highest / 8
    for _ in range(STEPS):
        rate = (lowest * highest) ** 0.5
        lowest, highest = (rate, highest) if sender.holds(rate) else (lowest, rate)
    return lowest


@contextmanager
def subjects() -> Iterator[Mapping[str, Sequence[int]]]:
    """The ports of one replica, of two, and of the null app, each server on a core of its own from the last on."""
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)]
        replicas = [ours(stack.enter_context(running_service(folder))) for folder in folders]
        null = stack.enter_context(peer_of(NULL, folders[0] / "tls"))
        for peer, core in ((null, -1), (replicas[0], -1), (replicas[1], -2 % len(cores))):
            _pin(peer, cores[core])
        first, second = (replica.port for replica in replicas)
        yield {"1 replica": [first], "2 replicas": [first, second], NULL: [null.port]}


def _pin(peer: Peer, core: int) -> None:
    subprocess.run(["taskset", "-acp", str(core), str(peer.pid)], check=True, capture_output=True)


def measure() -> Iterator[Figure]:
    taken: dict[str, list[float]] = defaultdict(list)
    with subjects() as found:
        for number in range(ROUNDS):
            for name in random.sample(list(found), len(found)):
                taken[name].append(capacity(found[name]))
                say(f"capacity: round {number + 1} of {ROUNDS}, {name}: {taken[name][-1]:,.0f} reviews a second")
    for name, rates in taken.items():
        yield figure(f"{name}, p99 < {P99_SECONDS * 1000:g} ms", "/s", rates)
    for one, other in (("1 replica", NULL), ("2 replicas", "1 replica")):
        ratios = [many / few for many, few in zip(taken[one], taken[other], strict=True)]
        yield figure(f"{one} / {other}", "x", ratios)


def main() -> int:
    return report("capacity", list(measure()), rounds=ROUNDS)


if __name__ == "__main__":
    sys.exit(main())
