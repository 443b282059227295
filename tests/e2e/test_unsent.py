"""Pods that are none of the webhook's business never reach it: its counters do not move."""

from __future__ import annotations

from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.e2e import installation, workloads
from tests.e2e.support import MERGE, create, env_of, reviews_received
from tests.service import RunningService

pytestmark = pytest.mark.e2e

DISABLED = {"ray.seedcore.io/injection": "disabled"}
DEFAULT_CLIENT = {"ray.seedcore.io/default-role": "client"}


def labelled(pod: dict[str, Any], **labels: str) -> dict[str, Any]:
    pod["metadata"]["labels"] = labels
    return pod


def test_the_counter_moves_by_one_for_a_pod_with_a_role(plane: ControlPlane, service: RunningService) -> None:
    """Without this, the tests below would prove nothing."""
    namespace = plane.create_namespace("sent")
    before = reviews_received(service)
    create(plane, workloads.pod(namespace, role="client")).checked()
    assert reviews_received(service) == before + 1


@pytest.mark.parametrize(
    "labels", [{}, DISABLED, DISABLED | DEFAULT_CLIENT], ids=["plain", "disabled", "disabled with a default role"]
)
def test_a_pod_without_a_role_is_not_sent(
    plane: ControlPlane, service: RunningService, labels: dict[str, str], request: pytest.FixtureRequest
) -> None:
    namespace = plane.create_namespace(f"unsent-{len(labels)}", labels)
    before = reviews_received(service)
    made = create(plane, workloads.pod(namespace)).checked()
    assert (reviews_received(service), env_of(made)) == (before, [])


def test_a_pod_with_one_of_kuberays_labels_alone_is_not_sent(plane: ControlPlane, service: RunningService) -> None:
    namespace = plane.create_namespace("one-label")
    before = reviews_received(service)
    for labels in ({"ray.io/node-type": "head"}, {"app.kubernetes.io/created-by": "kuberay-operator"}):
        create(plane, labelled(workloads.pod(namespace), **labels)).checked()
    assert reviews_received(service) == before


@pytest.mark.parametrize("namespace", ["kube-system", "kube-node-lease", installation.NAMESPACE])
def test_a_pod_of_a_system_namespace_is_not_sent(plane: ControlPlane, service: RunningService, namespace: str) -> None:
    """Not even where its namespace carries the label of a default role."""
    path = f"/api/v1/namespaces/{namespace}"
    send(plane.admin, "PATCH", path, {"metadata": {"labels": DEFAULT_CLIENT}}, content_type=MERGE).checked()
    plane.wait_for_namespace(namespace)
    before = reviews_received(service)
    for written in ({}, {"role": "client"}):
        made = create(plane, workloads.restricted(workloads.pod(namespace, **written)), dry_run=True).checked()
        assert env_of(made) == []
    assert reviews_received(service) == before
    off: dict[str, None] = dict.fromkeys(DEFAULT_CLIENT)
    send(plane.admin, "PATCH", path, {"metadata": {"labels": off}}, content_type=MERGE).checked()


def test_a_pod_with_a_role_in_a_disabled_namespace_is_not_sent(plane: ControlPlane, service: RunningService) -> None:
    namespace = plane.create_namespace("disabled", DISABLED)
    before = reviews_received(service)
    made = create(plane, workloads.pod(namespace, role="client")).checked()
    assert (reviews_received(service), env_of(made)) == (before, [])


@pytest.mark.parametrize("labels", [{}, DEFAULT_CLIENT], ids=["plain", "default role"])
def test_a_mirror_pod_is_not_sent(plane: ControlPlane, service: RunningService, labels: dict[str, str]) -> None:
    namespace = plane.create_namespace(f"mirrors-{len(labels)}", labels)
    before = reviews_received(service)
    for written in ({}, {"role": "client"}):
        made = create(plane, workloads.mirror(workloads.pod(namespace, **written))).checked()
        assert env_of(made) == []
    assert reviews_received(service) == before


def test_a_change_of_a_pod_that_exists_is_not_sent(plane: ControlPlane, service: RunningService) -> None:
    namespace = plane.create_namespace("changed")
    create(plane, workloads.pod(namespace, "one", role="client")).checked()
    path = f"/api/v1/namespaces/{namespace}/pods/one"
    before = reviews_received(service)
    send(plane.admin, "PATCH", path, {"metadata": {"labels": {"a": "b"}}}, content_type=MERGE).checked()
    status = {"status": {"phase": "Running"}}
    send(plane.admin, "PATCH", f"{path}/status", status, content_type=MERGE).checked()
    send(plane.admin, "DELETE", path).checked()
    assert reviews_received(service) == before
