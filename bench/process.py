"""The process: how soon it is ready, what memory it takes, what many connections and changes of the settings cost.

A megabyte is 10^6 bytes, the stricter reading of the bar.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from time import perf_counter

from bench import samples
from bench.client import Client, request_of
from bench.figures import Figure, figure, report, say
from bench.peers import NULL, Peer, ours, peer_of
from tests.cluster.fake_api_server import FakeApiServer, running_api_server
from tests.cluster.support import until
from tests.cluster.test_serve import is_ready, serving
from tests.service import SETTINGS, RunningService, running_service
from webhook.contract import WEBHOOK_NAMESPACE

ROUNDS = 7
ADMISSIONS = int(os.environ.get("BENCH_ADMISSIONS", "1000000"))
"""How many the process has behind it when its memory is looked at."""
CONNECTIONS = 200
CONNECTIONS_POSTS = 600
CHANGES_SECONDS = 3.0
READY_BAR, MEMORY_BAR = 0.8, 70.0
Started = Callable[[Path], AbstractContextManager[Peer]]


@contextmanager
def with_a_file(folder: Path) -> Iterator[Peer]:
    """The service with settings from a file, which is ready when it listens; it issues a certificate of its own."""
    with running_service(folder) as service:
        yield ours(service)


@contextmanager
def in_a_cluster(folder: Path) -> Iterator[Peer]:
    """The service with settings from a cluster, as it is installed; ready once it has read them."""
    cluster = FakeApiServer()
    cluster.config_map(WEBHOOK_NAMESPACE, {"RAY_HOST": "ray"})
    with running_api_server(cluster) as url, serving(folder, url) as service:
        until(lambda: is_ready(service), "the service is ready")
        yield ours(service)


def ready_and_memory() -> Iterator[Figure]:
    """Of each way to start it, and of the null app for comparison, in turn."""
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder)):
        tls = Path(folder) / "tls"
        ways: dict[str, Started] = {
            "in a cluster": in_a_cluster,
            "with a file": with_a_file,
            NULL: lambda _: peer_of(NULL, tls),
        }
        taken = [{name: _start(start) for name, start in ways.items()} for _ in range(ROUNDS)]
    for name in ways:
        seconds, megabytes = zip(*(one[name] for one in taken), strict=True)
        ready_bar, memory_bar = (None, None) if name == NULL else (READY_BAR, MEMORY_BAR)
        yield figure(f"ready, {name}", "s", seconds, ready_bar)
        yield figure(f"memory when ready, {name}", "MB", megabytes, memory_bar)
    ratios = [one["in a cluster"][0] / one[NULL][0] for one in taken]
    yield figure(f"ready, in a cluster / {NULL}", "x", ratios)


def _start(way: Started) -> tuple[float, float]:
    """Seconds until it is ready and has answered its first review, and its megabytes then."""
    request = request_of(samples.of_role("client"))
    with tempfile.TemporaryDirectory() as folder:
        begun = perf_counter()
        with way(Path(folder)) as peer, Client(peer.port) as client:
            client.post(request)
            return perf_counter() - begun, peer.megabytes()


def after_many() -> Iterator[Figure]:
    """Memory after reviews of every recorded kind, no two alike, over several connections."""
    requests = [request_of(samples.unlike(samples.of_role(role))) for role in samples.ROLES]
    done = 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        peer = stack.enter_context(with_a_file(folder))
        clients = [stack.enter_context(Client(peer.port)) for _ in range(8)]
        while done < ADMISSIONS:
            for client in clients:
                client.send(samples.numbered(random.choice(requests)))
            for client in clients:
                client.answer()
            done += len(clients)
            if done % 100_000 < len(clients):
                say(f"process: {done:,} admissions, {peer.megabytes():.1f} MB")
        yield figure(f"memory after {done:,} admissions", "MB", [peer.megabytes()], MEMORY_BAR)


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
    yield figure("p99 of an answer while the settings stay", "ms", quiet)
    ratios = [many / none for many, none in zip(changing, quiet, strict=True)]
    yield figure("p99 of an answer, settings change ten times a second / stay", "x", ratios)


def _p99(client: Client, request: bytes, change: tuple[Path, str] | None) -> float:
    taken, begun, changes = [], perf_counter(), 0
    while (passed := perf_counter() - begun) < CHANGES_SECONDS:
        if change and passed * 10 > changes:
            changes += 1
            file, text = change
            made = file.with_name("new")
            made.write_text(text.replace("RAY_NAMESPACE=", f"RAY_NAMESPACE=change-{changes}-"))
            made.replace(file)
        started = perf_counter()
        client.post(request)
        taken.append((perf_counter() - started) * 1000)
    taken.sort()
    return taken[int(len(taken) * 0.99)]


def many_connections(service: RunningService) -> Iterator[Figure]:
    """As many API servers' worth: each keeps a connection, of which one is used at a time."""
    peer, request = ours(service), request_of(samples.of_role("client"))
    alone, among, before = [], [], peer.megabytes()
    with ExitStack() as stack:
        clients = []
        for _ in range(CONNECTIONS):
            clients.append(stack.enter_context(Client(peer.port)))
            clients[-1].post(request)  # who has sent nothing after five seconds is closed
        after = peer.megabytes()
        for _ in range(ROUNDS):
            alone.append(_seconds(peer, clients[:1], request))
            among.append(_seconds(peer, clients, request))
    ratios = [many / one for many, one in zip(among, alone, strict=True)]
    yield figure(f"an admission over {CONNECTIONS} connections in turn / over one", "x", ratios)
    yield figure(f"memory with {CONNECTIONS} connections", "MB", [after])
    yield figure("memory of a connection that is kept", "KB", [(after - before) / CONNECTIONS * 1000])


def _seconds(peer: Peer, clients: Sequence[Client], request: bytes) -> float:
    before = peer.seconds()
    for number in range(CONNECTIONS_POSTS):
        clients[number % len(clients)].post(request)
    return peer.seconds() - before


def main() -> int:
    say(f"process: ready and memory, {ROUNDS} rounds")
    found = list(ready_and_memory())
    say("process: settings that change under load")
    found += settings_change()
    say(f"process: {CONNECTIONS} connections")
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder)) as service:
        found += many_connections(service)
    return report("process", [*found, *after_many()], rounds=ROUNDS)


if __name__ == "__main__":
    sys.exit(main())
