"""Restarts beside a fake API server with controllers: what is restarted, what is not, and what is said of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.fake_api_server import (
    BUDGETS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    LEASES,
    NAMESPACES,
    PODS,
    FakeApiServer,
    running_api_server,
)
from tests.cluster.rolling import RESTARTED, SETTINGS, Controllers
from tests.cluster.support import OWN, api_at
from webhook.cluster.lease import DURATION_SECONDS
from webhook.cluster.owners import Workload
from webhook.cluster.restart import Outcome, Patience, Restarter, State
from webhook.cluster.rollouts import Rolled, progress_of
from webhook.cluster.turn import Turn
from webhook.errors import ClusterError
from webhook.injection.snapshot import Snapshot

FIRST = Snapshot(webhook_namespace=OWN)


@pytest.fixture
def fake() -> FakeApiServer:
    server = FakeApiServer()
    server.config_map(OWN, SETTINGS)
    server.add(NAMESPACES, {"metadata": {"name": "apps"}})
    return server


@pytest.fixture
def controllers(fake: FakeApiServer) -> Controllers:
    return Controllers(fake)


@pytest.fixture
def url(fake: FakeApiServer) -> Iterator[str]:
    with running_api_server(fake) as url:
        yield url


class Clock:
    """Time that passes as somebody sleeps; `at` that time something happens."""

    def __init__(self) -> None:
        self.now = 0.0
        self.at: dict[float, Any] = {}

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.at.pop(self.now, lambda: None)()


class Restarts:
    """A restarter at work, with what it told."""

    def __init__(self, url: str, *, seconds: float = 3, clock: Clock | None = None) -> None:
        self.told: list[str] = []
        self.clock = clock or Clock()
        self.restarter = Restarter(
            api_at(url),
            settings_names=["ray-settings"],
            first=FIRST,
            patience=Patience(seconds=seconds, clock=lambda: self.clock.now, sleep=self.clock.sleep),
            tell=lambda workload, text: self.told.append(f"{workload.name}: {text}"),
            page=2,
        )

    def restart(self, kind: str, name: str) -> Outcome:
        return self.restarter.restart(
            Workload(namespace="apps", kind=kind, name=name, group="apps", uid=f"{kind}-{name}")
        )


@pytest.fixture
def restarts(url: str) -> Restarts:
    return Restarts(url)


@pytest.mark.parametrize("kind", RESTARTED)
def test_a_restart_mends_what_was_missed(controllers: Controllers, restarts: Restarts, kind: str) -> None:
    controllers.workload(kind, "api")
    outcome = restarts.restart(kind, "api")

    assert (outcome.state, outcome.text) == (State.MENDED, "2 new pods")
    assert restarts.told == ["api: restarted"]
    assert controllers.restarts == ["api"]


def test_it_is_kubectls_own_annotation_and_nothing_else_that_is_written(
    fake: FakeApiServer, controllers: Controllers, restarts: Restarts
) -> None:
    controllers.workload("Deployment", "api")
    restarts.restart("Deployment", "api")
    (patch,) = [request for request in fake.requests if request.method == "PATCH"]

    assert patch.headers["content-type"] == "application/merge-patch+json"
    template = patch.body["spec"].pop("template")
    assert patch.body == {"metadata": {"uid": "Deployment-api"}, "spec": {}}
    assert list(template["metadata"].pop("annotations")) == ["kubectl.kubernetes.io/restartedAt"]
    assert template == {"metadata": {}}
    assert {request.method for request in fake.requests} == {"GET", "PATCH", "POST"}


def test_what_was_mended_meanwhile_is_not_restarted(controllers: Controllers, restarts: Restarts) -> None:
    controllers.workload("Deployment", "api")
    restarts.restart("Deployment", "api")
    outcome = restarts.restart("Deployment", "api")

    assert (outcome.state, outcome.text) == (State.MENDED, "its pods are right meanwhile")
    assert controllers.restarts == ["api"]


def restarted_by_another(controllers: Controllers, **spec: Any) -> dict[str, Any]:
    """A Deployment that somebody else has restarted, whose old pods are there still."""
    made = controllers.workload("Deployment", "api", **spec)
    made["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = "2026-01-01T00:00:00Z"
    made["status"]["updatedReplicas"] = 1
    return made


def test_a_restart_that_is_under_way_is_waited_for_and_not_made_again(
    controllers: Controllers, restarts: Restarts
) -> None:
    made = restarted_by_another(controllers)

    def end() -> None:
        made["status"]["updatedReplicas"] = 2
        controllers.replace_pods("Deployment", made)

    restarts.clock.at[2] = end
    outcome = restarts.restart("Deployment", "api")

    assert (outcome.state, outcome.text) == (State.MENDED, "its pods are right meanwhile")
    assert restarts.told == ["api: waiting, for it was restarted already"]
    assert (restarts.clock.now, controllers.restarts) == (2, [])


def test_a_restart_that_is_under_way_and_does_not_end_is_made_anew(
    controllers: Controllers, restarts: Restarts
) -> None:
    restarted_by_another(controllers)

    assert restarts.restart("Deployment", "api").state is State.MENDED
    assert (restarts.clock.now, controllers.restarts) == (3, ["api"])


@pytest.mark.parametrize("was_restarted", [False, True])
def test_a_rollout_that_is_no_restart_or_has_failed_is_not_waited_for(
    controllers: Controllers, restarts: Restarts, was_restarted: bool
) -> None:
    """Pods that crash, for want of what a restart brings."""
    made = restarted_by_another(controllers)
    if was_restarted:
        made["status"]["conditions"] = [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]
    else:
        del made["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"]

    assert restarts.restart("Deployment", "api").state is State.MENDED
    assert (restarts.clock.now, controllers.restarts) == (0, ["api"])


def test_a_restart_that_cannot_end_is_not_waited_for(controllers: Controllers, restarts: Restarts) -> None:
    restarted_by_another(controllers, paused=True)

    assert restarts.restart("Deployment", "api").state is State.LEFT
    assert restarts.clock.now == 0


@pytest.mark.parametrize(
    ("kind", "spec", "told"),
    [
        ("Deployment", {"paused": True}, "it is paused"),
        ("StatefulSet", {"updateStrategy": {"type": "OnDelete"}}, "its updateStrategy is OnDelete"),
        ("DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, "its updateStrategy is OnDelete"),
        ("StatefulSet", {"updateStrategy": {"rollingUpdate": {"partition": 2}}}, "has the partition 2"),
    ],
)
def test_what_no_rollout_would_replace_is_told_and_left(
    controllers: Controllers, restarts: Restarts, kind: str, spec: dict[str, Any], told: str
) -> None:
    controllers.workload(kind, "api", **spec)
    outcome = restarts.restart(kind, "api")

    assert outcome.state is State.LEFT
    assert told in outcome.text
    assert controllers.restarts == []


def test_a_restart_whose_pods_would_be_refused_is_not_made(controllers: Controllers, restarts: Restarts) -> None:
    controllers.workload("Deployment", "api", role="Client")
    outcome = restarts.restart("Deployment", "api")

    assert (outcome.state, outcome.text) == (
        State.LEFT,
        "2 would be refused (RAY703); mend its pod template first",
    )
    assert controllers.restarts == []


def test_a_restart_whose_pods_the_webhook_would_miss_again_is_not_made(
    controllers: Controllers, restarts: Restarts
) -> None:
    controllers.workload("Deployment", "api")
    controllers.webhook = lambda made: made
    outcome = restarts.restart("Deployment", "api")

    assert outcome.state is State.LEFT
    assert "a new pod of it would not be right either (1 missed (RAY701))" in outcome.text
    assert controllers.restarts == []


@pytest.mark.parametrize("status", [403, 422])
def test_a_restart_whose_pods_somebody_else_would_refuse_is_not_made(
    fake: FakeApiServer, controllers: Controllers, restarts: Restarts, status: int
) -> None:
    """A quota, Pod Security, another webhook, or the right that is missing to try it."""
    controllers.workload("Deployment", "api")
    fake.admit = lambda made: (status, {"exceeded": "quota"})
    outcome = restarts.restart("Deployment", "api")

    assert outcome.state is State.LEFT
    assert outcome.text.startswith("a new pod of it would be refused: /api/v1/namespaces/apps/pods of http://")
    assert controllers.restarts == []


def test_pods_that_are_wrong_after_a_restart_are_a_failure(controllers: Controllers, restarts: Restarts) -> None:
    """The webhook went away just then."""
    controllers.workload("Deployment", "api")
    fake_admit = controllers.fake.admit

    def admit_once(made: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        answer = fake_admit(made)
        controllers.webhook = lambda made: made
        return answer

    controllers.fake.admit = admit_once
    outcome = restarts.restart("Deployment", "api")

    assert outcome.state is State.FAILED
    assert outcome.text.startswith("restarted, and still 2 missed (RAY701)")


def test_a_budget_that_allows_nothing_is_waited_for(controllers: Controllers, restarts: Restarts) -> None:
    controllers.workload("Deployment", "api")
    controllers.budget("other", "other", 0)
    controllers.budget("api", "api", 0)
    restarts.clock.at[2] = lambda: controllers.budget("api", "api", 1)
    outcome = restarts.restart("Deployment", "api")

    assert outcome.state is State.MENDED
    assert restarts.told == [
        "api: waiting, for PodDisruptionBudget apps/api allows 0 disruptions",
        "api: restarted",
    ]
    assert restarts.clock.now == 2


def test_a_budget_that_never_allows_anything_leaves_the_workload(controllers: Controllers, restarts: Restarts) -> None:
    controllers.workload("StatefulSet", "db")
    controllers.budget("db", "db", 0)
    outcome = restarts.restart("StatefulSet", "db")

    assert (outcome.state, outcome.text) == (
        State.LEFT,
        "PodDisruptionBudget apps/db allows 0 disruptions, after 3 s still",
    )
    assert controllers.restarts == []


def turn(url: str, clock: Clock, identity: str = "another") -> Turn:
    return Turn(api_at(url), "apps", identity, clock=lambda: clock.now)


def test_two_that_wait_for_one_budget_do_not_both_begin(url: str, controllers: Controllers) -> None:
    """The API server counts the first one's disruption late: here never."""
    for name in ("api", "web"):
        controllers.workload("Deployment", name)
    controllers.budget("both", "api", 1)
    controllers.fake.collections[BUDGETS]["apps", "both"]["spec"]["selector"] = {}
    controllers.is_stuck = True
    first, second = Restarts(url), Restarts(url)
    first.clock.at[1] = lambda: second.restart("Deployment", "web")
    first.restart("Deployment", "api")

    assert controllers.restarts == ["api"]
    assert len(second.told) == 1
    assert re.fullmatch(
        r"web: waiting, for \S+ is restarting something here .ray-webhook-restart in kubectl get leases -n apps.",
        second.told[0],
    )


def test_the_turn_is_taken_as_soon_as_the_other_gives_it_up(
    url: str, controllers: Controllers, restarts: Restarts
) -> None:
    controllers.workload("Deployment", "api")
    controllers.budget("api", "api", 1)
    others = turn(url, restarts.clock)
    assert others.take() is None
    restarts.clock.at[2] = others.give_up

    assert restarts.restart("Deployment", "api").state is State.MENDED
    assert restarts.clock.now == 2
    assert turn(url, restarts.clock).take() is None


def test_what_another_mended_while_it_had_the_turn_is_not_restarted_again(
    url: str, controllers: Controllers, restarts: Restarts
) -> None:
    made = controllers.workload("Deployment", "api")
    controllers.budget("api", "api", 1)
    others = turn(url, restarts.clock)
    assert others.take() is None

    def end() -> None:
        controllers.replace_pods("Deployment", made)
        others.give_up()

    restarts.clock.at[2] = end
    outcome = restarts.restart("Deployment", "api")

    assert (outcome.state, outcome.text) == (State.MENDED, "its pods are right meanwhile")
    assert controllers.restarts == []


def test_a_turn_whose_holder_is_gone_is_taken_over(url: str, controllers: Controllers) -> None:
    controllers.workload("Deployment", "api")
    controllers.budget("api", "api", 1)
    restarts = Restarts(url, seconds=60)
    assert turn(url, restarts.clock).take() is None

    assert restarts.restart("Deployment", "api").state is State.MENDED
    assert restarts.clock.now == DURATION_SECONDS


def test_a_turn_is_kept_for_as_long_as_the_rollout_takes(url: str, controllers: Controllers) -> None:
    controllers.workload("Deployment", "api")
    controllers.budget("api", "api", 1)
    controllers.is_stuck = True
    restarts = Restarts(url, seconds=60)
    others = turn(url, restarts.clock)
    refused: list[str | None] = []
    restarts.clock.at |= {second: lambda: refused.append(others.take()) for second in range(1, 60)}
    restarts.restart("Deployment", "api")

    assert len(refused) == 59
    assert None not in refused


def test_whoever_comes_second_is_told_that_another_was_faster(url: str, controllers: Controllers) -> None:
    clock = Clock()
    first, second = turn(url, clock, "a"), turn(url, clock, "b")
    read = second._read
    second._read = lambda: (read(), first.take())[0]  # type: ignore[method-assign]

    assert (second.take() or "").startswith("somebody else was faster")


def test_a_budget_that_was_used_up_meanwhile_gives_the_turn_back(url: str, controllers: Controllers) -> None:
    controllers.workload("Deployment", "api")
    controllers.budget("api", "api", 1)
    restarts = Restarts(url)
    ours = restarts.restarter._turn(Workload(namespace="apps", kind="Deployment", name="api", group="apps", uid="x"))
    take = ours.take

    def take_late() -> str | None:
        controllers.budget("api", "api", 0)
        return take()

    ours.take = take_late  # type: ignore[method-assign]

    assert restarts.restart("Deployment", "api").text.startswith("PodDisruptionBudget apps/api allows 0 disruptions")
    assert turn(url, restarts.clock).take() is None


def test_without_a_budget_nobody_is_asked_for_a_turn(
    fake: FakeApiServer, controllers: Controllers, restarts: Restarts
) -> None:
    controllers.workload("Deployment", "api")
    fake.faults.status[LEASES] = 403

    assert restarts.restart("Deployment", "api").state is State.MENDED
    assert fake.count(LEASES) == 0


def test_without_the_right_to_take_turns_a_workload_with_a_budget_is_left(
    fake: FakeApiServer, controllers: Controllers, restarts: Restarts
) -> None:
    controllers.workload("Deployment", "api")
    controllers.budget("api", "api", 1)
    fake.faults.status[LEASES] = 403
    outcome = restarts.restart("Deployment", "api")

    assert (outcome.state, "leases of http" in outcome.text) == (State.LEFT, True)
    assert controllers.restarts == []


def test_a_workload_whose_settings_may_not_be_read_is_left(
    fake: FakeApiServer, controllers: Controllers, restarts: Restarts
) -> None:
    controllers.workload("Deployment", "api")
    fake.faults.status |= dict.fromkeys((CONFIG_MAPS, f"/api/v1/namespaces/{OWN}/configmaps"), 403)
    outcome = restarts.restart("Deployment", "api")

    assert (outcome.state, outcome.text) == (State.LEFT, "you may not read all settings of its pods (RAY709)")


@pytest.mark.parametrize(
    ("strategy", "allowed", "state"),
    [
        ({"type": "Recreate"}, 3, State.LEFT),
        ({"type": "Recreate"}, 4, State.MENDED),
        ({"rollingUpdate": {"maxUnavailable": "50%"}}, 1, State.LEFT),
        ({"rollingUpdate": {"maxUnavailable": "50%"}}, 2, State.MENDED),
        ({"rollingUpdate": {"maxUnavailable": 3}}, 2, State.LEFT),
        ({"rollingUpdate": {"maxUnavailable": 0}}, 1, State.MENDED),
        (None, 1, State.MENDED),
    ],
)
def test_a_budget_has_to_allow_as_many_as_go_at_once(
    controllers: Controllers, restarts: Restarts, strategy: dict[str, Any] | None, allowed: int, state: State
) -> None:
    controllers.workload("Deployment", "api", pods=4, strategy=strategy)
    controllers.budget("api", "api", allowed)

    assert restarts.restart("Deployment", "api").state is state


def test_a_rollout_that_does_not_end_is_a_failure(controllers: Controllers, restarts: Restarts) -> None:
    controllers.workload("Deployment", "api")
    controllers.is_stuck = True
    outcome = restarts.restart("Deployment", "api")

    assert (outcome.state, outcome.text) == (
        State.FAILED,
        "restarted, and after 3 s still 0 of 2 new pods are available; see kubectl describe",
    )
    assert restarts.told == ["api: restarted", "api: 0 of 2 new pods are available"]


def test_a_rollout_that_its_controller_gives_up_is_a_failure_at_once(
    controllers: Controllers, restarts: Restarts
) -> None:
    controllers.workload("Deployment", "api")
    controllers.is_stuck = True
    condition = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    live = controllers.fake.collections[DEPLOYMENTS]
    restarts.clock.at[1] = lambda: live["apps", "api"]["status"].update(conditions=[condition])
    outcome = restarts.restart("Deployment", "api")

    assert outcome.text == "restarted, and it exceeded its progressDeadlineSeconds; see kubectl describe"
    assert restarts.clock.now == 1


def test_an_api_server_that_is_away_during_a_rollout_is_waited_for(
    fake: FakeApiServer, controllers: Controllers, restarts: Restarts
) -> None:
    controllers.workload("Deployment", "api")
    controllers.is_stuck = True
    live = fake.collections[DEPLOYMENTS]
    path = "/apis/apps/v1/namespaces/apps/deployments/api"

    def fail() -> None:
        fake.faults.status[path] = 503
        live["apps", "api"]["status"]["availableReplicas"] = 2

    restarts.clock.at |= {1: fail, 2: fake.faults.status.clear}
    outcome = restarts.restart("Deployment", "api")

    assert outcome.state is State.MENDED
    assert restarts.told[-1].startswith(f"api: not known, since {path} of http")


def test_a_workload_that_is_another_one_by_now_is_left(controllers: Controllers, restarts: Restarts) -> None:
    controllers.workload("Deployment", "api")
    controllers.fake.collections[DEPLOYMENTS]["apps", "api"]["metadata"]["uid"] = "other"

    assert restarts.restart("Deployment", "api").text.startswith("it was deleted and created anew meanwhile")
    assert controllers.restarts == []


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/apis/apps/v1/namespaces/apps/deployments/api", "deployments/api of http"),
        ("/apis/policy/v1/namespaces/apps/poddisruptionbudgets", "poddisruptionbudgets of http"),
    ],
)
def test_rights_that_are_missing_for_one_workload_leave_it(
    fake: FakeApiServer, controllers: Controllers, restarts: Restarts, path: str, told: str
) -> None:
    controllers.workload("Deployment", "api")
    fake.faults.status[path] = 403
    outcome = restarts.restart("Deployment", "api")

    assert outcome.state is State.LEFT
    assert told in outcome.text
    assert "give this identity the right" in outcome.text
    assert controllers.restarts == []


def test_a_cluster_that_fails_is_the_callers_business(
    fake: FakeApiServer, controllers: Controllers, restarts: Restarts
) -> None:
    controllers.workload("Deployment", "api")
    fake.faults.status["/api/v1/namespaces/apps/pods"] = 500

    with pytest.raises(ClusterError, match="500"):
        restarts.restart("Deployment", "api")
    assert controllers.restarts == []


def test_whoever_is_interrupted_knows_what_is_under_way(controllers: Controllers, restarts: Restarts) -> None:
    controllers.workload("Deployment", "api")
    controllers.is_stuck = True

    def interrupt() -> None:
        raise KeyboardInterrupt

    restarts.clock.at[1] = interrupt
    with pytest.raises(KeyboardInterrupt):
        restarts.restart("Deployment", "api")

    assert restarts.restarter.under_way is not None
    assert restarts.restarter.under_way.name == "api"


def test_pods_are_asked_for_by_the_labels_of_the_workload(
    fake: FakeApiServer, controllers: Controllers, restarts: Restarts
) -> None:
    controllers.workload("Deployment", "api")
    controllers.workload("Deployment", "other")
    restarts.restart("Deployment", "api")
    asked = {request.query.get("labelSelector") for request in fake.requests if request.path.endswith("/apps/pods")}

    assert asked - {None} == {"app in (api)"}
    assert fake.count(PODS) == 0


@pytest.mark.parametrize(
    ("kind", "generation", "status", "told", "is_done"),
    [
        ("Deployment", 2, {"observedGeneration": 1}, "waiting for its controller", False),
        ("Deployment", 1, {"updatedReplicas": 1}, "1 of 3 new pods are there", False),
        ("Deployment", 1, {"updatedReplicas": 3, "replicas": 5}, "2 old pods are still there", False),
        ("Deployment", 1, {"updatedReplicas": 3, "replicas": 3, "availableReplicas": 2}, "2 of 3 new pods", False),
        ("Deployment", 1, {"updatedReplicas": 3, "replicas": 3, "availableReplicas": 3}, "3 of 3 new pods", True),
        ("StatefulSet", 1, {"updateRevision": "b", "currentRevision": "a", "updatedReplicas": 1}, "1 of 3", False),
        ("StatefulSet", 1, {"readyReplicas": 3, "availableReplicas": 2}, "2 of 3 new pods are available", False),
        ("StatefulSet", 1, {"readyReplicas": 3, "availableReplicas": 3}, "3 of 3 new pods are available", True),
        ("DaemonSet", 1, {"desiredNumberScheduled": 2, "updatedNumberScheduled": 1}, "1 of 2 new pods are", False),
        (
            "DaemonSet",
            1,
            {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1},
            "1 of 2 new pods are available",
            False,
        ),
        ("DaemonSet", 1, {}, "0 of 0 new pods are available", True),
    ],
)
def test_a_rollout_is_complete_when_kubectl_says_so(
    kind: str, generation: int, status: dict[str, Any], told: str, is_done: bool
) -> None:
    import msgspec

    document = {
        "metadata": {"uid": "u", "generation": generation},
        "spec": {"replicas": 3, "selector": {}, "template": {}},
        "status": {"observedGeneration": 1, **status},
    }
    progress = progress_of(kind, msgspec.convert(document, Rolled))

    assert progress.text.startswith(told)
    assert progress.is_done is is_done
