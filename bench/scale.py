"""What an admission costs with the settings of many namespaces and with many RayClusters, beside few.

The services follow clusters that are made up for them, by an API server of the tests; what following a real one costs
is told by ``make e2e-scale``. Each review is of another namespace, as far as there are any, and of a pod unlike any
before: the worst that can be.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import samples
from bench.client import Client, request_of
from bench.figures import Figure, figure, report, say
from bench.peers import Peer, ours
from tests.cluster.fake_api_server import CLUSTERS, FakeApiServer, running_api_server
from tests.cluster.support import until
from tests.cluster.test_serve import is_ready, serving
from tests.service import recorded
from webhook.contract import CLUSTER, ROLE, WEBHOOK_NAMESPACE

ROUNDS = 9
POSTS = 400
REVIEWS = 1000
"""Different ones that are sent to a service."""
FLAT = 1.15
"""As make e2e-scale has it: two services with the same settings differ by up to 4 %."""
FEW = 10
SIZES = (1_000, 10_000)
FEW_CLUSTERS, MANY_CLUSTERS = 10, 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """A service that follows a cluster, and reviews of the cluster's pods."""

    peer: Peer
    requests: Sequence[bytes]

    def microseconds(self) -> float:
        """Of the service's processor time for each of :data:`POSTS` reviews, picked at random."""
        with Client(self.peer.port) as client:
            client.post(self.requests[0])
            before = self.peer.seconds()
            for request in random.choices(self.requests, k=POSTS):
                client.post(samples.numbered(request))
            return (self.peer.seconds() - before) / POSTS * 1e6


@contextmanager
def following(folder: Path, *, namespaces: int = 0, clusters: int = 0) -> Iterator[Followed]:
    """A service with the settings of so many namespaces, or with a RayCluster in each of so many."""
    fake = FakeApiServer()
    fake.serve_kind(CLUSTERS)
    fake.config_map(WEBHOOK_NAMESPACE, {"RAY_HOST": "ray"})
    for number in range(namespaces):
        fake.config_map(_team(number), {"RAY_HOST": f"ray-{number}"})
    for number in range(clusters):
        fake.put(CLUSTERS, _team(number), "ray", spec={"headGroupSpec": {}})
    picked = random.sample(range(namespaces or clusters), min(namespaces or clusters, REVIEWS))
    requests = [_review(_team(number), names_cluster=bool(clusters)) for number in picked]
    with running_api_server(fake) as url, serving(folder, url) as service:
        until(lambda: is_ready(service), "the service is ready", seconds=60)
        yield Followed(peer=ours(service), requests=requests)


def _team(number: int) -> str:
    return f"team-{number:05}"


def _review(namespace: str, *, names_cluster: bool) -> bytes:
    review = recorded("deployment-client")
    pod = review["request"]["object"]
    review["request"]["namespace"] = pod["metadata"]["namespace"] = namespace
    pod["metadata"]["annotations"] = {ROLE: "client"} | ({CLUSTER: "ray"} if names_cluster else {})
    return request_of(samples.unlike(samples.encoded(review)))


def measure() -> Iterator[Figure]:
    worlds = {size: {"namespaces": size} for size in (FEW, *SIZES)}
    named = {FEW_CLUSTERS: {"clusters": FEW_CLUSTERS}, MANY_CLUSTERS: {"clusters": MANY_CLUSTERS}}
    yield from _compared("settings of {} namespaces", worlds)
    yield from _compared("one of {} RayClusters", named)


def _compared(what: str, worlds: dict[int, dict[str, int]]) -> Iterator[Figure]:
    """Services with more and more of it, asked in turn, each beside the one with the least."""
    taken: dict[int, list[float]] = defaultdict(list)
    with ExitStack() as stack:
        folders = {size: Path(stack.enter_context(tempfile.TemporaryDirectory())) for size in worlds}
        say(f"scale: {what.format(' and '.join(f'{size:,}' for size in worlds))}")
        services = {size: stack.enter_context(following(folders[size], **world)) for size, world in worlds.items()}
        for service in services.values():
            service.microseconds()
        for _ in range(ROUNDS):
            for size in random.sample(list(services), len(services)):
                taken[size].append(services[size].microseconds())
        memory = {size: service.peer.megabytes() for size, service in services.items()}
    least, *others = worlds
    yield figure(f"an admission, {what.format(f'{least:,}')}", "us", taken[least])
    for size in others:
        ratios = [many / few for many, few in zip(taken[size], taken[least], strict=True)]
        yield figure(f"an admission, {what.format(f'{size:,}')} / {least}", "x", ratios, FLAT)
        yield figure(f"memory, {what.format(f'{size:,}')}", "MB", [memory[size]])


def main() -> int:
    return report("scale", list(measure()), rounds=ROUNDS)


if __name__ == "__main__":
    sys.exit(main())
