"""Floods of connections: what is open is bounded, so is memory, and an API server is still answered at once."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from tests.service import COMMAND, RunningService, client_pod, running_service
from webhook.injection.review import MAX_CONTAINERS
from webhook.server.connections import (
    MAX_CONNECTIONS,
    MAX_CONSOLE_CONNECTIONS,
    MAX_OPERATIONS_CONNECTIONS,
    Connections,
)
from webhook.server.limits import ANSWER_SECONDS, MAX_BODY, MAX_BUFFERED
from webhook.server.resources import SPARE_FILES

GOOD = json.dumps(client_pod()).encode()
FLOOD = 2000
ANSWERED = "ray_webhook_admission_duration_seconds_count"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /mutate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


@pytest.fixture(autouse=True)
def _many_files() -> Iterator[None]:
    """As many open files as the flood has connections."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limits[0], FLOOD + 500), limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.fixture(scope="module")
def flooded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("flooded")) as running:
        yield running


@pytest.fixture
def service(flooded: RunningService) -> RunningService:
    """A service of this module's own, when nothing of the test before is open any more."""
    assert has_open(flooded, 0)
    return flooded


def has_open(service: RunningService, wanted: int, *, seconds: float = 10.0) -> bool:
    """Whether as many connections are open on the TLS port, within `seconds`."""
    return is_within(lambda: service.metric('ray_webhook_open_connections{port="admission"}') == wanted, seconds)


def has_answered(service: RunningService, count: float) -> bool:
    return is_within(lambda: service.metric(ANSWERED) == count, 2)


def is_within(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = monotonic() + seconds
    while not condition():
        if monotonic() > deadline:
            return False
        sleep(0.02)
    return True


def plain(url: str) -> socket.socket:
    address = urlsplit(url)
    return socket.create_connection((address.hostname, address.port), timeout=20)


def tls(service: RunningService) -> ssl.SSLSocket:
    assert service.trust is not None
    return service.trust.wrap_socket(plain(service.url), server_hostname="127.0.0.1")


@contextmanager
def held(connections: list[socket.socket]) -> Iterator[list[socket.socket]]:
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()


def seconds_for_a_review(service: RunningService) -> float:
    began = monotonic()
    assert service.post(GOOD).status == 200
    return monotonic() - began


def is_open(connection: socket.socket) -> bool:
    """Whether the service still holds its end."""
    connection.settimeout(0.1)
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        return True
    except OSError:
        pass
    return False


def test_2000_half_open_connections_keep_nobody_out_and_cost_little(service: RunningService) -> None:
    assert service.post(GOOD).status == 200
    before = service.memory()
    with held([plain(service.url) for _ in range(FLOOD)]):
        assert max(seconds_for_a_review(service) for _ in range(5)) < 1

        assert service.metric('ray_webhook_open_connections{port="admission"}') <= MAX_CONNECTIONS
        assert service.metric('ray_webhook_evicted_connections_total{port="admission"}') >= FLOOD - MAX_CONNECTIONS
        assert service.ops("/healthz")[0] == 200
        assert service.memory() - before < 100


def test_a_kept_connection_outlives_a_flood_of_new_ones(service: RunningService) -> None:
    kept = service.connection()
    kept.request("GET", "/healthz")
    kept.getresponse().read()
    with held([plain(service.url) for _ in range(FLOOD)]):
        assert seconds_for_a_review(service) < 1
        assert kept.sock is not None

        kept.request("POST", "/mutate", GOOD, {"Content-Type": "application/json"})
        assert kept.getresponse().status == 200
    kept.close()


def test_a_flood_on_the_plain_port_does_not_keep_the_probe_out(service: RunningService) -> None:
    with held([plain(service.ops_url) for _ in range(4 * MAX_OPERATIONS_CONNECTIONS)]):
        assert service.ops("/healthz")[0] == 200
        assert service.metric('ray_webhook_open_connections{port="operations"}') <= MAX_OPERATIONS_CONNECTIONS


def test_bodies_that_are_held_back_give_way_to_a_newer_one(service: RunningService) -> None:
    """Nine of the largest are more than may be held: the oldest is told to come again, and the newest is served."""
    review = client_pod()
    review["request"]["object"]["metadata"]["annotations"]["padding"] = "x" * 3 * 1024 * 1024
    before = service.memory()
    with held([tls(service) for _ in range(MAX_BUFFERED // MAX_BODY + 1)]) as flood:
        for connection in flood:
            connection.sendall(POST % MAX_BODY + b"x" * (MAX_BODY - 1))
        began = monotonic()
        assert service.post(json.dumps(review).encode()).status == 200
        assert monotonic() - began < 2

        answer = flood[0].recv(4096).lower()
        assert answer.startswith(b"http/1.1 503")
        assert b"\r\nretry-after: 1\r\n" in answer
        assert service.metric('ray_webhook_refused_requests_total{code="RAY512"}') >= 1
        assert service.memory() - before < 2 * MAX_BUFFERED / 2**20


def test_a_sender_that_waits_for_no_answer_is_refused(service: RunningService) -> None:
    with held([tls(service)]) as (connection,):
        connection.sendall(HEALTH * 1000)
        received = b""
        with contextlib.suppress(OSError):
            while chunk := connection.recv(65536):
                received += chunk

    assert received.count(b"HTTP/1.1 200") < 10
    assert service.metric('ray_webhook_refused_requests_total{code="RAY820"}') == 1


IMPATIENT = """#!{python}
import sys
from webhook.cli.__main__ import main
from webhook.server import lifecycle

lifecycle.KEEP_ALIVE_SECONDS = 1
sys.exit(main())
"""


def test_a_kept_connection_ends_once_it_was_idle_for_long_enough_since_its_last_answer(tmp_path: Path) -> None:
    program = tmp_path / "ray-webhook"
    program.write_text(IMPATIENT.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o700)
    with running_service(tmp_path, command=str(program)) as service:
        connection = service.connection()
        for _ in range(4):  # longer together than it may be idle
            connection.request("POST", "/mutate", GOOD, {"Content-Type": "application/json"})
            assert connection.getresponse().read()
            sleep(0.4)
        idle_from = monotonic()
        assert connection.sock.recv(1) == b""
        assert monotonic() - idle_from > 0.3
        connection.close()


def test_who_does_not_take_its_answer_is_dropped(service: RunningService) -> None:
    review = client_pod()
    kinds = ("containers", "initContainers", "ephemeralContainers")
    review["request"]["object"]["spec"] = {
        kind: [{"name": f"{kind}-{number}"} for number in range(MAX_CONTAINERS)] for kind in kinds
    }
    body = json.dumps(review).encode()
    with held([socket.socket()]) as (raw,):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect((urlsplit(service.url).hostname, urlsplit(service.url).port))
        assert service.trust is not None
        connection = service.trust.wrap_socket(raw, server_hostname="127.0.0.1")
        answered = service.metric(ANSWERED)
        # What the kernel takes varies; an answer has 1.6 MB.
        while has_answered(service, answered):
            connection.sendall(POST % len(body) + body)
            answered += 1

        assert has_open(service, 0, seconds=ANSWER_SECONDS + 5)
        connection.close()


def test_few_open_files_are_told_and_as_many_connections_as_fit_are_kept_the_oldest_making_room(tmp_path: Path) -> None:
    limited = tmp_path / "limited"
    limited.write_text(f'#!/bin/sh\nulimit -n 400\nexec "{COMMAND}" "$@"\n')
    limited.chmod(0o755)
    with running_service(tmp_path, command=str(limited)) as service:
        event = service.events("few open files allowed")[0]
        most = 400 - SPARE_FILES - MAX_OPERATIONS_CONNECTIONS - MAX_CONSOLE_CONNECTIONS
        assert (event["limit"], event["connections"]) == (400, most)

        flood: list[socket.socket] = []
        with held(flood):
            for _ in range(most + 50):
                connection = tls(service)
                connection.sendall(HEALTH)
                assert connection.recv(4096).startswith(b"HTTP/1.1 200")
                flood.append(connection)

            assert seconds_for_a_review(service) < 1
            assert service.metric('ray_webhook_open_connections{port="admission"}') <= most
            assert [is_open(flood[0]), is_open(flood[-1])] == [False, True]


class FakeTransport:
    def __init__(self) -> None:
        self.is_aborted = False

    def abort(self) -> None:
        self.is_aborted = True


class FakeConnection:
    """A connection, and whether it was told to end with its answer."""

    open_connections: ClassVar[Connections]
    transport = None

    def __init__(self) -> None:
        self.is_told = False

    def close_after_answer(self) -> None:
        self.is_told = True


def opened(connections: Connections, count: int, *, kept: bool = False) -> list[tuple[FakeConnection, FakeTransport]]:
    made: list[tuple[FakeConnection, FakeTransport]] = [(FakeConnection(), FakeTransport()) for _ in range(count)]
    for connection, transport in made:
        connections.opened(connection, transport)  # type: ignore[arg-type]  # a fake
        if kept:
            connections.has_answer(connection)
    return made


def aborted(made: list[tuple[FakeConnection, FakeTransport]]) -> list[int]:
    return [number for number, (_, transport) in enumerate(made) if transport.is_aborted]


def test_the_oldest_that_owes_a_request_goes_first_where_these_are_the_crowd() -> None:
    connections = Connections(4)
    kept = opened(connections, 2, kept=True)
    owing = opened(connections, 4)

    assert (aborted(kept), aborted(owing), len(connections)) == ([], [0, 1], 4)


def test_the_longest_kept_goes_first_where_those_are_the_crowd_and_use_makes_it_young() -> None:
    connections = Connections(4)
    kept = opened(connections, 4, kept=True)
    connections.begins_request(kept[0][0])
    connections.has_answer(kept[0][0])
    owing = opened(connections, 2)

    assert (aborted(kept), aborted(owing), len(connections)) == ([1, 2], [], 4)


def test_a_connection_that_ended_makes_room() -> None:
    connections = Connections(2)
    first = opened(connections, 2)
    connections.closed(first[0][0])
    later = opened(connections, 1)

    assert (aborted(first), aborted(later), len(connections)) == ([], [], 2)
