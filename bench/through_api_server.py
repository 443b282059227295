"""What a creation takes through a real API server: without anybody, with a MutatingAdmissionPolicy, with the webhook.

Dry-run creations of the same client pod in three namespaces of one cluster. The policy is what ``ray-webhook render
policy`` prints for the same settings. Sequential ones alternate, request by request; those at a rate come in short
blocks that alternate. Latencies are of the client, which is the same for all.
"""

from __future__ import annotations

import http.client
import json
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
from typing import Any, Final
from urllib.parse import urlsplit

from bench.figures import Figure, figure, report
from tests.control_plane.cluster import ControlPlane
from tests.control_plane.fixtures import running
from tests.control_plane.objects import send
from tests.control_plane.process import wait_for
from tests.e2e import installation, workloads
from tests.e2e.expected import CLUSTER_WIDE
from tests.service import run_command, running_service

JUDGE: Final = "judge"
WAYS: Final = ("nobody", "policy", "webhook")
ROUNDS: Final = 5
SEQUENTIAL: Final = 150
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
            plane.create_namespace(way, {JUDGE: way})
        plane.wait_for_namespace(installation.NAMESPACE)
        plane.apply([workloads.settings(installation.NAMESPACE, **CLUSTER_WIDE)])
        _install_policy(plane)
        tls = folder / "tls"
        flags = ["--kubeconfig", str(plane.service_account_kubeconfig(installation.NAMESPACE, installation.NAME))]
        service = stack.enter_context(running_service(folder, *flags, settings=None))
        installation.connect(plane, int(service.url.rpartition(":")[2]), (tls / "ca.crt").read_bytes())
        _select(plane, f"{installation.CONFIGURATIONS}/{installation.NAME}", "webhook")
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


def _install_policy(plane: ControlPlane) -> None:
    made = run_command("render", "policy", "--kubeconfig", str(plane.kubeconfig))
    if made.returncode:
        raise SystemExit(made.stderr)
    documents = list(installation.documents(made.stdout))
    for document in documents:
        if document["kind"] == "MutatingAdmissionPolicy":
            _add(document["spec"]["matchConstraints"]["namespaceSelector"], "policy")
    items = {"apiVersion": "v1", "kind": "List", "items": documents}
    plane.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(items))


def _select(plane: ControlPlane, path: str, way: str) -> None:
    configuration = send(plane.admin, "GET", path).checked()
    for webhook in configuration["webhooks"]:
        _add(webhook["namespaceSelector"], way)
    send(plane.admin, "PUT", path, configuration).checked()


def _add(selector: dict[str, Any], way: str) -> None:
    selector.setdefault("matchExpressions", []).append({"key": JUDGE, "operator": "In", "values": [way]})


def sequential(plane: ControlPlane) -> dict[str, list[float]]:
    """Milliseconds of each way, one creation after the other, in turn."""
    creations, taken = Creations(plane), defaultdict(list)
    for _ in range(SEQUENTIAL):
        for way in WAYS:
            taken[way].append(creations.milliseconds(way))
    return taken


def at_rate(plane: ControlPlane) -> dict[str, list[float]]:
    """Milliseconds of each way at so many creations a second, from when each was due."""
    return {way: _block(plane, way) for way in WAYS}


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
    p50s = [median(one["webhook"]) / median(one["policy"]) for one in found]
    yield figure(f"{what}: p50, webhook / policy", "x", p50s, 1.05)
    yield figure(f"{what}: p99, webhook / policy", "x", [p99(one["webhook"]) / p99(one["policy"]) for one in found], 1)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, cluster(Path(folder)) as plane:
        sequential(plane)  # the first ones find nothing in anybody's caches
        singly = [sequential(plane) for _ in range(ROUNDS)]
        rated = [at_rate(plane) for _ in range(ROUNDS)]
    found = [*figures("sequential", singly), *figures(f"at {RATE} a second", rated)]
    return report("through_api_server", found, rounds=ROUNDS)


if __name__ == "__main__":
    sys.exit(main())
