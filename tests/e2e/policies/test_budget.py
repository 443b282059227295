"""The largest pods and workloads: their judgement stays below what the API server lets an expression cost.

What goes beyond it would be let through, so each must be found at fault here.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.e2e.policies.manifests import cluster_spec, cron_job, deployment, ray_cluster, template
from tests.e2e.policies.support import answered, in_namespace, try_out, update
from tests.injection.support import container, kuberay_pod, pod

pytestmark = pytest.mark.e2e

LARGE = 100
VARIABLES = [(f"VARIABLE_{number}", "x" * 20) for number in range(LARGE - 1)]
LONG_NAME = "c" * 59
NAMES = ",".join(f"{LONG_NAME}-{number}" for number in range(LARGE))


def containers(name: str, value: str) -> list[dict[str, Any]]:
    """A hundred containers of a hundred variables each, of which the last is the one that counts."""
    return [container(f"{LONG_NAME}-{number}", [*VARIABLES, (name, value)]) for number in range(LARGE)]


def test_a_large_client_without_addresses_is_refused(policed: ControlPlane) -> None:
    made = pod("client", *containers("RAY_ADDRESS", ""), annotations={"containers": NAMES, "skip-containers": "other"})
    answer = try_out(policed, in_namespace(made))
    assert answered(answer) == (["RAY311"], 403)
    assert len(answer.body["message"]) < 1000
    assert f"{LONG_NAME}-0, " in answer.body["message"]


@pytest.mark.parametrize("namespace", ["apps", "clients"])
def test_a_large_pod_that_is_right_is_let_through(policed: ControlPlane, namespace: str) -> None:
    made = pod("client" if namespace == "apps" else None, *containers("RAY_ADDRESS", "ray://by-hand:10001"))
    for item in made["spec"]["containers"]:
        item["args"] = ["x" * 100] * 20
    assert answered(try_out(policed, in_namespace(made, namespace))) == ([], 201)


def test_a_large_worker_with_wrong_addresses_is_refused(policed: ControlPlane) -> None:
    made = pod("worker", *containers("RAY_ADDRESS", "ray://by-hand:10001"))
    assert answered(try_out(policed, in_namespace(made))) == (["RAY312"], 403)


def test_a_large_pod_of_kuberay_is_told_of(policed: ControlPlane) -> None:
    made = kuberay_pod("head", None, *containers("A", "b"), env=[*VARIABLES, ("RAY_ADDRESS", "ray://by-hand:10001")])
    assert answered(try_out(policed, in_namespace(made))) == (["RAY312"], 201)


@pytest.mark.parametrize("workload", [deployment, cron_job])
def test_a_large_workload_is_told_of(policed: ControlPlane, workload: Any) -> None:
    made = template(*containers("RAY_HOST", "x" * 2000), role="client", containers=NAMES, skip_containers="other")
    answer = try_out(policed, workload(made))
    assert answered(answer) == (["RAY604"], 201)
    assert len(answer.warnings[0]) < 1000
    assert f'container {LONG_NAME}-0 RAY_HOST "{"x" * 60}..."; container {LONG_NAME}-1' in answer.warnings[0]


def test_a_ray_cluster_of_fifty_worker_groups_is_told_of(policed: ControlPlane) -> None:
    env = [*VARIABLES, ("RAY_ADDRESS", "ray://by-hand:10001")]
    worker = template(container("ray-worker", env), container("side", env), role="worker", containers="side")
    wrong = template(role="bad", rol="x" * 200, cluster="y" * 1000)
    answer = try_out(policed, ray_cluster(template(), *[worker] * 49, wrong))
    assert answered(answer) == (["RAY301", "RAY602", "RAY604"], 201)


def test_a_ray_cluster_of_fifty_worker_groups_is_told_of_that_is_resumed_with_another_template(
    policed: ControlPlane,
) -> None:
    """Each template is looked for among those that were there."""
    workers = [template(env=[*VARIABLES, ("GROUP", str(number))], role="worker") for number in range(50)]
    stored = ray_cluster(template(), *workers)
    stored["metadata"]["name"] = "large"
    stored["spec"]["suspend"] = True
    placed = [item | {"spec": item["spec"] | {"nodeSelector": {"pool": "a"}}} for item in reversed(workers)]
    resumed = {**cluster_spec(template(), *placed), "suspend": False}
    assert answered(update(policed, stored, resumed)) == ([], 200)
    resumed = {**cluster_spec(template(), *placed[:-1], template(role="bad")), "suspend": False}
    assert answered(update(policed, stored, resumed)) == (["RAY301"], 200)


ENDLESS = "y," * 20_000


@pytest.mark.parametrize("written", ["containers", "skip-containers"])
def test_an_endless_list_does_not_hold_the_api_server_up(policed: ControlPlane, written: str) -> None:
    """Its quadratic time would end at the cost limit, after half a minute, and the pod would be let through."""
    made = pod("client", annotations={written: ENDLESS})
    assert answered(try_out(policed, in_namespace(made))) == (["RAY311"], 403)
    made = template(env={"RAY_HOST": "by-hand"}, role="client", skip_containers=ENDLESS)
    assert answered(try_out(policed, deployment(made))) == (["RAY604"], 201)
    made = kuberay_pod("head", env={"RAY_ADDRESS": "ray://by-hand:10001"}, annotations={"skip-containers": ENDLESS})
    assert answered(try_out(policed, in_namespace(made))) == (["RAY312"], 201)
