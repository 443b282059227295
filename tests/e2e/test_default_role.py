"""Namespaces whose default role is client: the label is read by the API server, and told to the webhook by the path."""

from __future__ import annotations

from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.e2e import workloads
from tests.e2e.expected import client_env, entries, node_env
from tests.e2e.support import MERGE, create, env_of, pods_of, reviews_received, seconds_until
from tests.service import RunningService

pytestmark = pytest.mark.e2e

DEFAULT_CLIENT = {"ray.seedcore.io/default-role": "client"}


@pytest.fixture(scope="module")
def namespace(plane: ControlPlane, service: RunningService) -> str:
    return plane.create_namespace("default-role", DEFAULT_CLIENT)


def test_a_pod_without_a_role_becomes_a_client(plane: ControlPlane, namespace: str) -> None:
    assert env_of(create(plane, workloads.pod(namespace)).checked()) == client_env()


def test_the_pods_of_a_workload_without_a_role_become_clients(plane: ControlPlane, namespace: str) -> None:
    plane.apply([workloads.workload("Deployment", namespace, "web")])
    (pod,) = pods_of(plane, namespace, 1, selector="app=web")
    assert env_of(pod) == client_env()


def test_a_pod_that_never_opted_in_keeps_what_it_declares(plane: ControlPlane, namespace: str) -> None:
    """What is derived from it follows: on-conflict defaults to keep there."""
    made = create(plane, workloads.pod(namespace, env=entries(RAY_HOST="mine"))).checked()
    declared, *rest = env_of(made)
    wanted, *derived = client_env("mine")
    assert (declared, rest) == (wanted, derived)


def test_a_role_on_the_pod_beats_the_namespaces(plane: ControlPlane, namespace: str) -> None:
    assert env_of(create(plane, workloads.pod(namespace, role="worker")).checked()) == node_env("worker")


def test_a_pod_of_role_none_is_left_alone(plane: ControlPlane, namespace: str) -> None:
    answer = create(plane, workloads.pod(namespace, role="none"))
    assert (env_of(answer.checked()), answer.warnings) == ([], ())


@pytest.mark.parametrize("command", [["ray", "start", "--head"], ["sh", "-c", "ulimit -n 65536; ray  start --block"]])
def test_a_pod_that_starts_ray_is_left_alone_with_a_warning(
    plane: ControlPlane, namespace: str, command: list[str]
) -> None:
    starter = workloads.pod(namespace)
    starter["spec"]["containers"][0]["command"] = command
    answer = create(plane, starter)
    assert env_of(answer.checked()) == []
    assert [warning.partition(":")[0] for warning in answer.warnings] == ["RAY408"]
    assert "ray.seedcore.io/role" in answer.warnings[0]


@pytest.mark.parametrize("written", [{}, {"role": "client"}, {"role": "none"}], ids=["unset", "client", "none"])
def test_a_pod_is_sent_once_whichever_entry_takes_it(
    plane: ControlPlane, service: RunningService, namespace: str, written: dict[str, str]
) -> None:
    before = reviews_received(service)
    create(plane, workloads.pod(namespace, **written)).checked()
    assert reviews_received(service) == before + 1


def test_a_pod_of_kuberay_is_no_client_there(plane: ControlPlane, namespace: str) -> None:
    head: dict[str, Any] = workloads.pod(namespace, env=entries(KUBERAY_GEN_RAY_START_CMD="ray start --head"))
    head["metadata"]["labels"] = {
        "ray.io/node-type": "head",
        "ray.io/cluster": "train",
        "app.kubernetes.io/created-by": "kuberay-operator",
    }
    assert env_of(create(plane, head).checked()) == entries(KUBERAY_GEN_RAY_START_CMD="ray start --head")


def test_the_label_counts_from_the_moment_it_is_set_until_it_is_removed(
    plane: ControlPlane, service: RunningService
) -> None:
    """Nothing in the webhook follows namespaces, so nothing can be late by more than the API server's own cache."""
    namespace = plane.create_namespace("becomes-default")
    path = f"/api/v1/namespaces/{namespace}"
    for labels, wanted in (({}, []), (DEFAULT_CLIENT, client_env()), (dict.fromkeys(DEFAULT_CLIENT), [])):
        send(plane.admin, "PATCH", path, {"metadata": {"labels": labels}}, content_type=MERGE).checked()
        waited = seconds_until(lambda: env_of(create(plane, workloads.pod(namespace), dry_run=True).checked()), wanted)
        assert waited < 1
