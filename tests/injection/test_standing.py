"""Pods that stand: the rule book's decision, as if each were created anew from what its manifest declared."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.injection.support import HOST, P, container, find_container, kuberay_pod, pod, run, snapshot
from webhook.contract import Role
from webhook.injection.decision import Deny, Inject, Skip
from webhook.injection.reasons import Code
from webhook.injection.review import parse_pod
from webhook.injection.snapshot import Snapshot
from webhook.injection.standing import Difference, Standing, judge

MOVED = {"RAY_HOST": "moved", "RAY_NAMESPACE": "seedcore-dev"}
MOVED_VALUES = {
    "RAY_HOST": (HOST, "moved"),
    "RAY_SERVE_URL": (f"http://{HOST}:8000", "http://moved:8000"),
    "RAY_DASHBOARD_URL": (f"http://{HOST}:8265", "http://moved:8265"),
    "RAY_ADDRESS": (f"ray://{HOST}:10001", "ray://moved:10001"),
    "RAY_SERVE_ADDRESS": (f"http://{HOST}:8000", "http://moved:8000"),
    "RAY_DASHBOARD_ADDRESS": (f"http://{HOST}:8265", "http://moved:8265"),
    "RAY_API_SERVER_ADDRESS": (f"http://{HOST}:8265", "http://moved:8265"),
}
KEEP = {"on-conflict": "keep"}
DENY = {"on-conflict": "deny"}


def judged(whole: dict[str, Any], known: Snapshot | None = None, *, default_role: Role | None = None) -> Standing:
    raw = msgspec.Raw(json.dumps(whole).encode())
    asked = parse_pod(raw, commands=default_role is not None)
    return judge(asked, namespace="apps", snapshot=known or snapshot(), default_role=default_role)


def created(
    whole: dict[str, Any], known: Snapshot | None = None, *, default_role: Role | None = None
) -> dict[str, Any]:
    """The pod as the webhook let it in."""
    return run(copy.deepcopy(whole), known, default_role=default_role).pod


def changes(differences: Sequence[Difference]) -> dict[str, tuple[str | None, str | None]]:
    return {item.name: (item.before, item.after) for item in differences}


@pytest.mark.parametrize(
    "whole",
    [
        pod("client"),
        pod("client", annotations=KEEP, env={"RAY_HOST": "mine"}),
        pod("client", annotations=DENY),
        pod("head", init=[container("first")]),
        pod("worker", env={"A": "$(RAY_HOST)"}),
        kuberay_pod("head", env={"RAY_ADDRESS": "ray://other:1"}),
        kuberay_pod("worker", "worker"),
    ],
)
def test_a_pod_that_was_treated_is_right_until_something_moves(whole: dict[str, Any]) -> None:
    standing = judged(created(whole))

    assert isinstance(standing.decision, Skip)
    assert (standing.treated, standing.differences, standing.late) == (True, (), False)


def test_a_pod_that_was_missed_would_get_everything() -> None:
    standing = judged(pod("client"))

    assert isinstance(standing.decision, Inject)
    assert not standing.treated
    assert changes(standing.differences)["RAY_HOST"] == (None, HOST)
    assert len(standing.differences) == 10


@pytest.mark.parametrize("annotations", [{}, KEEP, DENY])
@pytest.mark.parametrize("env", [None, {"OTHER": "x"}])
def test_a_pod_is_stale_after_the_settings_moved_whatever_it_says_of_conflicts(
    annotations: dict[str, str], env: dict[str, str] | None
) -> None:
    """What the webhook wrote then is not what the manifest declares."""
    standing = judged(created(pod("client", annotations=annotations, env=env)), snapshot(MOVED))

    assert isinstance(standing.decision, Inject)
    assert standing.treated
    assert changes(standing.differences) == MOVED_VALUES


def test_a_pod_of_a_default_role_is_stale_too() -> None:
    whole = created(pod(env={"OTHER": "x"}), default_role=Role.CLIENT)
    standing = judged(whole, snapshot(MOVED), default_role=Role.CLIENT)

    assert changes(standing.differences) == MOVED_VALUES


def test_what_a_manifest_keeps_is_no_difference() -> None:
    """RAY_HOST is the manifest's own, and the rest follows it: the move changes nothing here."""
    mine = pod("client", env={"RAY_HOST": "mine", "OTHER": "x"}, annotations=KEEP)
    standing = judged(created(mine), snapshot(MOVED))

    assert isinstance(standing.decision, Skip)
    assert standing.differences == ()


def test_what_a_manifest_keeps_stays_where_the_rest_has_moved() -> None:
    mine = pod("client", env={"RAY_NAMESPACE": "mine", "OTHER": "x"}, annotations=KEEP)
    standing = judged(created(mine), snapshot(MOVED))

    assert changes(standing.differences) == MOVED_VALUES


@pytest.mark.parametrize("annotations", [{}, KEEP, DENY])
def test_an_env_that_somebody_has_tampered_with_is_told(annotations: dict[str, str]) -> None:
    """But for ``keep``: a value that differs from what we wrote is somebody's declaration there."""
    whole = created(pod("client", annotations=annotations))
    find_container(whole, "app")["env"][0]["value"] = "forged"
    standing = judged(whole)

    assert changes(standing.differences).get("RAY_HOST") == (None if annotations is KEEP else ("forged", HOST))


@pytest.mark.parametrize("status", ["", "{", "[]", "null", '{"hash": 5}', "[" * 5000])
def test_a_forged_status_hides_nothing(status: str) -> None:
    whole = pod("client", annotations={"status": status})
    standing = judged(whole)

    assert isinstance(standing.decision, Inject)
    assert (standing.treated, standing.late) == (True, False)


def test_a_conflict_of_a_pod_that_was_never_let_in_would_be_refused() -> None:
    standing = judged(pod("client", annotations=DENY, env={"RAY_HOST": "other"}))

    assert isinstance(standing.decision, Deny)
    assert standing.decision.code is Code.CONFLICT


def test_a_container_that_came_after_the_webhook_is_told_apart() -> None:
    whole = created(pod("client"))
    whole["spec"]["containers"].append(container("sidecar"))
    standing = judged(whole)

    assert standing.late
    assert {item.container for item in standing.differences} == {"sidecar"}


def test_a_pod_with_a_late_container_is_stale_all_the_same_when_the_settings_moved() -> None:
    whole = created(pod("client"))
    whole["spec"]["containers"].append(container("sidecar"))

    assert not judged(whole, snapshot(MOVED)).late


def test_no_container_is_late_in_a_pod_that_was_missed() -> None:
    assert not judged(pod("client", container("a"), container("b"))).late


@pytest.mark.parametrize("default_role", [None, Role.CLIENT])
def test_ephemeral_containers_are_not_looked_at(default_role: Role | None) -> None:
    """Not even one that runs `ray start`, which in a new pod of a default role would mean that it is no client."""
    whole = created(pod(None if default_role else "client"), default_role=default_role)
    whole["spec"]["ephemeralContainers"] = [container("debugger", command=["ray", "start"])]
    standing = judged(whole, default_role=default_role)

    assert (standing.decision.code, standing.decision.warnings) == (Code.ALREADY_RIGHT, ())


def test_a_listed_ephemeral_container_is_no_unknown_name() -> None:
    whole = created(pod("client", annotations={"skip-containers": "debugger"}))
    whole["spec"]["ephemeralContainers"] = [container("debugger")]

    assert judged(whole).decision.warnings == ()


def test_a_pod_without_metadata_or_spec_is_nobodys_business() -> None:
    assert judged({}).decision.code is Code.NO_ROLE
    assert judged({"metadata": {"annotations": {f"{P}role": "client"}}}).decision.code is Code.NOTHING_SELECTED


@pytest.mark.parametrize(
    ("written", "settings"),
    [
        ({}, MOVED),
        ({}, {**MOVED, "RAY_PORT": "1", "RAY_SERVE_URL": "http://s:1"}),
        ({"connect": "jobs"}, MOVED),
        (DENY, MOVED),
    ],
)
@pytest.mark.parametrize("role", ["client", "worker", "head"])
def test_what_settings_of_another_day_made_is_not_tampered_with(
    role: str, written: dict[str, str], settings: dict[str, str]
) -> None:
    """Init containers, an envFrom and another webhook's late container do not mislead."""
    whole = pod(
        role, container("app", envFrom=[{"configMapRef": {"name": "c"}}]), init=[container("i")], annotations=written
    )
    standing = judged(created(whole), snapshot(settings))

    assert (standing.treated, standing.tampered, bool(standing.differences)) == (True, False, True)


def test_a_late_container_in_a_stale_pod_is_not_tampered_with() -> None:
    whole = created(pod("client"))
    whole["spec"]["containers"].append(container("sidecar"))

    assert not judged(whole, snapshot(MOVED)).tampered


@pytest.mark.parametrize("name", ["RAY_HOST", "RAY_PORT", "RAY_SERVE_URL", "RAY_ADDRESS", "SEEDCORE_RAY_ROLE"])
@pytest.mark.parametrize("reference", [{}, {"cluster": "train"}])
def test_what_no_settings_can_have_made_is_tampered_with(name: str, reference: dict[str, str]) -> None:
    whole = created(pod("client", annotations=reference))
    entry = next(item for item in find_container(whole, "app")["env"] if item["name"] == name)
    entry["value"] = "1"

    assert judged(whole).tampered


def test_a_ray_node_with_a_clients_address_is_tampered_with() -> None:
    whole = created(kuberay_pod("worker", "worker"))
    entry = next(item for item in whole["spec"]["containers"][0]["env"] if item["name"] == "RAY_ADDRESS")
    entry["value"] = "ray://head:10001"

    assert judged(whole).tampered


def test_what_a_pod_keeps_is_never_called_tampered_with() -> None:
    whole = created(pod("client", annotations=KEEP, env={"RAY_HOST": "mine", "OTHER": "x"}))
    find_container(whole, "app")["env"][2]["value"] = "1"

    assert not judged(whole).tampered
