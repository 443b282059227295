"""A sick API server is asked at a bounded rate, and what was missed is caught up with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import monotonic, sleep

import pytest

from tests.cluster.fake_api_server import CONFIG_MAPS, FakeApiServer
from tests.cluster.support import FAST, Followed, following, until
from webhook.cluster.pace import Backoff, Pace

SLOWING = replace(FAST, first_delay=0.05, longest_delay=0.4, draw=lambda: 0.0)
"""0.05, 0.1, 0.2, 0.4, 0.4 ... seconds, without jitter: five requests in the first second and 2.5 in each later one."""


@pytest.fixture
def fake() -> FakeApiServer:
    server = FakeApiServer()
    server.config_map("team-a", {"RAY_HOST": "own"})
    return server


def test_delays_grow_to_the_longest_and_begin_again_after_a_reset() -> None:
    backoff = Backoff(Pace(first_delay=0.2, longest_delay=30.0, draw=lambda: 0.0))

    assert [backoff.next() for _ in range(10)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]
    backoff.reset()
    assert backoff.next() == 0.2


def test_jitter_takes_off_up_to_a_half() -> None:
    draws = iter((0.0, 0.5, 0.999))
    backoff = Backoff(Pace(first_delay=8.0, longest_delay=8.0, draw=lambda: next(draws)))

    assert [round(backoff.next(), 2) for _ in range(3)] == [8.0, 6.0, 4.0]


def test_delay_that_the_api_server_asks_for_is_honoured_up_to_the_longest() -> None:
    backoff = Backoff(Pace(first_delay=0.1, longest_delay=10.0, draw=lambda: 0.0))

    assert backoff.next(at_least=3.0) == 3.0
    assert backoff.next(at_least=600.0) == 10.0


def test_delay_does_not_overflow_after_days_of_failures() -> None:
    backoff = Backoff(Pace(draw=lambda: 0.0))
    delays = [backoff.next() for _ in range(5000)]

    assert delays[-1] == Pace().longest_delay


def sicken(fake: FakeApiServer, fault: str) -> None:
    if fault == "garbage":
        fake.faults.garbage = b"<html>"
    elif fault == "watches end at once":
        fake.faults.end_watches = True
    elif fault == "versions always expired":
        fake.faults.expired = 10**6
    elif fault.startswith("watches "):
        fake.faults.status[f"{CONFIG_MAPS} watch"] = int(fault.split()[1])
    else:
        fake.faults.status[CONFIG_MAPS] = int(fault)


@pytest.mark.paced
@pytest.mark.parametrize("fault", ["500", "429", "401", "404", "410", "garbage"])
def test_lists_that_fail_are_repeated_at_a_bounded_rate_until_one_is_good(fake: FakeApiServer, fault: str) -> None:
    sicken(fake, fault)
    with following(fake, pace=SLOWING) as followed:
        sleep(1.5)
        assert 4 <= fake.count(CONFIG_MAPS) <= 7
        assert not followed.published

        fake.faults.status.clear()
        fake.faults.garbage = b""
        followed.await_first()
        assert followed.host("team-a") == "own"


@pytest.mark.paced
@pytest.mark.parametrize(
    "fault", ["500", "403", "410", "watches 410", "watches 500", "watches end at once", "versions always expired"]
)
def test_watches_that_fail_are_repeated_at_a_bounded_rate_and_nothing_is_missed(
    fake: FakeApiServer, fault: str
) -> None:
    with following(fake, pace=SLOWING) as followed:
        followed.await_first()
        until(lambda: fake.count(CONFIG_MAPS, watch=True), "it is watched")
        sicken(fake, fault)
        fake.break_watches()
        began = monotonic()
        sleep(1.5)
        assert 3 <= fake.count(CONFIG_MAPS, since=began) <= 14
        assert fake.count(CONFIG_MAPS, watch=False, since=began) <= 7
        fake.config_map("team-a", {"RAY_HOST": "meanwhile"})

        fake.faults.status.clear()
        fake.faults.end_watches, fake.faults.expired = False, 0
        followed.await_host("team-a", "meanwhile")


def test_broken_connection_is_resumed_without_a_list(fake: FakeApiServer) -> None:
    with following(fake) as followed:
        followed.await_first()
        until(lambda: fake.count(CONFIG_MAPS, watch=True), "it is watched")
        fake.config_map("team-a", {"RAY_HOST": "before"})
        followed.await_host("team-a", "before")
        fake.break_watches()
        fake.config_map("team-a", {"RAY_HOST": "broken"})
        followed.await_host("team-a", "broken")

    assert fake.count(CONFIG_MAPS, watch=False) == 1
    versions = [
        request.query["resourceVersion"]
        for request in fake.requests
        if request.is_watch and request.path == CONFIG_MAPS
    ]
    assert len(versions) == 2
    assert int(versions[1]) > int(versions[0])


def test_version_that_expired_is_listed_again_and_what_went_meanwhile_is_gone(fake: FakeApiServer) -> None:
    fake.config_map("team-b", {"RAY_HOST": "goes"})
    with following(fake) as followed:
        followed.await_first()
        until(lambda: fake.count(CONFIG_MAPS, watch=True), "it is watched")
        fake.delete(CONFIG_MAPS, "team-b", "ray-settings")
        fake.config_map("team-a", {"RAY_HOST": "changed"})
        fake.forget_history()
        fake.break_watches()

        followed.await_host("team-b", None)
        followed.await_host("team-a", "changed")
    assert fake.count(CONFIG_MAPS, watch=False) == 2


def test_watch_asks_for_bookmarks_and_an_end_and_goes_on_from_the_bookmark(fake: FakeApiServer) -> None:
    with following(fake, pace=replace(FAST, watch=1.0)) as followed:
        followed.await_first()
        for _ in range(20):
            fake.config_map("elsewhere", {}, name="other-name")
        until(lambda: fake.count(CONFIG_MAPS, watch=True) >= 2, "it is watched again")

    first, second = [request for request in fake.requests if request.is_watch and request.path == CONFIG_MAPS][:2]
    assert (first.query["allowWatchBookmarks"], first.query["timeoutSeconds"]) == ("true", "1")
    assert int(second.query["resourceVersion"]) == int(first.query["resourceVersion"]) + 20
    assert followed.log.fields("cluster request failed") == []
    assert fake.count(CONFIG_MAPS, watch=False) == 1


def test_peer_that_went_silent_is_left_and_the_watch_resumed(fake: FakeApiServer) -> None:
    fake.faults.silent = True
    with following(fake, pace=replace(FAST, watch=0.3, silence=0.2)) as followed:
        followed.await_first()
        fake.config_map("team-a", {"RAY_HOST": "later"})
        until(lambda: fake.count(CONFIG_MAPS, watch=True) >= 2, "it is watched anew")
        fake.faults.silent = False
        followed.await_host("team-a", "later")


def test_list_that_hangs_meets_its_time_out_and_is_repeated(fake: FakeApiServer) -> None:
    fake.faults.hang = True
    with following(fake, read_seconds=0.2) as followed:
        until(lambda: fake.count(CONFIG_MAPS) >= 2, "it is asked again")
        fake.faults.hang = False
        followed.await_first()


def test_retry_after_is_honoured(fake: FakeApiServer) -> None:
    fake.faults.status[CONFIG_MAPS], fake.faults.headers = 429, {"Retry-After": "1"}
    with following(fake, pace=replace(FAST, longest_delay=5.0)):
        until(lambda: fake.count(CONFIG_MAPS) == 2, "it is asked again")

    first, second = [request.at for request in fake.requests if request.path == CONFIG_MAPS][:2]
    assert second - first >= 1


def test_delays_begin_again_after_a_list_that_was_good(fake: FakeApiServer) -> None:
    fake.faults.status[CONFIG_MAPS] = 500
    with following(fake, pace=SLOWING) as followed:
        until(lambda: len(followed.log.fields("cluster request failed")) >= 4, "it is slowed down")
        fake.faults.status.clear()
        followed.await_first()
        until(lambda: followed.source.statistics().watches[0].state == "watching", "it is watched")
        before = len(followed.log.fields("cluster request failed"))
        fake.faults.status[CONFIG_MAPS] = 500
        fake.break_watches()
        until(lambda: len(followed.log.fields("cluster request failed")) > before, "it failed again")

    delays = [line["retry_seconds"] for line in followed.log.fields("cluster request failed")]
    assert delays[:4] == [0.05, 0.1, 0.2, 0.4]
    assert delays[before] == 0.05


def test_delays_begin_again_after_a_watch_that_lived(fake: FakeApiServer) -> None:
    with following(fake, pace=SLOWING) as followed:
        followed.await_first()
        for number in range(1, 4):
            until(lambda: followed.source.statistics().watches[0].state == "watching", "it is watched")
            fake.break_watches()
            until(lambda: len(followed.log.fields("cluster request failed")) == number, "it is told")  # noqa: B023
        until(lambda: followed.source.statistics().watches[0].state == "watching", "it is watched")
        sleep(SLOWING.healthy + 0.1)
        fake.break_watches()
        until(lambda: len(followed.log.fields("cluster request failed")) == 4, "it is told")

    delays = [line["retry_seconds"] for line in followed.log.fields("cluster request failed")]
    assert delays == [0.05, 0.1, 0.2, 0.05]


def test_failures_are_counted_and_the_state_told(fake: FakeApiServer) -> None:
    def failures(followed: Followed) -> int:
        return followed.source.statistics().watches[0].failures

    fake.faults.status[CONFIG_MAPS] = 500
    with following(fake) as followed:
        until(lambda: failures(followed) >= 3, "failures are counted")
        assert followed.source.statistics().watches[0].state == "failing"
        line = followed.log.fields("cluster request failed")[0]
        assert (line["resource"], line["code"]) == ("configmaps/ray-settings", "RAY806")
        assert "was answered 500 (this server is sick)" in line["message"]

        fake.faults.status.clear()
        until(lambda: followed.source.statistics().watches[0].state == "watching", "it is well again")


@pytest.mark.parametrize(
    "harm",
    [
        lambda item: item.pop("data"),
        lambda item: item.update(data=None),
        lambda item: item.update(data=["RAY_HOST"]),
        lambda item: item.update(data={"RAY_HOST": 5, "RAY_PORT": None}),
    ],
)
def test_object_of_no_known_form_harms_nobody(fake: FakeApiServer, harm: Callable[[dict[str, object]], object]) -> None:
    harm(fake.config_map("team-odd", {"RAY_HOST": "odd"}))
    with following(fake) as followed:
        followed.await_first()
        assert not followed.snapshot.namespaces["team-odd"].values
        harm(fake.config_map("team-later", {"RAY_HOST": "odd"}))
        fake.config_map("team-a", {"RAY_HOST": "fine"})
        followed.await_host("team-a", "fine")
