"""What a creation takes through a real API server: without anybody, with a MutatingAdmissionPolicy, with the webhook.

Dry-run creations of the same client pod in three namespaces of one cluster. The policy is what ``ray-webhook render
policy`` prints for the same settings. Sequential ones alternate, request by request; those at a rate come in short
blocks that alternate. Latencies are of the client, which is the same for all.
"""

from __future__ import annotations

import http.client
import json
import random
import ssl
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, sleep
from typing import Final
from urllib.parse import urlsplit

from bench.figures import Figure, figure, report, say
from tests.control_plane.cluster import ControlPlane
from tests.control_plane.fixtures import running
from tests.control_plane.process import wait_for
from tests.e2e import installation, judges, workloads
from tests.e2e.expected import CLUSTER_WIDE
from tests.service import running_service

WAYS: Final = ("nobody", judges.POLICY, judges.WEBHOOK)
ROUNDS: Final = 9
SEQUENTIAL: Final = 300
"""Creations of each way in a round."""
RATE: Final = 100
BLOCK_SECONDS: Final = 3.0
THREADS: Final = 12


class Creations:
    """Dry-run creations in a namespace over a connection that is kept."""

    def __init__(self, plane: ControlPlane) -> None:
        url = urlsplit(plane.url)
        context = ssl.create_default_context(cafile=plane.certificate)
        self._connection = http.client.HTTPSConnection(str(url.hostname), url.port, context=context, timeout=30)
        token = plane.admin.configuration.api_key["authorization"]
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._bodies = {way: json.dumps(workloads.pod(way, role="client")) for way in WAYS}

    def milliseconds(self, way: str) -> float:
        """Of one creation, which has to succeed."""
        begun = perf_counter()
        path = f"/api/v1/namespaces/{way}/pods?dryRun=All"
        self._connection.request("POST", path, body=self._bodies[way], headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        taken = (perf_counter() - begun) * 1000
        if answer.status != 201 or (b"ray://" in body) != (way != "nobody"):
            raise SystemExit(f"{way}: the API server answered {answer.status} {body[:300]!r}")
        return taken


@contextmanager
def cluster(folder: Path) -> Iterator[ControlPlane]:
    """A cluster with a namespace for each way."""
    with ExitStack() as stack:
        plane = stack.enter_context(running(folder / "plane"))
        installation.install(plane)
        for way in WAYS:
            plane.create_namespace(way, {judges.JUDGE: way})
        plane.wait_for_namespace(installation.NAMESPACE)
        plane.apply([workloads.settings(installation.NAMESPACE, **CLUSTER_WIDE)])
        judges.install_policy(plane)
        tls = folder / "tls"
        flags = ["--kubeconfig", str(plane.service_account_kubeconfig(installation.NAMESPACE, installation.NAME))]
        service = stack.enter_context(running_service(folder, *flags, settings=None))
        installation.connect(plane, int(service.url.rpartition(":")[2]), (tls / "ca.crt").read_bytes())
        judges.restrict_webhook(plane)
        creations = Creations(plane)
        for way in WAYS[1:]:
            wait_for(lambda: _is_treated(creations, way), f"{way} treats pods")  # noqa: B023  waited for at once
        yield plane


def _is_treated(creations: Creations, way: str) -> bool:
    try:
        creations.milliseconds(way)
    except SystemExit:
        return False
    return True


def sequential(plane: ControlPlane) -> dict[str, list[float]]:
    """Milliseconds of each way, one creation after the other, in turn."""
    creations, taken = Creations(plane), defaultdict(list)
    for _ in range(SEQUENTIAL):
        for way in random.sample(WAYS, len(WAYS)):
            taken[way].append(creations.milliseconds(way))
    return taken


def at_rate(plane: ControlPlane) -> dict[str, list[float]]:
    """Milliseconds of each way at so many creations a second, from when each was due."""
    return {way: _block(plane, way) for way in random.sample(WAYS, len(WAYS))}


def _block(plane: ControlPlane, way: str) -> list[float]:
    begun, due, lock = perf_counter(), iter(range(int(RATE * BLOCK_SECONDS))), threading.Lock()
    taken: list[float] = []

    def work() -> None:
        creations = Creations(plane)
        while True:
            with lock:
                number = next(due, None)
            if number is None:
                return
            at = begun + number / RATE
            sleep(max(0.0, at - perf_counter()))
            creations.milliseconds(way)
            taken.append((perf_counter() - at) * 1000)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(taken) != int(RATE * BLOCK_SECONDS):
        raise SystemExit(f"{way}: {len(taken)} creations came to an end")
    return taken


def p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100)[98]


def figures(what: str, found: Sequence[Mapping[str, Sequence[float]]]) -> Iterator[Figure]:
    """Medians over the rounds; ratios are of one round each."""
    for way in WAYS:
        yield figure(f"{what}: p50, {way}", "ms", [median(one[way]) for one in found])
        yield figure(f"{what}: p99, {way}", "ms", [p99(one[way]) for one in found])
    for other, bar, worst_bar in ((judges.POLICY, 1.05, 1.0), ("nobody", None, None)):
        p50s = [median(one[judges.WEBHOOK]) / median(one[other]) for one in found]
        p99s = [p99(one[judges.WEBHOOK]) / p99(one[other]) for one in found]
        yield figure(f"{what}: p50, webhook / {other}", "x", p50s, bar)
        yield figure(f"{what}: p99, webhook / {other}", "x", p99s, worst_bar)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, cluster(Path(folder)) as plane:
        say("through_api_server: the first creations, which find nothing in anybody's caches")
        sequential(plane), at_rate(plane)
        say(f"through_api_server: one creation after the other, {ROUNDS} rounds")
        singly = [sequential(plane) for _ in range(ROUNDS)]
        say(f"through_api_server: {RATE} creations a second, {ROUNDS} rounds")
        rated = [at_rate(plane) for _ in range(ROUNDS)]
    found = [*figures("sequential", singly), *figures(f"at {RATE} a second", rated)]
    return report("through_api_server", found, rounds=ROUNDS)


if __name__ == "__main__":
    sys.exit(main())
