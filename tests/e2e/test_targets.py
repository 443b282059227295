"""RayClusters and RayServices: pods that name one get what its spec says, within a second of each change."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.control_plane.process import wait_for
from tests.e2e import targets, workloads
from tests.e2e.expected import client_env, entries
from tests.e2e.support import create, env_of, seconds_until, watch_states
from tests.service import FIXTURES, RunningService

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", autouse=True)
def noticed(service: RunningService) -> dict[str, str]:
    """What the service watches, once it has noticed that KubeRay's kinds are there."""
    wanted = {"rayclusters": "watching", "rayservices": "watching"}
    wait_for(lambda: wanted.items() <= watch_states(service).items(), "RayClusters are watched", seconds=45)
    return watch_states(service)


def in_force_soon(
    plane: ControlPlane, namespace: str, wanted: list[dict[str, Any]], *warnings: str, **written: str
) -> None:
    """The next client gets `wanted`, and these warnings' codes, within a second."""

    def found() -> tuple[list[dict[str, Any]], tuple[str, ...]]:
        answer = create(plane, workloads.pod(namespace, role="client", **written), dry_run=True)
        return env_of(answer.checked()), tuple(warning.partition(":")[0] for warning in answer.warnings)

    assert seconds_until(found, (wanted, warnings)) < 1


def test_absent_kinds_are_fine_and_are_noticed_when_they_appear(
    service: RunningService, noticed: dict[str, str]
) -> None:
    """The service became ready without them; it noticed by itself, and never called their absence a failure."""

    def told() -> list[dict[str, Any]]:
        return [event for event in service.events("cluster watch") if event["resource"] == "rayclusters"]

    wait_for(lambda: len(told()) > 1, "what the metric says is in the log, too")
    found = told()
    assert [event["state"] for event in found[:2]] == ["absent", "watching"]
    assert noticed["configmaps/ray-settings"] == "watching"
    failed = [event for event in service.events("cluster request failed") if event["resource"] == "rayclusters"]
    assert not [event for event in failed if event["time"] < found[1]["time"]]


def test_a_cluster_that_is_not_there_yet_is_assumed_as_kuberay_makes_it(plane: ControlPlane) -> None:
    namespace = plane.create_namespace("target-absent")
    assumed = client_env(f"train-head-svc.{namespace}.svc.cluster.local", namespace=None)
    in_force_soon(plane, namespace, assumed, "RAY402", cluster="train")


def test_a_cluster_is_followed_from_its_creation_to_its_deletion(plane: ControlPlane) -> None:
    """Its Service is renamed and its ports are moved while clients come and go."""
    namespace = plane.create_namespace("target-life")
    domain = f"{namespace}.svc.cluster.local"
    assumed = client_env(f"train-head-svc.{domain}", namespace=None)
    renamed = targets.cluster_spec(head_service="entrance")
    moved = targets.cluster_spec(head_service="entrance", client=20001, dashboard=9265, serve=9000)
    moved_env = client_env(
        f"entrance.{domain}", port=20001, dashboard=9265, serve=f"http://entrance.{domain}:9000", namespace=None
    )
    for spec, wanted in (
        (targets.cluster_spec(), assumed),
        (renamed, client_env(f"entrance.{domain}", namespace=None)),
        (moved, moved_env),
    ):
        plane.apply([targets.cluster(namespace, "train", spec)])
        in_force_soon(plane, namespace, wanted, cluster="train")
    made = create(plane, workloads.pod(namespace, role="client", cluster="train")).checked()
    assert env_of(made) == moved_env
    send(plane.admin, "DELETE", targets.path(targets.cluster(namespace, "train", {}))).checked()
    in_force_soon(plane, namespace, assumed, "RAY402", cluster="train")


def test_a_service_is_followed_from_its_creation_to_its_deletion(plane: ControlPlane) -> None:
    """Clients get its stable head and serve Services, never those of a cluster that an upgrade replaces."""
    namespace = plane.create_namespace("target-service")
    domain = f"{namespace}.svc.cluster.local"
    head = f"chat-head-svc.{domain}"
    assumed = client_env(head, serve=f"http://chat-serve-svc.{domain}:8000", namespace=None)
    moved = targets.cluster_spec(client=20001, dashboard=9265, serve=9000)
    moved_env = client_env(head, port=20001, dashboard=9265, serve=f"http://gate.{domain}:9000", namespace=None)
    for made, wanted in (
        (targets.service(namespace, "chat", targets.cluster_spec()), assumed),
        (targets.service(namespace, "chat", moved, serveService={"metadata": {"name": "gate"}}), moved_env),
    ):
        plane.apply([made])
        in_force_soon(plane, namespace, wanted, service="chat")
    send(plane.admin, "DELETE", targets.path(made)).checked()
    in_force_soon(plane, namespace, assumed, "RAY402", service="chat")


def test_the_pods_of_a_workload_that_names_a_cluster_get_it(plane: ControlPlane) -> None:
    namespace = plane.create_namespace("target-workload")
    plane.apply([targets.cluster(namespace, "train", targets.cluster_spec(head_service="entrance"))])
    wanted = client_env(f"entrance.{namespace}.svc.cluster.local", namespace="lab")
    in_force_soon(plane, namespace, wanted, cluster="train", ray_namespace="lab")
    written = {"role": "client", "cluster": "train", "ray_namespace": "lab"}
    plane.apply([workloads.workload("Deployment", namespace, "web", **written)])
    pods = f"/api/v1/namespaces/{namespace}/pods"
    (pod,) = wait_for(lambda: send(plane.admin, "GET", pods).checked()["items"], "the Deployment has a pod")
    assert env_of(pod) == wanted


def test_a_cluster_with_token_authentication_gives_its_clients_the_secret(plane: ControlPlane) -> None:
    namespace = plane.create_namespace("target-token")
    spec = targets.cluster_spec() | {"authOptions": {"mode": "token"}}
    plane.apply([targets.cluster(namespace, "train", spec)])
    *env, alias = client_env(f"train-head-svc.{namespace}.svc.cluster.local", namespace=None)
    reference = {"secretKeyRef": {"name": "train", "key": "auth_token"}}
    token = [*entries(RAY_AUTH_MODE="token"), {"name": "RAY_AUTH_TOKEN", "valueFrom": reference}]
    in_force_soon(plane, namespace, [*env, *token, alias], cluster="train")


def test_a_cluster_of_another_namespace_can_be_named_where_a_line_allows_it(plane: ControlPlane) -> None:
    """The line in the cluster-wide settings is: team-a -> seedcore-dev/seedcore."""
    for namespace, labels in (("team-a", {"ray.seedcore.io/default-role": "client"}), ("seedcore-dev", {})):
        plane.create_namespace(namespace, labels)
    plane.apply([targets.cluster("seedcore-dev", "seedcore", targets.cluster_spec(head_service="entrance"))])
    wanted = client_env("entrance.seedcore-dev.svc.cluster.local", namespace=None)
    in_force_soon(plane, "team-a", wanted, cluster="seedcore-dev/seedcore")
    for name in ("seedcore-dev/other", "team-b/seedcore"):
        answer = create(plane, workloads.pod("team-a", role="client", cluster=name))
        assert (answer.status, "RAY304" in answer.body["message"]) == (403, True)
    send(plane.admin, "DELETE", targets.path(targets.cluster("seedcore-dev", "seedcore", {}))).checked()


def test_kuberays_own_pod_gets_the_connection_of_its_own_cluster(plane: ControlPlane) -> None:
    namespace = plane.create_namespace("target-own")
    plane.apply([targets.cluster(namespace, "train", targets.cluster_spec(head_service="entrance", dashboard=9265))])
    host = f"entrance.{namespace}.svc.cluster.local"
    in_force_soon(plane, namespace, client_env(host, dashboard=9265, namespace=None), cluster="train")
    operator = entries(KUBERAY_GEN_RAY_START_CMD="ray start --head --port=6379", RAY_ADDRESS="127.0.0.1:6379")
    head = workloads.pod(namespace, env=operator, role="head")
    head["metadata"]["labels"] = {
        "ray.io/node-type": "head",
        "ray.io/cluster": "train",
        "app.kubernetes.io/created-by": "kuberay-operator",
    }
    found = {entry["name"]: entry["value"] for entry in env_of(create(plane, head).checked())}
    assert found["RAY_ADDRESS"] == "127.0.0.1:6379"
    assert (found["RAY_HOST"], found["RAY_DASHBOARD_URL"]) == (host, f"http://{host}:9265")


def test_a_recorded_cluster_of_the_operator_is_read_as_it_is(plane: ControlPlane) -> None:
    namespace = plane.create_namespace("target-recorded")
    recorded = json.loads((FIXTURES / "objects" / "raycluster-default.json").read_text(encoding="utf-8"))
    made = copy.deepcopy(recorded) | {"metadata": {"namespace": namespace, "name": "seedcore"}}
    plane.apply([made])
    wanted = client_env(f"seedcore-head-svc.{namespace}.svc.cluster.local", namespace=None)
    in_force_soon(plane, namespace, wanted, cluster="seedcore")


@pytest.mark.parametrize("spec", [{}, {"headGroupSpec": "none"}, {"headGroupSpec": {"headService": {"metadata": 7}}}])
def test_a_spec_of_any_shape_leaves_the_names_that_kuberay_would_give(
    plane: ControlPlane, spec: dict[str, Any]
) -> None:
    namespace = plane.create_namespace("target-malformed")
    plane.apply([targets.cluster(namespace, "train", spec)])
    wanted = client_env(f"train-head-svc.{namespace}.svc.cluster.local", namespace=None)
    in_force_soon(plane, namespace, wanted, cluster="train")
    send(plane.admin, "DELETE", targets.path(targets.cluster(namespace, "train", {}))).checked()
    in_force_soon(plane, namespace, wanted, "RAY402", cluster="train")
