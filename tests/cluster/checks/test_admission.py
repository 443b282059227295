"""Trial pods: what comes back is compared with the rules, and whoever refuses one is told from the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster.checks.world import NAMESPACES, World, problems, told
from tests.cluster.fake_api_server import refusal
from webhook.cluster.checks.outcome import State

Object = dict[str, Any]
TRIALS = {"trial-client", "trial-head", "trial-worker", "trial-kuberay", "trial-default"}
STATUS = "ray.seedcore.io/status"


def answering(status: int, message: str) -> Callable[[Object], tuple[int, Object]]:
    return lambda pod: (status, refusal(status, message))


def changed(change: Callable[[Object], object]) -> Callable[[Object], tuple[int, Object]]:
    def created(pod: Object) -> tuple[int, Object]:
        change(pod)
        return 201, pod

    return created


def move_host(pod: Object) -> None:
    """As another webhook would that comes after."""
    for entry in pod["spec"]["containers"][0].get("env", []):
        if entry["name"] == "RAY_HOST":
            entry["value"] = "elsewhere"


def of_another_version(pod: Object) -> None:
    annotations = pod["metadata"].get("annotations") or {}
    if STATUS in annotations:
        annotations[STATUS] = json.dumps({**json.loads(annotations[STATUS]), "version": "0.0.1"})


def add_sidecar(pod: Object) -> None:
    pod["spec"]["containers"].insert(0, {"name": "proxy", "env": [{"name": "A", "value": "b"}]})


def test_a_webhook_that_is_not_called_fails_each_trial_but_the_one_it_leaves_alone(world: World) -> None:
    world.is_called = False
    results = world.look()

    assert problems(results) == {name: ["RAY760"] for name in TRIALS} | {"trial-bad-role": ["RAY763"]}
    assert "in default it came back as it was: role.ray.seedcore.io was not called" in told(results["trial-client"])
    assert "in clients it came back as it was: default-role.ray.seedcore.io" in told(results["trial-default"])


def test_a_guard_that_refuses_what_was_not_treated_is_told_from_a_refusal_of_others(world: World) -> None:
    world.is_called = False
    policy = "ValidatingAdmissionPolicy 'my-ray-webhook-guard' with binding 'my-ray-webhook-guard' denied request"
    world.as_created = answering(403, f"pods is forbidden: {policy}: RAY311: pod x")
    results = world.look()

    assert problems(results)["trial-client"] == ["RAY760"]
    assert "the guard refused it in default, for it was not treated" in told(results["trial-client"])
    assert problems(results)["trial-bad-role"] == ["RAY760"]


def test_what_another_webhook_changes_afterwards_is_told(world: World) -> None:
    world.as_created = changed(move_host)
    results = world.look()

    assert problems(results) == {name: ["RAY761"] for name in TRIALS - {"trial-kuberay"}}
    assert "RAY_HOST is elsewhere, by the rules seedcore-head-svc.seedcore-dev" in told(results["trial-head"])


def test_containers_that_another_webhook_adds_do_not_count(world: World) -> None:
    world.as_created = changed(add_sidecar)

    assert problems(world.look()) == {}


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (403, "pods is forbidden: exceeded quota: small, requested: pods=1"),
        (403, 'admission webhook "other.example" denied the request: no'),
        (500, "Internal error occurred: jsonpatch add operation does not apply"),
        (422, "Pod is invalid"),
    ],
)
def test_a_refusal_by_others_is_told_with_its_reason(world: World, status: int, message: str) -> None:
    world.as_created = answering(status, message)
    results = world.look()

    assert problems(results) == {name: ["RAY762"] for name in (*TRIALS, "trial-none")}
    assert message in told(results["trial-client"])
    assert "--namespace" in told(results["trial-client"])


def test_a_replica_of_another_version_is_a_warning(world: World) -> None:
    world.as_created = changed(of_another_version)
    results = world.look()

    assert problems(results) == {name: ["RAY743"] for name in TRIALS}
    assert "a replica of version 0.0.1 has answered" in told(results["trial-client"])


def test_a_service_that_observes_is_not_tried(world: World) -> None:
    world.tell_service(RAY_WEBHOOK_MODE="observe")
    world.is_called = False
    results = world.look()

    assert {name for name, result in results.items() if result.state is State.SKIPPED} == {
        *TRIALS,
        "trial-none",
        "trial-bad-role",
    }


@pytest.mark.parametrize("namespace", ["kube-system", "ray-webhook-system", "nowhere", "off"])
def test_a_namespace_that_is_not_followed_is_no_place_to_try(world: World, namespace: str) -> None:
    labels = {"ray.seedcore.io/injection": "disabled"}
    world.fake.add(NAMESPACES, {"metadata": {"name": "off", "labels": labels}})
    results = world.look(trial_namespace=namespace)

    assert problems(results) == {"trial-namespace": ["RAY764"]}
    assert results["trial-client"].state is State.SKIPPED


def test_pods_are_tried_where_the_flag_says(world: World) -> None:
    results = world.look(trial_namespace="seedcore-dev")

    assert told(results["trial-client"]) == "RAY101, seedcore-dev"


def test_without_clients_by_default_their_path_is_skipped(world: World) -> None:
    world.remove(NAMESPACES, "clients")
    result = world.look()["trial-default"]

    assert (result.state, told(result)) == (
        State.SKIPPED,
        "no namespace has the label ray.seedcore.io/default-role=client",
    )
