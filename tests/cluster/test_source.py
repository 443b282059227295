"""A cluster's settings and targets, from a fake API server over HTTP, to published snapshots."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from time import monotonic, sleep

import pytest

from tests.cluster.fake_api_server import CLUSTERS, CONFIG_MAPS, SERVICES, FakeApiServer, running_api_server
from tests.cluster.support import FAST, OWN, Followed, RecordingLog, api_at, following, following_at, until
from webhook.cluster.informers import WatchState
from webhook.cluster.pace import Pace
from webhook.cluster.publisher import Publisher
from webhook.cluster.source import ClusterSource
from webhook.injection.snapshot import Snapshot, TargetKind


@pytest.fixture
def fake() -> FakeApiServer:
    """An API server that knows RayClusters and RayServices, with settings for all and for one namespace."""
    server = FakeApiServer()
    server.serve_kind(CLUSTERS)
    server.serve_kind(SERVICES)
    server.config_map(OWN, {"RAY_HOST": "wide"})
    server.config_map("team-a", {"RAY_HOST": "own"})
    return server


@pytest.fixture
def followed(fake: FakeApiServer) -> Iterator[Followed]:
    with following(fake) as made:
        made.await_first()
        yield made


def test_first_snapshot_has_everything(fake: FakeApiServer) -> None:
    fake.put(CLUSTERS, "team-a", "train", spec={})
    fake.put(SERVICES, "team-b", "chat", spec={})
    with following(fake) as followed:
        followed.await_first()
        first = followed.published[0]

    assert first.cluster_wide is not None
    assert first.cluster_wide.values["RAY_HOST"] == "wide"
    assert {namespace: settings.source for namespace, settings in first.namespaces.items()} == {
        "team-a": "ConfigMap team-a/ray-settings"
    }
    assert {str(reference) for reference in first.targets} == {"RayCluster team-a/train", "RayService team-b/chat"}
    assert (first.webhook_namespace, first.cluster_domain) == (OWN, "k8s.example")


def test_nothing_is_published_before_every_kind_was_listed(fake: FakeApiServer) -> None:
    fake.faults.status[SERVICES] = 500
    with following(fake) as followed:
        until(lambda: fake.count(CLUSTERS, watch=True) and fake.count(SERVICES) > 3, "the others are watched")
        assert not followed.published
        assert not followed.source.is_synced

        fake.faults.status.clear()
        followed.await_first()
        assert followed.source.is_synced


def test_changes_are_in_force_at_once(followed: Followed) -> None:
    for host in ("second", "third"):
        began = monotonic()
        followed.fake.config_map("team-a", {"RAY_HOST": host})
        followed.await_host("team-a", host)
        assert monotonic() - began < 1
    followed.fake.config_map("team-new", {"RAY_HOST": "new"})
    followed.await_host("team-new", "new")
    followed.fake.delete(CONFIG_MAPS, "team-a", "ray-settings")
    followed.await_host("team-a", None)


def test_a_target_appears_moves_and_goes(followed: Followed) -> None:
    def head() -> str | None:
        target = followed.target(TargetKind.CLUSTER, "team-a", "train")
        return target.head_service if target else None

    followed.fake.put(CLUSTERS, "team-a", "train", spec={})
    until(lambda: head() == "train-head-svc", "the deterministic name")
    moved = {"headGroupSpec": {"headService": {"metadata": {"name": "moved"}}}}
    followed.fake.put(CLUSTERS, "team-a", "train", spec=moved)
    until(lambda: head() == "moved", "the name of the spec")
    followed.fake.delete(CLUSTERS, "team-a", "train")
    until(lambda: head() is None, "it is gone")


def test_a_status_that_changes_publishes_nothing(followed: Followed) -> None:
    followed.fake.put(CLUSTERS, "team-a", "train", spec={})
    until(lambda: followed.target(TargetKind.CLUSTER, "team-a", "train"), "it is known")
    before = len(followed.published)
    for number in range(5):
        followed.fake.put(CLUSTERS, "team-a", "train", spec={}, status={"number": number})
    sleep(0.2)
    followed.fake.config_map("team-a", {"RAY_HOST": "marker"})
    followed.await_host("team-a", "marker")
    sleep(0.1)

    assert len(followed.published) == before + 1


def test_a_burst_makes_few_publications(followed: Followed) -> None:
    before = len(followed.published)
    began = monotonic()
    for number in range(200):
        followed.fake.config_map(f"team-{number}", {"RAY_HOST": "burst"})
    until(lambda: followed.host("team-199") == "burst", "the last of the burst")
    took = monotonic() - began

    assert len(followed.published) - before <= took / 0.05 + 2
    assert len(followed.snapshot.namespaces) == 201


def test_a_published_snapshot_never_changes(followed: Followed) -> None:
    first = followed.snapshot
    followed.fake.config_map("team-b", {"RAY_HOST": "later"})
    followed.await_host("team-b", "later")

    assert set(first.namespaces) == {"team-a"}


def test_lists_come_by_pages(fake: FakeApiServer) -> None:
    for number in range(8):
        fake.config_map(f"team-{number}", {"RAY_HOST": f"host-{number}"})
    with following(fake) as followed:
        followed.await_first()

    assert len(followed.snapshot.namespaces) == 9
    pages = [request for request in fake.requests if request.path == CONFIG_MAPS and not request.is_watch]
    assert [page.query["limit"] for page in pages] == ["3"] * 4
    assert all(page.query["fieldSelector"] == "metadata.name=ray-settings" for page in pages)


def test_ten_thousand_namespaces_are_read_in_seconds(fake: FakeApiServer) -> None:
    for number in range(10_000):
        fake.config_map(f"team-{number}", {"RAY_HOST": f"host-{number}"})
    with following(fake, pace=Pace(page=500)) as followed:
        began = monotonic()
        followed.await_first()
        assert monotonic() - began < 8
        assert len(followed.snapshot.namespaces) == 10_001
        began = monotonic()
        fake.config_map("team-9999", {"RAY_HOST": "changed"})
        followed.await_host("team-9999", "changed")
        assert monotonic() - began < 1


def test_of_an_object_only_what_tells_it_from_others_is_kept(followed: Followed) -> None:
    followed.fake.config_map("team-b", {"RAY_HOST": "b"})
    followed.fake.put(CLUSTERS, "team-a", "train", spec={"headGroupSpec": {}})
    until(lambda: followed.host("team-b") and followed.snapshot.targets, "all is known")
    kept = [item for informer in followed.source._informers for item in informer._informer.cache.list()]

    assert len(kept) == 4
    assert all(set(item) == {"metadata"} and set(item["metadata"]) == {"namespace", "name"} for item in kept)


def test_absent_kinds_are_empty_and_noticed_when_they_appear(fake: FakeApiServer) -> None:
    fake.remove_kind(CLUSTERS)
    fake.remove_kind(SERVICES)
    with following(fake) as followed:
        followed.await_first()
        began = monotonic()
        sleep(0.35)
        assert fake.count(CLUSTERS, since=began) <= 4
        assert [watch.state for watch in followed.source.statistics().watches[1:]] == [WatchState.ABSENT] * 2

        fake.serve_kind(CLUSTERS)
        fake.put(CLUSTERS, "team-a", "train", spec={})
        until(lambda: followed.target(TargetKind.CLUSTER, "team-a", "train"), "it is noticed")


def test_a_kind_that_is_removed_leaves_nothing(followed: Followed) -> None:
    followed.fake.put(CLUSTERS, "team-a", "train", spec={})
    until(lambda: followed.snapshot.targets, "it is known")
    followed.fake.remove_kind(CLUSTERS)

    until(lambda: not followed.snapshot.targets, "it is gone")
    assert followed.log.fields("target gone") == [{"target": "RayCluster team-a/train"}]


def test_rights_that_are_missing_from_the_start_are_told_and_mean_no_knowledge(fake: FakeApiServer) -> None:
    fake.put(CLUSTERS, "team-a", "train", spec={})
    fake.faults.status[CLUSTERS] = 403
    with following(fake) as followed:
        followed.await_first()
        assert not followed.snapshot.targets
        assert "answered 403" in followed.log.fields("cluster request failed")[0]["message"]

        fake.faults.status.clear()
        until(lambda: followed.snapshot.targets, "the rights are used once they are there")


def test_a_moment_of_missing_rights_is_waited_out(fake: FakeApiServer) -> None:
    fake.put(CLUSTERS, "team-a", "train", spec={})
    fake.faults.status[CLUSTERS] = 403
    with following(fake, pace=Pace(first_delay=0.3, draw=lambda: 0.0)) as followed:
        until(lambda: fake.count(CLUSTERS) == 1, "it is refused once")
        fake.faults.status.clear()
        followed.await_first()

        assert followed.published[0].targets


def test_rights_that_go_missing_leave_what_is_known(followed: Followed) -> None:
    followed.fake.put(CLUSTERS, "team-a", "train", spec={})
    until(lambda: followed.snapshot.targets, "it is known")
    began = monotonic()
    followed.fake.faults.status[f"{CLUSTERS} list"] = 403
    followed.fake.forget_history()
    followed.fake.break_watches()
    until(lambda: followed.fake.count(CLUSTERS, watch=False, since=began) > 5, "it is refused")
    sleep(0.1)

    assert followed.snapshot.targets


def test_settings_that_may_not_be_read_are_never_taken_for_none(fake: FakeApiServer) -> None:
    fake.faults.status[CONFIG_MAPS] = 403
    with following(fake) as followed:
        until(lambda: fake.count(CONFIG_MAPS) > 5, "it is refused")

        assert not followed.published


def test_an_api_server_that_starts_later_is_found() -> None:
    fake = FakeApiServer()
    fake.config_map("team-a", {"RAY_HOST": "own"})
    with running_api_server(fake) as url:
        port = int(url.rsplit(":", 1)[1])
    with following_at(url, fake) as followed:
        until(lambda: len(followed.log.fields("cluster request failed")) >= 3, "it is told")
        assert not followed.published
        with running_api_server(fake, port):
            followed.await_first()
            assert followed.host("team-a") == "own"


def test_an_api_server_that_goes_leaves_the_last_snapshot_and_is_followed_again(fake: FakeApiServer) -> None:
    with running_api_server(fake) as url:
        port = int(url.rsplit(":", 1)[1])
        source = ExitStack()
        followed = source.enter_context(following_at(url, fake))
        followed.await_first()
    with source:
        until(lambda: len(followed.log.fields("cluster request failed")) > 6, "it is told")
        fake.config_map("team-a", {"RAY_HOST": "meanwhile"})
        assert followed.host("team-a") == "own"
        assert followed.source.is_synced

        with running_api_server(fake, port):
            followed.await_host("team-a", "meanwhile")


def test_first_of_several_names_holds(fake: FakeApiServer) -> None:
    fake.config_map("team-a", {"RAY_HOST": "stronger"}, name="ray-settings-v2")
    fake.config_map("team-b", {"RAY_HOST": "only"})
    with following(fake, names=("ray-settings-v2", "ray-settings")) as followed:
        followed.await_first()
        assert (followed.host("team-a"), followed.host("team-b")) == ("stronger", "only")

        fake.delete(CONFIG_MAPS, "team-a", "ray-settings-v2")
        followed.await_host("team-a", "own")


def test_stop_ends_watches_at_once_and_without_a_word(fake: FakeApiServer, caplog: pytest.LogCaptureFixture) -> None:
    with following(fake) as followed:
        followed.await_first()
        until(lambda: str(followed.log.lines).count("'state': <WatchState.WATCHING") == 3, "all is watched")
        told = len(followed.log.lines)
        began = monotonic()
        followed.source.stop()
        assert monotonic() - began < 1

    assert followed.log.lines[told:] == []
    assert not caplog.records


def test_stop_does_not_wait_for_an_api_server_that_hangs(fake: FakeApiServer) -> None:
    fake.faults.hang = True
    with following(fake, read_seconds=30.0) as followed:
        until(lambda: len(fake.requests) == 3, "all lists hang")
        began = monotonic()
        followed.source.stop(seconds=0.2)
        assert monotonic() - began < 2
        fake.faults.hang = False


def test_a_source_is_at_work_whatever_the_api_server_does_until_one_of_its_threads_ends() -> None:
    """Only a restart mends a thread that has ended; an API server that is away is none of that."""
    with running_api_server(FakeApiServer()) as url:
        published: list[Snapshot] = []
        source = ClusterSource(
            api_at(url),
            settings_names=["ray-settings"],
            first=Snapshot(webhook_namespace=OWN),
            publish=published.append,
            log=RecordingLog(),
            pace=FAST,
        )
        source.start()
        until(lambda: published, "a snapshot")
        assert source.is_at_work
    until(lambda: any(watch.state is WatchState.FAILING for watch in source.statistics().watches), "a failure")
    assert source.is_at_work

    source.stop()

    until(lambda: not source.is_at_work, "the end of a thread")


def test_a_publication_that_never_ends_is_noticed_and_one_that_ends_is_forgotten() -> None:
    entered, leave = threading.Event(), threading.Event()

    def publish(_: Snapshot) -> None:
        entered.set()
        leave.wait(10)

    publisher = Publisher(Snapshot, publish, is_complete=lambda: True, log=RecordingLog(), stuck=0.1)
    publisher.start()
    assert publisher.is_at_work
    publisher.changed()
    assert entered.wait(10)

    until(lambda: not publisher.is_at_work, "noticed")
    leave.set()
    until(lambda: publisher.is_at_work, "forgotten")
    publisher.stop()
