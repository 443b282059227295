"""Who leads: one at a time, taken over when its holder is not seen to renew, left at once when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from time import sleep

import pytest

from tests.cluster.fake_api_server import FakeApiServer, running_api_server
from tests.cluster.keeping import LEASES, NAMES, Clock
from tests.cluster.support import FAST, OWN, RecordingLog, api_at, until
from webhook.cluster.election import (
    DEADLINE_SECONDS,
    RENEW_SECONDS,
    UNFIT_SECONDS,
    YIELD_SECONDS,
    Election,
)
from webhook.cluster.informers import Informer
from webhook.cluster.lease import DURATION_SECONDS, LONGEST_SECONDS, LeaseView
from webhook.cluster.lease_writes import MAX_TRANSITIONS
from webhook.cluster.names import path_of

PATH = path_of(NAMES.lease_resource)


class Candidate:
    """One that takes part, with a clock of its own."""

    def __init__(self, url: str, name: str) -> None:
        self.clock, self.log, self.is_fit = Clock(), RecordingLog(), True
        pace = replace(FAST, clock=self.clock, draw=lambda: 0.0)
        api = api_at(url)
        self.view = LeaseView(self._changed, self.clock)
        self.election = Election(api, PATH, self.view, name, log=self.log, pace=pace, is_fit=lambda: self.is_fit)
        self.informer = Informer(
            api, NAMES.lease_resource, self.view, pace=pace, log=self.log, on_sync=self.election.start
        )
        self.informer.start()

    def _changed(self) -> None:
        self.election.changed()

    @property
    def leads(self) -> bool:
        return self.election.is_leader

    def stop(self) -> None:
        self.election.stop()
        self.informer.stop()

    def push(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.ahead += seconds
        self.election.changed()


@pytest.fixture
def fake() -> FakeApiServer:
    fake = FakeApiServer()
    fake.serve_kind(LEASES)
    return fake


@contextmanager
def candidates(fake: FakeApiServer) -> Iterator[Callable[[str], Candidate]]:
    with running_api_server(fake) as url, ExitStack() as stack:

        def start(name: str) -> Candidate:
            made = Candidate(url, name)
            stack.callback(made.stop)
            return made

        yield start


def holder(fake: FakeApiServer) -> str | None:
    found = fake.collections[LEASES].get((OWN, "lead"), {})
    name: str | None = found.get("spec", {}).get("holderIdentity")
    return name


def test_of_several_one_leads_and_creates_the_lease_without_a_post(fake: FakeApiServer) -> None:
    with candidates(fake) as start:
        all_of_them = [start(name) for name in "abc"]
        until(lambda: any(one.leads for one in all_of_them), "one leads")
        sleep(0.3)

        assert [one.leads for one in all_of_them].count(True) == 1
        assert {request.method for request in fake.requests} == {"GET", "PATCH"}
        assert fake.collections[LEASES][OWN, "lead"]["spec"]["leaseDurationSeconds"] == DURATION_SECONDS


def test_a_leader_renews_and_stays_although_others_write_to_the_lease(fake: FakeApiServer) -> None:
    with candidates(fake) as start:
        one = start("a")
        until(lambda: one.leads, "it leads")
        for number in range(3):
            before = fake.collections[LEASES][OWN, "lead"]["spec"]["renewTime"]
            spec = fake.collections[LEASES][OWN, "lead"]["spec"]
            fake.put(LEASES, OWN, "lead", spec=spec, annotations={"number": str(number)})
            one.clock.ahead += RENEW_SECONDS
            one.election.changed()
            until(lambda: fake.collections[LEASES][OWN, "lead"]["spec"]["renewTime"] != before, "renewed")  # noqa: B023
            assert one.leads
        assert len(one.log.fields("leading")) == 1


def test_a_holder_that_is_seen_to_renew_is_never_replaced_whatever_its_clock_says(fake: FakeApiServer) -> None:
    spec = {"holderIdentity": "a", "leaseDurationSeconds": 15, "renewTime": "1999-01-01T00:00:00.000000Z"}
    fake.put(LEASES, OWN, "lead", spec=spec)
    with candidates(fake) as start:
        other = start("b")
        until(lambda: other.view.value.holder == "a", "the holder is seen")
        for minute in range(5):
            other.clock.ahead += DURATION_SECONDS - 1
            fake.put(LEASES, OWN, "lead", spec=spec | {"renewTime": f"1999-01-01T00:0{minute}:01.000000Z"})
            until(lambda: f":0{minute}:01" in other.view.value.renewed, "it is seen to renew")  # noqa: B023

        assert holder(fake) == "a"
        assert not other.leads


def test_a_holder_that_is_not_seen_to_renew_is_replaced_after_its_own_duration(fake: FakeApiServer) -> None:
    spec = {"holderIdentity": "a", "leaseDurationSeconds": 40, "renewTime": "2999-01-01T00:00:00.000000Z"}
    fake.put(LEASES, OWN, "lead", spec=spec | {"leaseTransitions": 6})
    with candidates(fake) as start:
        other = start("b")
        until(lambda: other.view.value.holder == "a", "the holder is seen")
        other.clock.ahead += 35
        other.election.changed()
        sleep(0.2)
        assert holder(fake) == "a"
        other.clock.ahead += 5
        other.election.changed()
        until(lambda: other.leads, "it leads")

        assert holder(fake) == "b"
        assert fake.collections[LEASES][OWN, "lead"]["spec"]["leaseTransitions"] == 7


def test_whatever_stands_in_the_lease_somebody_leads_in_the_end(fake: FakeApiServer) -> None:
    spec = {"holderIdentity": "a", "leaseDurationSeconds": MAX_TRANSITIONS, "leaseTransitions": MAX_TRANSITIONS}
    fake.put(LEASES, OWN, "lead", spec=spec)
    with candidates(fake) as start:
        other = start("b")
        until(lambda: other.view.value.holder == "a", "the holder is seen")
        other.clock.ahead += LONGEST_SECONDS
        other.election.changed()
        until(lambda: other.leads, "it leads")

        assert fake.collections[LEASES][OWN, "lead"]["spec"]["leaseTransitions"] == 0


def test_a_leader_that_cannot_renew_stops_leading_before_another_may_begin(fake: FakeApiServer) -> None:
    with candidates(fake) as start:
        one = start("a")
        until(lambda: one.leads, "it leads")
        fake.faults.status[PATH] = 500
        one.clock.ahead += DEADLINE_SECONDS
        assert not one.leads
        one.election.changed()
        until(lambda: one.log.fields("no longer leading"), "it is told")
        assert "500" in one.log.fields("lease not renewed")[0]["message"]
        fake.faults.status.clear()
        until(lambda: one.leads, "it leads again")


def test_one_that_was_replaced_while_it_slept_does_not_take_it_back(fake: FakeApiServer) -> None:
    with candidates(fake) as start:
        one = start("a")
        until(lambda: one.leads and one.view.value.holder == "a", "it leads")
        fake.break_watches()
        fake.put(LEASES, OWN, "lead", spec={"holderIdentity": "b", "leaseDurationSeconds": 15, "renewTime": "now"})
        one.clock.ahead += DEADLINE_SECONDS
        one.election.changed()
        until(lambda: one.view.value.holder == "b", "the other one is seen")
        sleep(0.3)

        assert holder(fake) == "b"
        assert not one.leads


def test_one_that_ends_releases_it_and_another_takes_over_at_once(fake: FakeApiServer) -> None:
    with candidates(fake) as start:
        one = start("a")
        until(lambda: one.leads and one.view.value.holder == "a", "it leads")
        other = start("b")
        one.election.stop()
        until(lambda: other.leads, "the other one leads", seconds=1)

        assert holder(fake) == "b"
        assert not one.leads


def test_one_that_does_not_lead_releases_nothing(fake: FakeApiServer) -> None:
    fake.put(LEASES, OWN, "lead", spec={"holderIdentity": "a", "leaseDurationSeconds": 15, "renewTime": "now"})
    with candidates(fake) as start:
        other = start("b")
        until(lambda: other.view.value.holder == "a", "the holder is seen")
        other.election.stop()

    assert holder(fake) == "a"
    assert all(request.method == "GET" for request in fake.requests)


def test_a_sick_api_server_is_asked_at_a_bounded_rate(fake: FakeApiServer) -> None:
    fake.faults.status[PATH] = 500
    with candidates(fake) as start:
        one = start("a")
        until(lambda: len(one.log.fields("lease not renewed")) > 3, "it is tried")
        before = fake.count(PATH)
        sleep(1)
        assert fake.count(PATH) - before <= 12


def test_a_leader_that_is_not_fit_any_more_makes_room_for_another_at_once(fake: FakeApiServer) -> None:
    with candidates(fake) as start:
        one = start("a")
        until(lambda: one.leads, "it leads")
        other = start("b")
        until(lambda: other.view.value.holder == "a", "the holder is seen")
        one.is_fit = False
        one.election.changed()
        until(lambda: other.leads, "the other one leads", seconds=2)
        assert not one.leads


def test_one_that_is_not_fit_leads_where_nobody_else_does_until_somebody_can(fake: FakeApiServer) -> None:
    with candidates(fake) as start:
        one = start("a")
        until(lambda: one.leads, "it leads")
        one.is_fit = False
        one.election.changed()
        until(lambda: holder(fake) is None and one.view.value.holder == "", "it has made room")
        sleep(0.2)
        assert holder(fake) is None
        one.push(YIELD_SECONDS)
        until(lambda: one.leads, "it leads again, for want of another")
        other = start("b")
        until(lambda: other.view.value.holder == "a", "the holder is seen")
        sleep(0.2)
        assert holder(fake) == "a"
        # Renewed while the clock is pushed on, by less than a leader may go without.
        for _ in range(round(UNFIT_SECONDS / RENEW_SECONDS)):
            one.push(RENEW_SECONDS)
            sleep(0.1)
        until(lambda: other.leads, "the other one leads", seconds=2)
