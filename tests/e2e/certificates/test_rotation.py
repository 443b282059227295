"""A new authority while pods are created all the time: nobody is missed, and the bundles trust whoever serves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic, sleep
from typing import Self

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.control_plane.process import wait_for
from tests.e2e.certificates.fleet import SECRET, Fleet, is_trusted, port_of, served
from tests.e2e.support import MERGE, next_host, seconds_until
from webhook.certificates.content import fingerprint, split
from webhook.cluster.secret import ROTATE

pytestmark = pytest.mark.e2e


class Watching:
    """Creates pods, and shakes hands with every replica by the bundles of the moment, as long as the block lasts."""

    def __init__(self, plane: ControlPlane, fleet: Fleet) -> None:
        self._plane, self._fleet = plane, fleet
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._again, args=[work]) for work in (self._create, self._call)]
        self.pods = 0
        self.handshakes = 0
        self.misses: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _again(self, work: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                work()
            except Exception as error:  # noqa: BLE001  whatever it is, it must fail the test and not end the thread
                self.misses.append(f"{work.__name__} at {monotonic()}: {error!r}, {self._state()}")

    def _state(self) -> str:
        """Who is called, and what the API server last said of a call, for whoever has to explain a miss."""
        running = {port_of(one): one.process.poll() is None for one in list(self._fleet.replicas)}
        failed = self._plane.api_server.last_line("ailed calling webhook")
        return f"called: {self._fleet.balancer.targets}, running: {running}, API server: {failed}"

    def _create(self) -> None:
        if next_host(self._plane, "default") != "wide":
            self.misses.append(f"pod {self.pods} at {monotonic()}: {self._state()}")
        self.pods += 1

    def _call(self) -> None:
        for bundle in set(self._fleet.bundles()):
            for replica in self._fleet.replicas:
                if not is_trusted(replica, bundle):
                    self.misses.append(f"handshake {self.handshakes} at {monotonic()} with {port_of(replica)}")
                self.handshakes += 1
        sleep(0.02)


def test_a_rotation_that_is_asked_for_misses_no_pod(plane: ControlPlane, fleet: Fleet) -> None:
    wait_for(fleet.is_settled, "one certificate is served and trusted")
    wait_for(lambda: next_host(plane, "default") == "wide", "the API server trusts the webhook")
    old, before = fleet.secret(), fleet.leader()
    with Watching(plane, fleet) as seen:
        asked = {"metadata": {"annotations": {ROTATE: "now"}}}
        send(plane.admin, "PATCH", SECRET, asked, content_type=MERGE).checked()
        wait_for(lambda: len(split(fleet.secret()["ca.crt"])) == 2, "the new authority is trusted beside the old one")
        assert fleet.secret()["tls.crt"] == old["tls.crt"]
        wait_for(lambda: fleet.secret()["tls.crt"] != old["tls.crt"], "the new authority issues")
        wait_for(fleet.is_settled, "the old authority is dropped")
    new = fleet.secret()
    print(f"{seen.pods} pods, {seen.handshakes} handshakes")
    assert seen.misses == []
    assert min(seen.pods, seen.handshakes) > 100
    assert old["ca.crt"] not in new["ca.crt"]
    assert {old[key] for key in ("ca.key", "tls.key")}.isdisjoint(new.values())
    assert {served(replica) for replica in fleet.replicas} == {fingerprint(new["tls.crt"])}
    steps = ["introduced", "switched", "dropped"]
    seconds_until(lambda: [event["reason"] for event in before.events("certificate written")][-3:], steps)
    for reason in steps:
        assert before.metric(f'ray_webhook_certificate_writes_total{{reason="{reason}"}}') == 1


def test_nothing_more_is_written_after_it(fleet: Fleet) -> None:
    version = fleet.get(SECRET)["metadata"]["resourceVersion"]
    sleep(1)
    assert fleet.get(SECRET)["metadata"]["resourceVersion"] == version


def test_no_key_is_in_a_log(fleet: Fleet) -> None:
    for replica in fleet.replicas:
        assert b"PRIVATE" not in b"".join(replica.lines)
        assert b"LS0tLS1CRUdJTiB" not in b"".join(replica.lines)
