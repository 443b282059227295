"""Pods however they come to be get what the contract says, from a real API server and real controllers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import Answer, send
from tests.e2e import workloads
from tests.e2e.expected import HOST, client_env, node_env
from tests.e2e.support import MERGE, STRATEGIC_MERGE, create, env_of, pods_of
from tests.service import RunningService

pytestmark = pytest.mark.e2e

CASES = [
    ("Deployment", {"role": "client"}, client_env()),
    ("StatefulSet", {"role": "head"}, node_env("head")),
    ("DaemonSet", {"role": "worker"}, node_env("worker")),
    ("Job", {"role": "client", "connect": "jobs"}, client_env(address=f"http://{HOST}:8265")),
    ("CronJob", {"role": "client", "ray_namespace": "nightly"}, client_env(namespace="nightly")),
]


@pytest.fixture(scope="module")
def namespace(plane: ControlPlane, service: RunningService) -> str:
    return plane.create_namespace("workloads")


@pytest.fixture(scope="module")
def node(plane: ControlPlane) -> Iterator[str]:
    """A node, without which a DaemonSet makes no pod."""
    plane.apply([{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-0"}}])
    yield "node-0"
    send(plane.admin, "DELETE", "/api/v1/nodes/node-0").checked()


@pytest.mark.parametrize(("kind", "written", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_the_pod_of_a_workload_gets_what_its_role_gets(
    plane: ControlPlane, namespace: str, node: str, kind: str, written: dict[str, str], wanted: list[dict[str, Any]]
) -> None:
    name = kind.lower()
    plane.apply([workloads.workload(kind, namespace, name, **written)])
    if kind == "CronJob":
        make_due(plane, namespace, name)
    (pod,) = pods_of(plane, namespace, 1, selector=f"app={name}")
    owner = "ReplicaSet" if kind == "Deployment" else "Job" if kind == "CronJob" else kind
    assert pod["metadata"]["ownerReferences"][0]["kind"] == owner
    assert env_of(pod) == wanted
    status = json.loads(pod["metadata"]["annotations"]["ray.seedcore.io/status"])
    assert status["role"] == written["role"]


def make_due(plane: ControlPlane, namespace: str, name: str) -> None:
    """Say that the CronJob ran last long ago, so that its controller finds a run missed and makes it now."""
    path = f"/apis/batch/v1/namespaces/{namespace}/cronjobs/{name}/status"
    status = {"status": {"lastScheduleTime": "2024-06-01T00:00:00Z"}}
    send(plane.admin, "PATCH", path, status, content_type=MERGE).checked()


def test_a_bare_pod_with_generate_name_gets_what_its_role_gets(plane: ControlPlane, namespace: str) -> None:
    made = create(plane, workloads.pod(namespace, role="client")).checked()
    assert made["metadata"]["name"].startswith("app-")
    assert env_of(made) == client_env()


def test_an_ephemeral_container_gets_what_its_pods_role_gets(plane: ControlPlane, namespace: str) -> None:
    """Nothing else of the pod changes, and the status is not written again."""
    before = create(plane, workloads.pod(namespace, "debugged", role="client")).checked()
    added = debug(plane, before).checked()
    (debugger,) = added["spec"].pop("ephemeralContainers")
    assert debugger["env"] == client_env()
    assert added["spec"] == before["spec"]
    assert added["metadata"]["annotations"] == before["metadata"]["annotations"]


def test_a_second_ephemeral_container_leaves_the_first_alone(plane: ControlPlane, namespace: str) -> None:
    pod = create(plane, workloads.pod(namespace, "debugged-twice", role="none")).checked()
    debug(plane, pod, "first").checked()
    annotate(plane, pod, "client")
    added = debug(plane, pod, "second").checked()
    env = {item["name"]: item.get("env") for item in added["spec"]["ephemeralContainers"]}
    assert env == {"first": None, "second": client_env()}


def test_what_would_deny_a_new_pod_only_warns_for_an_ephemeral_container(plane: ControlPlane, namespace: str) -> None:
    pod = create(plane, workloads.pod(namespace, "debugged-with-a-bad-role", role="none")).checked()
    annotate(plane, pod, "cliebt")
    answer = debug(plane, pod)
    (debugger,) = answer.checked()["spec"]["ephemeralContainers"]
    assert "env" not in debugger
    assert [warning.partition(":")[0] for warning in answer.warnings] == ["RAY415"]
    assert "cliebt" in answer.warnings[0]


def debug(plane: ControlPlane, pod: dict[str, Any], name: str = "debugger") -> Answer:
    """Add an ephemeral container, as kubectl debug does."""
    patch = {"spec": {"ephemeralContainers": [{"name": name, "image": workloads.IMAGE}]}}
    return send(plane.admin, "PATCH", f"{path_of(pod)}/ephemeralcontainers", patch, content_type=STRATEGIC_MERGE)


def annotate(plane: ControlPlane, pod: dict[str, Any], role: str) -> None:
    """Change the role of a pod that exists, as kubectl annotate does."""
    patch = {"metadata": {"annotations": {"ray.seedcore.io/role": role}}}
    send(plane.admin, "PATCH", path_of(pod), patch, content_type=MERGE).checked()


def path_of(pod: dict[str, Any]) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
