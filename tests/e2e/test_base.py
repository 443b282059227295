"""deploy/kustomize/base: applied without a warning, word for word what the contract pins, never in a drain's way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import Answer, send
from tests.control_plane.process import wait_for
from tests.e2e import installation
from tests.e2e.installation import NAMESPACE, by_kind
from tests.e2e.support import DRY_RUN, be_ready, pods_of, seconds_until

pytestmark = pytest.mark.e2e

SELECTOR = "app.kubernetes.io/name=ray-webhook"


@pytest.fixture(scope="module")
def base(plane: ControlPlane) -> list[dict[str, Any]]:
    return installation.rendered(plane)


def test_it_is_applied_without_a_warning(installed: str) -> None:
    assert installed == ""


def test_it_is_thirteen_objects(base: list[dict[str, Any]]) -> None:
    """No Secret, which the webhook makes itself, and no settings, which are the users' own.

    The quota admits pods where their priority is limited.
    """
    assert [item["kind"] for item in base] == [
        "Namespace",
        "ResourceQuota",
        "ServiceAccount",
        "Role",
        "ClusterRole",
        "ClusterRole",
        "RoleBinding",
        "ClusterRoleBinding",
        "ClusterRoleBinding",
        "Service",
        "Deployment",
        "PodDisruptionBudget",
        "MutatingWebhookConfiguration",
    ]


def test_both_entries_are_what_the_contract_pins(base: list[dict[str, Any]]) -> None:
    webhooks = by_kind(base, "MutatingWebhookConfiguration")["webhooks"]
    pinned = {
        "failurePolicy": "Ignore",
        "timeoutSeconds": 3,
        "matchPolicy": "Equivalent",
        "reinvocationPolicy": "IfNeeded",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "rules": [rule("CREATE", "pods"), rule("UPDATE", "pods/ephemeralcontainers")],
    }
    for webhook in webhooks:
        assert {key: webhook[key] for key in pinned} == pinned
        assert set(webhook) - set(pinned) == {"name", "clientConfig", "namespaceSelector", "matchConditions"}
        (excluded,) = [
            expression["values"]
            for expression in webhook["namespaceSelector"]["matchExpressions"]
            if expression["key"] == "kubernetes.io/metadata.name"
        ]
        assert excluded == ["kube-system", "kube-node-lease", NAMESPACE]
    paths = [webhook["clientConfig"]["service"]["path"] for webhook in webhooks]
    assert paths == ["/mutate", "/mutate/default-role/client"]


def rule(operation: str, resource: str) -> dict[str, Any]:
    return {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": [operation],
        "resources": [resource],
        "scope": "Namespaced",
    }


def test_a_pod_meets_exactly_one_of_the_two_conditions(base: list[dict[str, Any]]) -> None:
    """The second is the first, negated; what else they ask for is the same."""
    first, second = (
        webhook["matchConditions"] for webhook in by_kind(base, "MutatingWebhookConfiguration")["webhooks"]
    )
    assert first[0] == second[0]
    assert second[1]["expression"] == f"!({first[1]['expression']})"
    assert (len(first), len(second)) == (2, 2)


def test_its_pods_are_admitted_in_its_restricted_namespace(plane: ControlPlane, installed: str) -> None:
    for pod in pods_of(plane, NAMESPACE, 2, selector=SELECTOR):
        assert pod["spec"]["priorityClassName"] == "system-cluster-critical"


def test_a_drain_takes_pods_that_are_not_ready_at_once(plane: ControlPlane, ready: list[dict[str, Any]]) -> None:
    """All of them: a webhook that does not come up holds up nobody."""
    for pod in ready:
        be_ready(plane, pod, "False")
    assert_healthy(plane, 0)
    for pod in ready:
        assert evict(plane, pod).status == 201


def test_a_drain_takes_ready_pods_one_after_the_other(plane: ControlPlane, ready: list[dict[str, Any]]) -> None:
    """The second one may go as soon as another one is ready in place of the first."""
    first, second = ready
    assert_soon(lambda: evict(plane, first).status, 201)
    be_ready(plane, first, "False")
    assert_soon(lambda: evict(plane, second).status, 429)
    be_ready(plane, first)
    assert_soon(lambda: evict(plane, second).status, 201)


def test_a_single_replica_may_always_go(plane: ControlPlane, ready: list[dict[str, Any]]) -> None:
    plane.kubectl("scale", f"--namespace={NAMESPACE}", "--replicas=1", "deployment/ray-webhook")
    try:
        wait_for(lambda: len(pods_of(plane, NAMESPACE, 1, selector=SELECTOR)) == 1, "one pod is left")
        (last,) = pods_of(plane, NAMESPACE, 1, selector=SELECTOR)
        assert_soon(lambda: evict(plane, last).status, 201)
    finally:
        plane.kubectl("scale", f"--namespace={NAMESPACE}", "--replicas=2", "deployment/ray-webhook")


@pytest.fixture
def ready(plane: ControlPlane, installed: str) -> list[dict[str, Any]]:
    """The two pods of the Deployment, ready, and counted as such by the disruption budget."""
    pods = pods_of(plane, NAMESPACE, 2, selector=SELECTOR)
    for pod in pods:
        be_ready(plane, pod)
    assert_healthy(plane, 2)
    return pods


def assert_healthy(plane: ControlPlane, count: int) -> None:
    """The disruption budget's controller counts `count` ready pods."""
    path = f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets/ray-webhook"
    assert_soon(lambda: send(plane.admin, "GET", path).checked().get("status", {}).get("currentHealthy"), count)


def evict(plane: ControlPlane, pod: dict[str, Any]) -> Answer:
    """Ask for a pod to go, as kubectl drain does, without making it go."""
    name = pod["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}/eviction"
    return send(plane.admin, "POST", path, eviction, query=DRY_RUN)


def assert_soon(read: Callable[[], object], wanted: object) -> None:
    """The controllers, too, need a moment to see what has changed."""
    assert seconds_until(read, wanted) < 10
