"""Installed and taken away by kubectl alone, the policies leave no pod waiting for a webhook that nobody calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.fixtures import running
from tests.control_plane.objects import object_path, send
from tests.control_plane.process import wait_for
from tests.e2e import workloads
from tests.e2e.installation import CONFIGURATIONS, rendered
from tests.e2e.policies.support import (
    POLICIES,
    answered,
    in_namespace,
    overlay,
    told,
    try_out,
    wait_until_told,
)
from tests.e2e.support import MERGE, pods_of, seconds_until
from tests.injection.support import pod
from webhook.cluster.bundle import TRUSTED

pytestmark = pytest.mark.e2e

CA = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="
GATES = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingWebhookConfiguration")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A cluster in which nothing is installed, KubeRay neither."""
    with running(tmp_path_factory.mktemp("bare")) as plane:
        plane.create_namespace("apps")
        yield plane


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return overlay(tmp_path_factory.mktemp("whole"), "guard", "manifest-policy")


def gates(plane: ControlPlane, folder: Path) -> dict[str, dict[str, Any]]:
    """The guard's three objects by kind, the webhook's configuration with a caBundle and no Service behind it."""
    named = [item for item in rendered(plane, folder) if item["metadata"]["name"].endswith(("ray-webhook", "-guard"))]
    found = {item["kind"]: item for item in named}
    for webhook in found["MutatingWebhookConfiguration"]["webhooks"]:
        webhook["clientConfig"]["caBundle"] = CA
    return {kind: found[kind] for kind in GATES}


def is_refused(plane: ControlPlane) -> bool:
    return told(try_out(plane, in_namespace(pod("client")))) == ["RAY311"]


@pytest.mark.parametrize("first", range(3), ids=GATES)
def test_the_guard_is_in_force_last_and_out_of_force_first_in_whatever_order(
    bare: ControlPlane, tmp_path: Path, first: int
) -> None:
    """Each of the three is once the first and once the last to be applied, and once the first to be deleted.

    By names of their own, as a prefix gives them, since the API server takes a second to forget what is deleted.
    """
    objects = gates(bare, overlay(tmp_path, "guard", namePrefix=f"no-{first}-"))
    order = [*GATES[first:], *GATES[:first]]
    for kind in order:
        assert not is_refused(bare)
        bare.apply([objects[kind]])
    wait_for(lambda: is_refused(bare), "the guard is in force")
    for kind in order:
        send(bare.admin, "DELETE", object_path(bare.admin, objects[kind]) or "").checked()
        assert seconds_until(lambda: is_refused(bare), False) < 5


def test_without_a_ca_bundle_the_webhook_cannot_be_called_and_the_guard_waits(bare: ControlPlane, whole: Path) -> None:
    """Until certificates are issued every pod is missed, and none is refused for it."""
    bare.kubectl("apply", "--server-side", "-k", str(whole))
    wait_until_told(bare, workloads_at_fault(), ["RAY301"], 201)
    assert answered(try_out(bare, in_namespace(pod("client")))) == ([], 201)
    bare.apply([gates(bare, whole)["MutatingWebhookConfiguration"]])
    wait_for(lambda: is_refused(bare), "the guard is in force")


def test_a_ca_bundle_that_is_taken_away_lets_nothing_pass_where_the_webhook_puts_it_back(bare: ControlPlane) -> None:
    path = f"{CONFIGURATIONS}/ray-webhook"
    webhooks = send(bare.admin, "GET", path).checked()["webhooks"]
    annotated = {"metadata": {"annotations": {TRUSTED: "true"}}}
    send(bare.admin, "PATCH", path, annotated, content_type=MERGE).checked()
    try:
        without = [webhook | {"clientConfig": webhook["clientConfig"] | {"caBundle": None}} for webhook in webhooks]
        send(bare.admin, "PATCH", path, {"webhooks": without}, content_type=MERGE).checked()
        wait_until_told(bare, in_namespace(pod("client")), ["RAY311"], 403)
        sleep(1)
        assert is_refused(bare)
    finally:
        send(bare.admin, "PATCH", path, {"webhooks": webhooks}, content_type=MERGE).checked()
        gone = {"metadata": {"annotations": {TRUSTED: None}}}
        send(bare.admin, "PATCH", path, gone, content_type=MERGE).checked()


def test_an_upgrade_leaves_the_guard_in_force(bare: ControlPlane, whole: Path) -> None:
    """The caBundle, which nobody applies, stays."""
    assert bare.kubectl("apply", "--server-side", "-k", str(whole)).stderr == ""
    assert is_refused(bare)


def workloads_at_fault() -> dict[str, Any]:
    return workloads.workload("Job", "apps", "one", role="bad")


def test_the_types_of_every_expression_are_right_where_kuberay_is_not_installed(bare: ControlPlane) -> None:
    assert type_warnings(bare) == dict.fromkeys(NAMES)


def test_the_types_of_every_expression_are_right_where_kuberay_is_installed(policed: ControlPlane) -> None:
    assert type_warnings(policed) == dict.fromkeys(NAMES)


NAMES = ["ray-webhook-guard", "ray-webhook-guard-kuberay", "ray-webhook-manifests", "ray-webhook-namespaces"]


def type_warnings(plane: ControlPlane) -> dict[str, Any]:
    """What the type checker found, by policy, once it has looked at all of them."""
    items = wait_for(lambda: checked_policies(plane), "the policies' types are checked")
    return {item["metadata"]["name"]: item["status"]["typeChecking"].get("expressionWarnings") for item in items}


def checked_policies(plane: ControlPlane) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = send(plane.admin, "GET", POLICIES).checked()["items"]
    return items if all("typeChecking" in item.get("status", {}) for item in items) else []


def test_an_expression_of_a_wrong_type_would_be_found(policed: ControlPlane) -> None:
    """Without this, the tests above would prove nothing."""
    policy = send(policed.admin, "GET", f"{POLICIES}/ray-webhook-manifests").checked()
    policy["metadata"] = {"name": "wrong"}
    policy["spec"]["variables"] = []
    policy["spec"]["validations"] = [{"expression": "object.spec.jobTemplate == object.spec.template"}]
    send(policed.admin, "POST", POLICIES, policy).checked()
    try:
        assert type_warnings(policed)["wrong"]
    finally:
        send(policed.admin, "DELETE", f"{POLICIES}/wrong").checked()


def test_after_uninstalling_what_waited_is_made_and_nothing_is_left(bare: ControlPlane, whole: Path) -> None:
    """In the order of kubectl delete -k, which takes the webhook away before its configuration."""
    bare.apply([workloads.workload("Deployment", "apps", "waiting", role="client")])
    status = "/apis/apps/v1/namespaces/apps/deployments/waiting"
    wait_for(lambda: "RAY311" in str(send(bare.admin, "GET", status).checked().get("status")), "its pods are refused")
    bare.kubectl("delete", "--wait=false", "-k", str(whole))
    assert len(pods_of(bare, "apps", 1, selector="app=waiting")) == 1
    wait_until_told(bare, workloads_at_fault(), [], 201)
    for kind in ("validatingadmissionpolicies", "validatingadmissionpolicybindings", "mutatingwebhookconfigurations"):
        assert bare.kubectl("get", kind, "-o", "name").stdout == ""
