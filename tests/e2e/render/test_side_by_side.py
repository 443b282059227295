"""Every pod is created by way of the webhook and by way of the policy: the same env, or one of the limits it printed.

A limit that no pod here meets is a fault too: the list would tell of what is not there.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from tests.control_plane.objects import Answer, send
from tests.e2e.render import family
from tests.e2e.render.conftest import SideBySide, twin
from tests.e2e.support import DRY_RUN, create
from tests.injection.support import container, pod
from tests.service import FIXTURES, recorded
from webhook import contract
from webhook.injection.findings import LimitCode
from webhook.manifests.policy.who import MAX_CONTAINERS, MAX_ENTRIES, MAX_NAMES

pytestmark = pytest.mark.e2e

Object = dict[str, Any]

RECORDED = sorted(path.stem for path in (FIXTURES / "reviews").glob("*.json"))
CREATED = [name for name in RECORDED if recorded(name)["request"]["operation"] == "CREATE"]
MET: Counter[str] = Counter()
"""How many pods met each limit, and how many were the same."""


def compare(both: SideBySide, pods: Iterable[Object], namespace: str = "apps") -> None:
    """Create each pod in both ways, without storing it."""
    for made in pods:
        for limit in limits_met(both, made, namespace):
            assert limit in both.printed, limit.summary
            MET[limit] += 1


def limits_met(both: SideBySide, made: Object, namespace: str) -> set[LimitCode]:
    """The limits that explain how the answers differ."""
    webhook, policy = (tried(both, made, place) for place in (namespace, twin(namespace)))
    if webhook.status == 403:
        assert "denied the request" in webhook.body["message"]
        assert env_of(policy.checked()) == env_of(made)
        return {LimitCode.UNREFUSED}
    met = {LimitCode.UNTOLD} if has_told(webhook) else set()
    assert not has_told(policy)
    if env_of(webhook.checked()) != env_of(policy.checked()):
        limit = limit_of(made, namespace)
        assert limit, difference(webhook, policy, made)
        assert_left(limit, made, policy)
        met.add(limit)
    else:
        MET["same"] += 1
    return met


def tried(both: SideBySide, made: Object, namespace: str) -> Answer:
    placed = {**made, "metadata": {**made["metadata"], "namespace": namespace}}
    return create(both.plane, placed, dry_run=True)


def has_told(answer: Answer) -> bool:
    ours = [warning for warning in answer.warnings if warning.startswith("RAY")]
    return bool(ours) or contract.STATUS in (answer.body["metadata"].get("annotations") or {})


def env_of(whole: Mapping[str, Any]) -> dict[str, list[tuple[str, str, list[str]]]]:
    """The entries of each container; the API server leaves out empty values, and fills in a valueFrom."""
    return {
        item["name"]: [
            (entry["name"], entry.get("value") or "", sorted(entry.get("valueFrom") or {}))
            for entry in item.get("env") or ()
        ]
        for field in ("initContainers", "containers")
        for item in whole["spec"].get(field) or ()
    }


def limit_of(made: Object, namespace: str) -> LimitCode | None:
    """The limit that a pod meets in whatever it is about."""
    annotations = made["metadata"].get("annotations") or {}
    is_kuberays = "KUBERAY_GEN_RAY_START_CMD" in str(made["spec"]["containers"])
    listed = [item for field in ("initContainers", "containers") for item in made["spec"].get(field) or ()]
    if namespace == "team-later":
        return LimitCode.SNAPSHOT
    if is_kuberays and contract.ROLE in annotations:
        return LimitCode.KUBERAY_CONNECTION
    if not is_kuberays and annotations.keys() & {contract.CLUSTER, contract.SERVICE}:
        return LimitCode.NAMED_TARGET
    entries = sum(len(item.get("env") or ()) for item in listed)
    names = annotations.get(contract.SKIP_CONTAINERS, "").count(",") + 1
    if len(listed) > MAX_CONTAINERS or entries > MAX_ENTRIES or names > MAX_NAMES:
        return LimitCode.TOO_LARGE
    return None


def assert_left(limit: LimitCode, made: Object, policy: Answer) -> None:
    """The pod is in the state that the limit says."""
    before, after = env_of(made), env_of(policy.body)
    if limit is LimitCode.KUBERAY_CONNECTION:
        before, after = (
            {name: [entry for entry in env if entry[0] != contract.RAY_ADDRESS] for name, env in whole.items()}
            for whole in (before, after)
        )
    if limit is not LimitCode.SNAPSHOT:
        assert after == before


def difference(webhook: Answer, policy: Answer, made: Object) -> str:
    """What to show where nothing explains it."""
    theirs, ours = env_of(webhook.body), env_of(policy.body)
    lines = [f"{name}: webhook {theirs[name]}, policy {ours[name]}" for name in theirs if theirs[name] != ours[name]]
    return "\n".join([str(made["metadata"]), *lines])


@pytest.mark.parametrize("name", CREATED)
def test_a_recorded_pod(side_by_side: SideBySide, name: str) -> None:
    request = recorded(name)["request"]
    compare(side_by_side, [copy.deepcopy(request["object"])], request["namespace"])


@pytest.mark.parametrize("role", family.ROLES)
def test_a_pod_of_each_role(side_by_side: SideBySide, role: str | None) -> None:
    compare(side_by_side, family.plain_pods(role), "team-a" if role is None else "apps")


@pytest.mark.parametrize("node", ["head", "worker"])
def test_a_pod_of_kuberays(side_by_side: SideBySide, node: str) -> None:
    compare(side_by_side, family.kuberay_pods(node, None, [None, "keep", "deny"]))
    compare(side_by_side, family.kuberay_pods(node, "worker", ["override"]))


def test_a_namespace_with_settings_of_its_own(side_by_side: SideBySide) -> None:
    compare(side_by_side, family.plain_pods("client"), "team-own")


def test_odd_pods(side_by_side: SideBySide) -> None:
    compare(side_by_side, family.odd_pods())
    compare(side_by_side, family.starting_pods(), "team-a")
    compare(side_by_side, family.odd_pods(), "team-a")


def test_settings_that_changed_after_the_policy_was_rendered(side_by_side: SideBySide) -> None:
    compare(side_by_side, [pod("client"), pod("head")], "team-later")


LONG = [(f"VARIABLE_{number}", "x" * 20) for number in range(MAX_ENTRIES)]


def test_a_pod_of_the_largest_size_and_one_beyond(side_by_side: SideBySide) -> None:
    parts = [LONG[at : at + 10] for at in range(0, MAX_ENTRIES, 10)]
    many = [container(f"c-{number}", parts[number]) for number in range(MAX_CONTAINERS)]
    largest = [
        pod(role, *many, annotations={"on-conflict": mode})
        for role in ("client", "worker")
        for mode in ("override", "keep")
    ]
    names = [f"name-{number}" for number in range(MAX_NAMES + 1)]
    listing, too_long = (
        pod("client", annotations={"skip-containers": ",".join(lists)}) for lists in (names[1:], names)
    )
    compare(side_by_side, [*largest, pod("client", env=LONG), listing])
    assert MET[LimitCode.TOO_LARGE] == 0
    compare(
        side_by_side,
        [pod("client", env=[*LONG, ("ONE", "more")]), pod("worker", *many, container("one-more")), too_long],
    )
    assert MET[LimitCode.TOO_LARGE] == 3


def test_what_would_cost_too_much_is_left_as_it_is_and_soon(side_by_side: SideBySide) -> None:
    """The API server ends an expression at its cost limit."""
    endless = pod("client", env=[(name, "$(A)" * 200) for name, _ in LONG])
    answer = tried(side_by_side, endless, twin("apps"))
    assert env_of(answer.checked()) == env_of(endless)


def test_an_ephemeral_container(side_by_side: SideBySide) -> None:
    request = recorded("pod-ephemeral-container")["request"]
    envs = {}
    for namespace in ("apps", twin("apps")):
        before = copy.deepcopy(request["oldObject"])
        del before["metadata"]["resourceVersion"]
        before["metadata"]["namespace"] = namespace
        stored = create(side_by_side.plane, before | {"status": {}}).checked()
        stored["spec"]["ephemeralContainers"] = request["object"]["spec"]["ephemeralContainers"]
        path = f"/api/v1/namespaces/{namespace}/pods/{stored['metadata']['name']}/ephemeralcontainers"
        after = send(side_by_side.plane.admin, "PUT", path, stored, query=DRY_RUN).checked()
        (made,) = after["spec"]["ephemeralContainers"]
        envs[namespace] = made.get("env", [])
    assert envs["apps"]
    assert envs[twin("apps")] == (request["object"]["spec"]["ephemeralContainers"][0].get("env") or [])
    assert LimitCode.EPHEMERAL in side_by_side.printed
    MET[LimitCode.EPHEMERAL] += 1


def test_every_limit_that_is_printed_was_met(side_by_side: SideBySide) -> None:
    assert set(MET) - {"same"} == side_by_side.printed == set(LimitCode)


def test_most_pods_were_the_same() -> None:
    """Without this, the limits could explain everything."""
    assert MET["same"] > 300
