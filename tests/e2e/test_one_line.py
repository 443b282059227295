"""Moving the head Service of everything is an edit of one line, in one place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.e2e import installation, workloads
from tests.e2e.expected import HOST, client_env, node_env
from tests.e2e.support import create, env_of, next_env, pods_of, seconds_until
from tests.service import RunningService

pytestmark = pytest.mark.e2e

MOVED = "seedcore-head-svc.seedcore-prod"
PLACES: dict[str, dict[str, str]] = {
    "one-line-a": {},
    "one-line-b": {},
    "one-line-c": {"ray.seedcore.io/default-role": "client"},
}
ROLES = {"Deployment": "client", "StatefulSet": "head", "Job": "client"}


def edit(plane: ControlPlane, host: str) -> None:
    """The edit: one key of one ConfigMap."""
    line = f'{{"data": {{"RAY_HOST": "{host}"}}}}'
    plane.kubectl(
        "patch", "configmap/ray-settings", f"--namespace={installation.NAMESPACE}", "--type=merge", f"--patch={line}"
    )


@pytest.fixture
def moved_back(plane: ControlPlane, service: RunningService) -> Iterator[None]:
    yield
    edit(plane, HOST)
    seconds_until(lambda: next_env(plane, "default"), client_env())


def created_everywhere(plane: ControlPlane, generation: str) -> dict[str, list[dict[str, Any]]]:
    """The env of a new pod of each kind in each namespace, by where and what it is."""
    found: dict[str, list[dict[str, Any]]] = {}
    for namespace in PLACES:
        for kind, role in ROLES.items():
            name = f"{kind.lower()}-{generation}"
            plane.apply([workloads.workload(kind, namespace, name, role=role)])
            (pod,) = pods_of(plane, namespace, 1, selector=f"app={name}")
            found[f"{namespace} {kind}"] = env_of(pod)
    found["bare"] = env_of(create(plane, workloads.pod("one-line-a", role="worker")).checked())
    found["default role"] = env_of(create(plane, workloads.pod("one-line-c")).checked())
    return found


def wanted_everywhere(host: str) -> dict[str, list[dict[str, Any]]]:
    by_role = {"client": client_env(host), "head": node_env("head", host)}
    workload_pods = {f"{namespace} {kind}": by_role[role] for namespace in PLACES for kind, role in ROLES.items()}
    return workload_pods | {"bare": node_env("worker", host), "default role": client_env(host)}


def test_moving_the_head_service_of_everything_is_a_one_line_edit(
    plane: ControlPlane, service: RunningService, moved_back: None
) -> None:
    for namespace, labels in PLACES.items():
        plane.create_namespace(namespace, labels)
    assert created_everywhere(plane, "before") == wanted_everywhere(HOST)
    edit(plane, MOVED)
    assert seconds_until(lambda: next_env(plane, "one-line-a"), client_env(MOVED)) < 1
    assert created_everywhere(plane, "after") == wanted_everywhere(MOVED)


def test_a_restart_by_its_owner_moves_a_running_workload(
    plane: ControlPlane, service: RunningService, moved_back: None
) -> None:
    """Pods that run keep what they have; kubectl rollout restart is the users' own word for it."""
    namespace = plane.create_namespace("one-line-restart")
    plane.apply([workloads.workload("Deployment", namespace, "web", role="client")])
    (old,) = pods_of(plane, namespace, 1)
    edit(plane, MOVED)
    assert seconds_until(lambda: next_env(plane, namespace), client_env(MOVED)) < 1
    path = f"/api/v1/namespaces/{namespace}/pods/{old['metadata']['name']}"
    assert env_of(send(plane.admin, "GET", path).checked()) == client_env(HOST)
    plane.kubectl("rollout", "restart", f"--namespace={namespace}", "deployment/web")
    env = {pod["metadata"]["name"]: env_of(pod) for pod in pods_of(plane, namespace, 2)}
    del env[old["metadata"]["name"]]
    assert list(env.values()) == [client_env(MOVED)]
