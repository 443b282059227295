"""Events on ConfigMaps: one object each that tells its present state, written aside and at a bounded rate."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any

import pytest

from tests.cluster.fake_api_server import CONFIG_MAPS, FakeApiServer, running_api_server
from tests.cluster.support import Followed, RecordingLog, api_at, following, until
from webhook.cluster.events import MAX_MESSAGE, Event, EventWriter, Reason

PATH = "/api/v1/namespaces/team-a/events/ray-settings.ray-webhook"


@pytest.fixture
def fake() -> FakeApiServer:
    server = FakeApiServer()
    server.config_map("team-a", {"RAY_HOST": "own"})
    return server


@pytest.fixture
def followed(fake: FakeApiServer) -> Iterator[Followed]:
    with following(fake) as made:
        made.await_first()
        yield made


def written(fake: FakeApiServer, reason: Reason) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        event = fake.events.get(PATH)
        return event if event and event["reason"] == reason else None

    return until(found, f"an Event {reason}")


def test_broken_settings_are_told_by_key_and_fault(fake: FakeApiServer, followed: Followed) -> None:
    made = fake.config_map("team-a", {"RAY_HOST": "new", "RAY_PORT": "99999"})
    event = written(fake, Reason.BROKEN)

    assert event["type"] == "Warning"
    assert event["metadata"] == {"namespace": "team-a", "name": "ray-settings.ray-webhook"}
    assert event["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "namespace": "team-a",
        "name": "ray-settings",
        "uid": made["metadata"]["uid"],
        "resourceVersion": made["metadata"]["resourceVersion"],
    }
    assert event["message"] == 'RAY_PORT is "99999"; allowed: a port of 1-65535; the last good ones stay'
    assert followed.log.fields("settings broken, the last good ones stay")


def test_broken_settings_without_good_ones_say_what_holds(fake: FakeApiServer) -> None:
    fake.config_map("team-a", {"RAY_PORT": "99999"})
    with following(fake):
        assert "the valid keys hold, no good ones are known" in written(fake, Reason.BROKEN)["message"]


def test_ignored_key_is_told(fake: FakeApiServer, followed: Followed) -> None:
    fake.config_map("team-a", {"RAY_HOST": "own", "RAY_ADDRESS": "ray://other:10001"})
    event = written(fake, Reason.KEY_IGNORED)

    assert event["type"] == "Warning"
    assert "RAY_ADDRESS it is derived from RAY_HOST and RAY_PORT" in event["message"]
    assert followed.log.fields("settings key ignored")[0]["key"] == "RAY_ADDRESS"


def test_mended_settings_turn_the_same_event_to_good(fake: FakeApiServer, followed: Followed) -> None:
    fake.config_map("team-a", {"RAY_PORT": "99999"})
    written(fake, Reason.BROKEN)
    fake.config_map("team-a", {"RAY_HOST": "mended"})

    assert written(fake, Reason.GOOD)["type"] == "Normal"
    assert list(fake.events) == [PATH]


def test_good_settings_write_nothing(fake: FakeApiServer, followed: Followed) -> None:
    for host in "abc":
        fake.config_map("team-a", {"RAY_HOST": host})
    followed.await_host("team-a", "c")
    sleep(0.3)

    assert not fake.events


def test_refused_events_are_logged_and_delay_nothing(fake: FakeApiServer, followed: Followed) -> None:
    fake.faults.status[PATH] = 403
    fake.config_map("team-a", {"RAY_PORT": "99999"})
    until(lambda: followed.log.fields("event not written"), "it is logged")
    fake.config_map("team-a", {"RAY_HOST": "mended"})

    followed.await_host("team-a", "mended")
    assert "403" in followed.log.fields("event not written")[0]["message"]


def event(number: int = 0, reason: Reason = Reason.BROKEN, message: str = "m") -> Event:
    return Event(namespace=f"n-{number}", name="c", uid="u", version="1", reason=reason, message=message)


@pytest.fixture
def api_url() -> Iterator[tuple[FakeApiServer, str]]:
    fake = FakeApiServer()
    with running_api_server(fake) as url:
        yield fake, url


def test_rate_is_bounded_and_only_the_newest_of_each_is_written(api_url: tuple[FakeApiServer, str]) -> None:
    fake, url = api_url
    writer = EventWriter(api_at(url), RecordingLog(), between=0.05)
    for message in ("old", "older", "new"):
        for number in range(10):
            writer.tell(event(number, message=message))
    began = monotonic()
    writer.start()
    until(lambda: len(fake.events) == 10, "all are written")
    took = monotonic() - began
    sleep(0.2)
    writer.stop()

    assert took >= 9 * 0.05
    assert {made["message"] for made in fake.events.values()} == {"new"}
    assert len(fake.requests) == 10


def test_what_still_holds_is_written_again_and_what_is_mended_or_gone_is_not(
    api_url: tuple[FakeApiServer, str],
) -> None:
    fake, url = api_url
    writer = EventWriter(api_at(url), RecordingLog(), between=0.0, again=0.2)
    writer.start()
    for number in range(3):
        writer.tell(event(number))
    until(lambda: len(fake.requests) >= 3, "all are written")
    writer.tell(event(1, Reason.GOOD))
    writer.forget("n-2", "c")
    until(lambda: len(fake.requests) >= 7, "they are written again")
    writer.stop()

    later = {request.path.split("/")[4] for request in fake.requests[4:]}
    assert later == {"n-0"}


def test_first_time_stays_and_last_time_moves(api_url: tuple[FakeApiServer, str]) -> None:
    fake, url = api_url
    writer = EventWriter(api_at(url), RecordingLog(), between=0.0, again=1.1)
    writer.start()
    writer.tell(event())
    until(lambda: len(fake.requests) == 2, "it is written again")
    writer.stop()
    first, second = (request.body for request in fake.requests)

    assert first["firstTimestamp"] == second["firstTimestamp"]
    assert first["lastTimestamp"] < second["lastTimestamp"]


def test_message_is_cut_to_what_the_api_server_takes(api_url: tuple[FakeApiServer, str]) -> None:
    fake, url = api_url
    writer = EventWriter(api_at(url), RecordingLog())
    writer.start()
    writer.tell(event(message="x" * 5000))
    until(lambda: bool(fake.events), "it is written")
    writer.stop()

    (made,) = fake.events.values()
    assert len(made["message"]) == MAX_MESSAGE


def test_it_is_applied_by_server_side_apply_so_that_resource_names_can_limit_it(
    api_url: tuple[FakeApiServer, str],
) -> None:
    fake, url = api_url
    writer = EventWriter(api_at(url), RecordingLog())
    writer.start()
    writer.tell(event())
    until(lambda: bool(fake.events), "it is written")
    writer.stop()
    (request,) = fake.requests

    assert (request.method, request.query) == ("PATCH", {"fieldManager": "ray-webhook", "force": "true"})
    assert request.headers["content-type"] == "application/apply-patch+yaml"
    assert CONFIG_MAPS not in request.path
