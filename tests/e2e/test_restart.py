"""``ray-webhook audit --restart`` on a real API server with its controllers: what is mended, and what is left."""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from subprocess import PIPE
from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.control_plane.process import wait_for
from tests.e2e import targets, workloads
from tests.e2e.nurse import nursed
from tests.e2e.support import away, create, env_of, pods_of, seconds_until
from tests.service import COMMAND, RunningService, run_command

pytestmark = pytest.mark.e2e

SELECTED = {"matchLabels": {"app": "guarded"}}
ALL = {"matchExpressions": [{"key": "app", "operator": "Exists"}]}


def restarted(plane: ControlPlane, namespace: str, *flags: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit status, and of each workload what became of it and why."""
    arguments = ["audit", "-n", namespace, "--restart", "-o", "json", "--kubeconfig", str(plane.kubeconfig), *flags]
    ended = run_command(*arguments)
    rows = json.loads(ended.stdout)["workloads"]
    return ended.returncode, {f"{row['kind']}/{row['name']}": (row["state"], row["message"]) for row in rows}


def budget(namespace: str, name: str, selector: dict[str, Any], **spec: int) -> dict[str, Any]:
    metadata = {"namespace": namespace, "name": name}
    whole = {"selector": selector, **spec}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": whole}


def with_replicas(workload: dict[str, Any], replicas: int, **spec: Any) -> dict[str, Any]:
    return {**workload, "spec": {**workload["spec"], "replicas": replicas, **spec}}


def test_what_was_missed_is_mended_workload_by_workload(plane: ControlPlane, service: RunningService) -> None:
    namespace = plane.create_namespace("restart-mended")
    on_delete = {"updateStrategy": {"type": "OnDelete"}}
    with nursed(plane, namespace), away(plane, namespace):
        for kind, replicas, name, more in (
            ("Deployment", 3, "api", {}),
            ("StatefulSet", 2, "db", {}),
            ("StatefulSet", 1, "by-hand", on_delete),
        ):
            made = workloads.workload(kind, namespace, name, role="client")
            plane.apply([with_replicas(made, replicas, **more)])
        plane.apply([workloads.workload("Job", namespace, "load", role="client")])
        create(plane, workloads.pod(namespace, "bare", role="client")).checked()
        pods_of(plane, namespace, 8)
    (cluster,) = plane.apply([targets.cluster(namespace, "train", targets.cluster_spec())])
    assert cluster
    with nursed(plane, namespace):
        planned = restarted(plane, namespace, "--dry-run")
        before = {pod["metadata"]["uid"] for pod in pods_of(plane, namespace, 8)}
        status, rows = restarted(plane, namespace, "--timeout", "60")

    assert planned[0] == 1
    assert {name for name, (state, _) in planned[1].items() if state == "planned"} == {
        "Deployment/api",
        "StatefulSet/db",
        "StatefulSet/by-hand",
    }
    assert (status, {name: state for name, (state, _) in rows.items()}) == (
        1,
        {
            "Deployment/api": "mended",
            "StatefulSet/db": "mended",
            "StatefulSet/by-hand": "left",
            "Job/load": "left",
            "Pod/bare": "left",
        },
    )
    assert rows["Deployment/api"][1] == "3 new pods"
    assert "OnDelete" in rows["StatefulSet/by-hand"][1]
    after = {pod["metadata"]["name"]: pod for pod in pods_of(plane, namespace, 8)}
    for name, pod in after.items():
        is_new = pod["metadata"]["uid"] not in before
        assert is_new is name.startswith(("api-", "db-")), name
        assert any(entry["name"] == "RAY_ADDRESS" for entry in env_of(pod)) is is_new


def test_a_budget_that_allows_no_disruption_is_respected(plane: ControlPlane, service: RunningService) -> None:
    namespace = plane.create_namespace("restart-budget")
    with nursed(plane, namespace):
        with away(plane, namespace):
            made = workloads.workload("Deployment", namespace, "guarded", role="client")
            plane.apply([budget(namespace, "guarded", SELECTED, minAvailable=2), with_replicas(made, 2)])
            before = {pod["metadata"]["uid"] for pod in pods_of(plane, namespace, 2)}
        status, rows = restarted(plane, namespace, "--timeout", "1")
        kept = {pod["metadata"]["uid"] for pod in pods_of(plane, namespace, 2)}
        plane.apply([budget(namespace, "guarded", SELECTED, minAvailable=1)])
        mended = restarted(plane, namespace, "--timeout", "60")

    told = f"PodDisruptionBudget {namespace}/guarded allows 0 disruptions, after 1 s still"
    assert (status, rows) == (1, {"Deployment/guarded": ("left", told)})
    assert kept == before
    assert mended == (0, {"Deployment/guarded": ("mended", "2 new pods")})


def test_a_daemon_set_is_mended_node_by_node(plane: ControlPlane, service: RunningService) -> None:
    namespace = plane.create_namespace("restart-agents")
    names = ["agents-one", "agents-two"]
    plane.apply([{"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}} for name in names])
    with nursed(plane, namespace):
        with away(plane, namespace):
            plane.apply([workloads.workload("DaemonSet", namespace, "agent", role="client")])
            before = {pod["metadata"]["uid"] for pod in pods_of(plane, namespace, 2)}
        ended = restarted(plane, namespace, "--timeout", "60")
    after = pods_of(plane, namespace, 2)
    for name in names:
        send(plane.admin, "DELETE", f"/api/v1/nodes/{name}").checked()

    assert ended == (0, {"DaemonSet/agent": ("mended", "2 new pods")})
    assert before.isdisjoint(pod["metadata"]["uid"] for pod in after)


def test_two_restarts_under_one_budget_take_turns(plane: ControlPlane, service: RunningService) -> None:
    """New pods become Ready only once one of them has the turn; what one has mended the other leaves alone."""
    namespace = plane.create_namespace("restart-turns")
    with nursed(plane, namespace), away(plane, namespace):
        for name in ("api", "web"):
            made = workloads.workload("StatefulSet", namespace, name, role="client")
            plane.apply([with_replicas(made, 2)])
        plane.apply([budget(namespace, "both", ALL, maxUnavailable=1)])
        pods_of(plane, namespace, 4)
        path = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets/both"
        seconds_until(lambda: send(plane.admin, "GET", path).body["status"].get("disruptionsAllowed"), 1)
    arguments = ["audit", "-n", namespace, "--restart", "--kubeconfig", str(plane.kubeconfig), "--timeout", "60"]
    with ExitStack() as stack:
        running = [
            stack.enter_context(subprocess.Popen([COMMAND, *arguments], stdout=PIPE, stderr=PIPE, text=True))
            for _ in range(2)
        ]
        lease = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/ray-webhook-restart"
        wait_for(lambda: send(plane.admin, "GET", lease).body.get("spec", {}).get("holderIdentity"), "one has the turn")
        with nursed(plane, namespace):
            ended = [process.communicate(timeout=120)[0] for process in running]

    assert [process.returncode for process in running] == [0, 0], ended
    assert [restarted_at(plane, namespace, name) for name in ("api", "web")] == [1, 1]


def restarted_at(plane: ControlPlane, namespace: str, name: str) -> int:
    """How often a StatefulSet was restarted: its revisions but the first."""
    path = f"/apis/apps/v1/namespaces/{namespace}/controllerrevisions"
    found = send(plane.admin, "GET", path, query={"labelSelector": f"app={name}"}).checked()["items"]
    return len(found) - 1


def test_nothing_is_restarted_while_the_webhook_is_away_or_refuses(
    plane: ControlPlane, service: RunningService
) -> None:
    namespace = plane.create_namespace("restart-refused")
    with nursed(plane, namespace), away(plane, namespace):
        plane.apply([workloads.workload("Deployment", namespace, "typo", role="Client")])
        (pod,) = pods_of(plane, namespace, 1)
    status, rows = restarted(plane, namespace, "--timeout", "5")
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/typo"
    template = send(plane.admin, "GET", path).checked()["spec"]["template"]

    assert (status, rows["Deployment/typo"][0]) == (1, "left")
    assert "RAY301" in rows["Deployment/typo"][1]
    assert list(template["metadata"]["annotations"]) == ["ray.seedcore.io/role"]
    assert [item["metadata"]["uid"] for item in pods_of(plane, namespace, 1)] == [pod["metadata"]["uid"]]
