"""What EndpointSlices and kube-proxy are in a cluster: new connections go to replicas that were ready a moment ago."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPException
from typing import Final

from tests.e2e.balancer import CONNECT_SECONDS, Balancer, balancing
from tests.e2e.certificates.fleet import port_of
from tests.service import RunningService

PROBE_SECONDS: Final = 1.0
"""Between two looks at a replica's readiness. In a cluster the way from a dead process to every node's rules takes a
second or two; from a dead node, which nothing here stands for, it takes 40 s and more."""


class ServicePort(Balancer):
    """A balancer that, as kube-proxy, gives each connection to one target: where that refuses it, it is lost."""

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        targets = self.targets
        if not targets:
            return None
        self._turn += 1
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CONNECT_SECONDS):
                return await asyncio.open_connection("127.0.0.1", targets[self._turn % len(targets)])
        return None


def is_ready(replica: RunningService) -> bool:
    """What a kubelet would find."""
    try:
        return replica.ops("/readyz", seconds=PROBE_SECONDS)[0] == 200
    except (OSError, HTTPException):
        return False


@contextmanager
def following(balancer: Balancer, replicas: Callable[[], Sequence[RunningService]]) -> Iterator[None]:
    """Keep the balancer's targets in step with who is ready; connections that are open stay."""
    stopping = threading.Event()

    def follow() -> None:
        while not stopping.wait(PROBE_SECONDS):
            balancer.targets = tuple(port_of(replica) for replica in replicas() if is_ready(replica))

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


@contextmanager
def service_port() -> Iterator[Balancer]:
    """A Service's port, without endpoints at first."""
    with balancing(ServicePort()) as balancer:
        yield balancer
