"""More costly reviews than can be decided: small ones are answered in time, large ones are told to come again."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

from tests.control_plane.process import wait_for
from tests.http_stream import read_answer
from tests.service import RunningService, client_pod, running_service
from webhook.injection.review import MAX_CONTAINERS
from webhook.server.turns import MAX_WAITING

SENDERS = MAX_WAITING + 64
NUMBER = "########"
REVIEWS = 40
LONGEST_SECONDS = 1.0
"""Two or three turns and what is read between them are 0.1 s; all of the flood in one turn were seconds."""
DECIDED = "ray_webhook_admission_duration_seconds_count"
OVERLOADED = 'ray_webhook_refused_requests_total{code="RAY512"}'
GONE = 'ray_webhook_refused_requests_total{code="RAY819"}'
IN_FLIGHT = "ray_webhook_in_flight_requests"
SMALL = json.dumps(client_pod()).encode()
HEAD = b"POST /mutate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


def _dear() -> bytes:
    """A whole request whose review takes long: each of a thousand containers is looked at, and the last one denied."""
    review = client_pod({"ray.seedcore.io/on-conflict": "deny"})
    for kind in ("containers", "initContainers"):
        review["request"]["object"]["spec"][kind] = [{"name": f"{kind}-{number}"} for number in range(MAX_CONTAINERS)]
    review["request"]["object"]["spec"]["initContainers"][-1]["env"] = [{"name": "RAY_HOST", "value": NUMBER}]
    body = json.dumps(review).encode()
    return HEAD % len(body) + body


_DEAR = _dear()
_numbers = itertools.count()


def dear() -> bytes:
    """One that is unlike all others, whose verdict is not kept from another one."""
    return _DEAR.replace(NUMBER.encode(), b"%08d" % next(_numbers))


class Senders(threading.Thread):
    """Each sends costly reviews over a connection of its own, one after another, or one only.

    Attributes:
        opened: how many connections.
        answers: how many there were, by status, and whether each says to ask again and that its connection ends.
    """

    def __init__(self, service: RunningService, count: int, *, again: bool) -> None:
        super().__init__()
        self.opened = 0
        self.answers: Counter[tuple[str, bool, bool]] = Counter()
        self._service, self._count, self._again = service, count, again
        self._loop = asyncio.new_event_loop()
        self._begin = asyncio.Event()
        self._sending = self._loop.create_task(self._send_all())

    def run(self) -> None:
        """Open the connections, and send once that is told."""
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._sending)
        self._loop.close()

    def begin(self) -> None:
        """Let all send."""
        self._loop.call_soon_threadsafe(self._begin.set)

    def leave(self) -> None:
        """Close all connections, if they are open still."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._sending.cancel)
        self.join()

    async def _send_all(self) -> None:
        await asyncio.gather(*(self._send() for _ in range(self._count)))

    async def _send(self) -> None:
        url = urlsplit(self._service.url)
        reader, writer = await asyncio.open_connection(url.hostname, url.port, ssl=self._service.trust)
        try:
            self.opened += 1
            await self._begin.wait()
            writer.write(dear())
            self.answers[await answer(reader)] += 1
            while self._again:
                writer.write(dear())
                self.answers[await answer(reader)] += 1
        finally:
            writer.transport.abort()


async def answer(reader: asyncio.StreamReader) -> tuple[str, bool, bool]:
    status, head = await read_answer(reader)
    return str(status), b"\r\nretry-after: 1\r\n" in head, b"\r\nconnection: close\r\n" in head


@contextmanager
def senders(service: RunningService, count: int, *, again: bool = False) -> Iterator[Senders]:
    """All with an open connection, and on their way."""
    made = Senders(service, count, again=again)
    made.start()
    try:
        wait_for(lambda: made.opened == count, "all connections are open")
        made.begin()
        yield made
    finally:
        made.leave()


def seconds_for(act: Callable[[], object]) -> float:
    began = monotonic()
    act()
    return monotonic() - began


def test_small_reviews_and_probes_are_answered_during_a_flood_of_costly_ones(tmp_path: Path) -> None:
    """Where all that are ready are decided in one turn of the event loop, each takes seconds."""
    with running_service(tmp_path) as service, senders(service, SENDERS, again=True) as flood:
        kept = service.connection()

        def post() -> None:
            kept.request("POST", "/mutate", SMALL, {"Content-Type": "application/json"})
            answered = kept.getresponse()
            assert (answered.status, b"patch" in answered.read()) == (200, True)

        wait_for(lambda: service.metric(OVERLOADED) > 0, "the flood is too much")
        assert service.metric(IN_FLIGHT) > MAX_WAITING // 2
        seconds = []
        for _ in range(REVIEWS):
            seconds.append(seconds_for(post))
            sleep(0.05)
        probed = seconds_for(lambda: service.ops("/healthz"))
        kept.close()

    assert max(*seconds, probed) < LONGEST_SECONDS
    # Who is told to come again keeps its connection: a new one would cost more than the answer.
    assert set(flood.answers) == {("200", False, False), ("503", True, False)}


def test_a_whole_request_and_one_in_pieces_both_wait_and_are_answered(tmp_path: Path) -> None:
    with running_service(tmp_path) as service, senders(service, SENDERS, again=True):
        wait_for(lambda: service.metric(OVERLOADED) > 0, "the flood is too much")
        assert service.post(SMALL).status == 200
        connection = service.connection()
        connection.connect()
        connection.sock.settimeout(2)
        connection.send(HEAD % len(SMALL) + SMALL)
        assert connection.sock.recv(65536).startswith(b"HTTP/1.1 200")
        connection.close()


def test_who_has_gone_while_it_waited_is_not_decided(tmp_path: Path) -> None:
    count = MAX_WAITING // 2
    with running_service(tmp_path) as service:
        with senders(service, count):
            wait_for(lambda: service.metric(DECIDED) > 0, "the first is decided")
        wait_for(lambda: service.metric(IN_FLIGHT) == 0, "nothing waits any more")

        gone, decided = service.metric(GONE), service.metric(DECIDED)
        assert gone > 0
        assert decided + gone + service.metric(OVERLOADED) == count
        assert service.post(SMALL).status == 200


def test_what_waits_when_the_service_ends_is_answered(tmp_path: Path) -> None:
    count = MAX_WAITING // 2
    with running_service(tmp_path) as service, senders(service, count) as waiting:
        wait_for(lambda: service.metric(DECIDED) > 0, "the first is decided")
        os.kill(service.process.pid, signal.SIGTERM)
        assert service.process.wait(timeout=20) == 0
        waiting.join()

    answers = waiting.answers
    assert answers.total() == count
    assert {status for status, _, _ in answers} <= {"200", "503"}
    assert any(closes for _, _, closes in answers)
