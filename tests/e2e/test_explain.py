"""``ray-webhook explain KIND/NAME`` on a real API server: why a pod is as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.process import wait_for
from tests.e2e import workloads
from tests.e2e.support import away, create, pods_of
from tests.service import RunningService, run_command

pytestmark = pytest.mark.e2e

P = "ray.seedcore.io/"


def explain(plane: ControlPlane, namespace: str, *target: str) -> dict[str, Any]:
    ended = run_command("explain", "--kubeconfig", str(plane.kubeconfig), "-n", namespace, *target, "-o", "json")
    assert (ended.returncode, ended.stderr) == (0, "")
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_pods_of_a_deployment_are_explained_and_counted(plane: ControlPlane, service: RunningService) -> None:
    namespace = plane.create_namespace("explain-pods")
    made = workloads.workload("Deployment", namespace, "api", role="client")
    plane.apply([made])
    (right,) = pods_of(plane, namespace, 1)
    with away(plane, namespace):
        plane.kubectl("scale", "deployment/api", "--replicas=2", "-n", namespace)
        both = pods_of(plane, namespace, 2)
        missed = next(pod for pod in both if pod["metadata"]["uid"] != right["metadata"]["uid"])
    workload = explain(plane, namespace, "deploy/api")
    fine = explain(plane, namespace, "pod", right["metadata"]["name"])
    wrong = explain(plane, namespace, f"po/{missed['metadata']['name']}")

    assert (workload["templates"][0]["code"], workload["pods"]["count"], workload["pods"]["right"]) == ("RAY101", 2, 1)
    assert [(item["code"], item["pods"]) for item in workload["pods"]["findings"]] == [
        ("RAY701", [missed["metadata"]["name"]])
    ]
    assert (fine["standing"]["fine"], fine["workload"]) == (True, f"Deployment {namespace}/api")
    assert (wrong["standing"]["code"], wrong["mend"]["command"]) == (
        "RAY701",
        f"kubectl rollout restart deployment/api -n {namespace}",
    )
    assert "did not treat the pod when it was created" in wrong["standing"]["message"]


def test_why_pods_were_skipped_is_told_at_once(plane: ControlPlane, service: RunningService) -> None:
    namespace = plane.create_namespace("explain-skipped")
    misplaced = workloads.workload("Deployment", namespace, "api")
    misplaced["metadata"]["annotations"] = {f"{P}role": "client"}
    plane.apply([misplaced])
    (skipped,) = pods_of(plane, namespace, 1)
    create(plane, workloads.pod(namespace, "late")).checked()
    plane.kubectl("annotate", "pod", "late", "-n", namespace, f"{P}role=client")
    wait_for(lambda: explain(plane, namespace, "pod/late")["standing"], "the annotation is there")
    found, late = explain(plane, namespace, f"pod/{skipped['metadata']['name']}"), explain(plane, namespace, "pod/late")
    plane.kubectl("label", "namespace", namespace, f"{P}injection=disabled")
    off = explain(plane, namespace, "deploy/api")

    assert (found["code"], [hint["code"] for hint in found["hints"]]) == ("RAY202", ["RAY601"])
    assert f"stands on Deployment {namespace}/api itself" in found["hints"][0]["message"]
    assert late["standing"]["code"] == "RAY701"
    assert (off["templates"][0]["code"], "injection=disabled" in off["templates"][0]["message"]) == ("RAY708", True)
