"""The process: how soon it is ready, what memory it takes, and what makes an admission dearer or does not.

Settings of many namespaces and many RayClusters are handed to the rule book itself, as a snapshot: that is all that an
admission sees of them. What following so many costs a service is told by ``make e2e-scale``.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter, process_time

from bench import samples
from bench.client import Client, request_of
from bench.figures import Figure, figure, report
from bench.peers import Peer, ours
from tests.service import SETTINGS, RunningService, running_service
from webhook.injection.decision import decide
from webhook.injection.review import AdmissionRequest, parse_review
from webhook.injection.settings import Settings, parse_settings
from webhook.injection.snapshot import RayTarget, Reference, Snapshot, TargetKind

ROUNDS = 5
ADMISSIONS = int(os.environ.get("BENCH_ADMISSIONS", "1000000"))
"""How many the process has behind it when its memory is looked at."""
CONNECTIONS = 200
DECISIONS = 2000
CHANGES_SECONDS = 3.0


def ready_and_memory() -> Iterator[Figure]:
    ready, memory = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            started = perf_counter()
            with running_service(Path(folder)) as service:
                ready.append(perf_counter() - started)
                memory.append(service.memory())
    yield figure("ready, with a certificate of its own to issue", "s", ready, 0.8)
    yield figure("memory when ready", "MiB", memory, 70)


def after_many(service: RunningService) -> Iterator[Figure]:
    """Memory after reviews of every recorded kind, over several connections."""
    requests = [request_of(samples.of_role(role)) for role in samples.ROLES]
    done = 0
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(ours(service).port)) for _ in range(8)]
        while done < ADMISSIONS:
            for client in clients:
                client.send(random.choice(requests))
            for client in clients:
                client.answer()
            done += len(clients)
    yield figure(f"memory after {done:,} admissions", "MiB", [service.memory()], 70)


def snapshot(*, namespaces: int, targets: int) -> Snapshot:
    own = {f"team-{number}": settings(number) for number in range(namespaces)}
    clusters = {
        Reference(kind=TargetKind.CLUSTER, namespace=f"team-{number}", name="ray"): RayTarget(
            head_service="ray-head-svc"
        )
        for number in range(targets)
    }
    return Snapshot(namespaces=own, targets=clusters)


def settings(number: int) -> Settings:
    return parse_settings(
        {"RAY_HOST": f"ray-{number}"}, source=f"ConfigMap team-{number}/ray-settings", cluster_wide=False
    )


def request_in(namespace: str, *, cluster: str | None = None) -> AdmissionRequest:
    body = samples.of_role("client")
    made = parse_review(body.replace(b'"seedcore-dev"', f'"{namespace}"'.encode()))
    if made.namespace != namespace:
        raise SystemExit("the recorded review is of another namespace than expected")
    if cluster is None:
        return made
    role = b'"ray.seedcore.io/role":"client"'
    told = body.replace(role, role + f',"ray.seedcore.io/cluster":"{cluster}"'.encode())
    return parse_review(told.replace(b'"seedcore-dev"', f'"{namespace}"'.encode()))


def microseconds(known: Snapshot, requests: Sequence[AdmissionRequest]) -> float:
    """Of processor time for each decision."""
    before = process_time()
    for request in requests:
        decide(request, known, default_role=None)
    return (process_time() - before) / len(requests) * 1e6


def many_namespaces() -> Iterator[Figure]:
    """Each decision in another namespace of so many, which is the worst that a cluster can do."""
    sizes = (10, 1_000, 10_000)
    known = {size: snapshot(namespaces=size, targets=0) for size in sizes}
    asked = {size: [request_in(f"team-{random.randrange(size)}") for _ in range(DECISIONS)] for size in sizes}
    taken = [{size: microseconds(known[size], asked[size]) for size in sizes} for _ in range(ROUNDS)]
    yield figure("a decision, settings of 10 namespaces", "us", [one[10] for one in taken])
    for size in sizes[1:]:
        ratios = [one[size] / one[10] for one in taken]
        yield figure(f"the same, {size:,} namespaces / 10", "x", ratios, 1.15)


def many_clusters() -> Iterator[Figure]:
    known = {size: snapshot(namespaces=0, targets=size) for size in (1, 1_000)}
    asked = {
        size: [request_in(f"team-{random.randrange(size)}", cluster="ray") for _ in range(DECISIONS)] for size in known
    }
    taken = [{size: microseconds(known[size], asked[size]) for size in known} for _ in range(ROUNDS)]
    ratios = [one[1_000] / one[1] for one in taken]
    yield figure("a decision, a named one of 1,000 RayClusters / of one", "x", ratios, 1.15)


def settings_change() -> Iterator[Figure]:
    """The slowest answers while the settings change ten times a second, beside those while they stay."""
    quiet, changing = [], []
    request = request_of(samples.of_role("client"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "settings.env"
        text = SETTINGS.read_text()
        file.write_text(text)
        with running_service(Path(folder), settings=file) as service, Client(ours(service).port) as client:
            for _ in range(ROUNDS):
                quiet.append(_p99(client, request, None))
                changing.append(_p99(client, request, (file, text)))
    yield figure("p99 of an answer while settings stay", "ms", quiet)
    yield figure(
        "p99 while they change ten times a second / stay", "x", [a / b for a, b in zip(changing, quiet, strict=True)]
    )


def _p99(client: Client, request: bytes, change: tuple[Path, str] | None) -> float:
    taken, begun, changes = [], perf_counter(), 0
    while (passed := perf_counter() - begun) < CHANGES_SECONDS:
        if change and passed * 10 > changes:
            changes += 1
            file, text = change
            made = file.with_name("new")
            made.write_text(f"{text}\nOTHER={changes}\n")
            made.replace(file)
        started = perf_counter()
        client.post(request)
        taken.append((perf_counter() - started) * 1000)
    taken.sort()
    return taken[int(len(taken) * 0.99)]


def many_connections(service: RunningService) -> Iterator[Figure]:
    """As many API servers' worth: each keeps a connection, of which one is used at a time."""
    peer, request = ours(service), request_of(samples.of_role("client"))
    alone, among, before = [], [], service.memory()
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(peer.port)) for _ in range(CONNECTIONS)]
        for client in clients:
            client.post(request)  # who has sent nothing yet is closed after five seconds
        after = service.memory()
        for _ in range(ROUNDS):
            alone.append(_cpu(peer, clients[:1], request))
            among.append(_cpu(peer, clients, request))
    ratios = [many / one for many, one in zip(among, alone, strict=True)]
    yield figure(f"an admission over {CONNECTIONS} connections in turn / over one", "x", ratios)
    yield figure("memory of a kept connection", "KiB", [(after - before) / CONNECTIONS * 1024])


def _cpu(peer: Peer, clients: Sequence[Client], request: bytes) -> float:
    before = peer.seconds()
    for number in range(600):
        clients[number % len(clients)].post(request)
    return peer.seconds() - before


def main() -> int:
    found = [*ready_and_memory(), *many_namespaces(), *many_clusters(), *settings_change()]
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder)) as service:
        found += many_connections(service)
        found += after_many(service)
    return report("process", found, rounds=ROUNDS)


if __name__ == "__main__":
    sys.exit(main())
