"""ConfigMaps ray-settings: in force within a second of the API server's answer, and what is told of a broken one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.control_plane.process import wait_for
from tests.e2e import installation, workloads
from tests.e2e.expected import CLUSTER_WIDE, HOST, client_env, entries
from tests.e2e.support import create, env_of, metrics, next_env, next_pod, pods_of, seconds_until
from tests.service import RunningService

pytestmark = pytest.mark.e2e

BUILT_IN = "seedcore-head-svc"


@pytest.fixture
def namespace(plane: ControlPlane, service: RunningService, request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own, without settings."""
    number = request.session.items.index(request.node)
    return plane.create_namespace(f"settings-{number}")


@pytest.fixture
def cluster_wide(plane: ControlPlane, service: RunningService) -> Iterator[str]:
    """The webhook's own namespace; its settings are put back in the end."""
    yield installation.NAMESPACE
    put(plane, installation.NAMESPACE, **CLUSTER_WIDE)
    seconds_until(lambda: next_env(plane, "default"), client_env())


def put(plane: ControlPlane, namespace: str, **data: str) -> dict[str, Any]:
    (made,) = plane.apply([workloads.settings(namespace, **data)])
    return made


def delete(plane: ControlPlane, namespace: str) -> None:
    send(plane.admin, "DELETE", f"/api/v1/namespaces/{namespace}/configmaps/ray-settings").checked()


def in_force_soon(plane: ControlPlane, namespace: str, wanted: list[dict[str, Any]]) -> None:
    """What the next client would get is `wanted` within a second, and the next one that is created has it."""
    assert seconds_until(lambda: next_env(plane, namespace), wanted) < 1
    assert env_of(create(plane, workloads.pod(namespace, role="client")).checked()) == wanted


def broken(namespace: str, key: str) -> str:
    """The sample of the metric for one broken key."""
    return f'ray_webhook_settings_broken_key{{config_map="{namespace}/ray-settings",key="{key}"}} 1.0'


def told(plane: ControlPlane, namespace: str) -> dict[str, Any] | None:
    """The Event beside the ConfigMap."""
    answer = send(plane.admin, "GET", f"/api/v1/namespaces/{namespace}/events/ray-settings.ray-webhook")
    return answer.body if answer.status == 200 else None


def telling(plane: ControlPlane, namespace: str, reason: str) -> dict[str, Any]:
    """The Event, once it says `reason`."""

    def found() -> dict[str, Any] | None:
        event = told(plane, namespace)
        return event if event and event["reason"] == reason else None

    return wait_for(found, f"an Event in {namespace} says {reason}")


def test_settings_of_a_namespace_are_in_force_from_creation_to_deletion(plane: ControlPlane, namespace: str) -> None:
    in_force_soon(plane, namespace, client_env())
    put(plane, namespace, RAY_HOST="first-head", RAY_NAMESPACE="first")
    in_force_soon(plane, namespace, client_env("first-head", namespace="first"))
    put(plane, namespace, RAY_HOST="second-head.other", RAY_PORT="20001", RAY_NAMESPACE="second")
    in_force_soon(plane, namespace, client_env("second-head.other", port=20001, namespace="second"))
    delete(plane, namespace)
    in_force_soon(plane, namespace, client_env())


def test_settings_of_a_namespace_are_nobody_elses(plane: ControlPlane, namespace: str) -> None:
    other = plane.create_namespace(f"{namespace}-other")
    put(plane, namespace, RAY_HOST="mine", RAY_NAMESPACE="mine")
    in_force_soon(plane, namespace, client_env("mine", namespace="mine"))
    assert next_env(plane, other) == client_env()


def test_settings_without_a_host_override_single_keys(plane: ControlPlane, namespace: str) -> None:
    put(plane, namespace, RAY_NAMESPACE="mine")
    in_force_soon(plane, namespace, client_env(namespace="mine"))


def test_the_pods_of_a_deployment_get_what_is_in_force_when_they_are_created(
    plane: ControlPlane, namespace: str
) -> None:
    plane.apply([workloads.workload("Deployment", namespace, "web", role="client")])
    (old,) = pods_of(plane, namespace, 1)
    put(plane, namespace, RAY_HOST="moved", RAY_NAMESPACE="moved")
    assert seconds_until(lambda: next_env(plane, namespace), client_env("moved", namespace="moved")) < 1
    plane.kubectl("scale", "--namespace", namespace, "--replicas=2", "deployment/web")
    env = {pod["metadata"]["name"]: env_of(pod) for pod in pods_of(plane, namespace, 2)}
    assert env.pop(old["metadata"]["name"]) == client_env()
    assert list(env.values()) == [client_env("moved", namespace="moved")]


def test_a_configmap_of_another_name_is_not_looked_at(plane: ControlPlane, namespace: str) -> None:
    other = workloads.settings(namespace, RAY_HOST="other")
    other["metadata"]["name"] = "seedcore-env"
    plane.apply([other])
    put(plane, namespace, RAY_HOST="mine", RAY_NAMESPACE="mine")
    in_force_soon(plane, namespace, client_env("mine", namespace="mine"))


def test_broken_settings_change_nothing_and_are_told_until_they_are_mended(
    plane: ControlPlane, service: RunningService, namespace: str
) -> None:
    put(plane, namespace, RAY_HOST="good", RAY_NAMESPACE="mine")
    in_force_soon(plane, namespace, client_env("good", namespace="mine"))
    put(plane, namespace, RAY_HOST="changed", RAY_NAMESPACE="mine", RAY_PORT="99999")
    assert seconds_until(lambda: broken(namespace, "RAY_PORT") in metrics(service), True) < 1
    in_force_soon(plane, namespace, client_env("good", namespace="mine"))
    event = telling(plane, namespace, "RaySettingsBroken")
    source, name = f"ConfigMap {namespace}/ray-settings", "settings broken, the last good ones stay"
    (line,) = wait_for(lambda: [line for line in service.events(name) if line["source"] == source], "it is in the log")
    for text in (event["message"], line["message"]):
        assert text.startswith('RAY_PORT is "99999"; allowed: a port of 1-65535')
    put(plane, namespace, RAY_HOST="changed", RAY_NAMESPACE="mine", RAY_PORT="20001")
    in_force_soon(plane, namespace, client_env("changed", port=20001, namespace="mine"))
    assert broken(namespace, "RAY_PORT") not in metrics(service)
    assert telling(plane, namespace, "RaySettingsGood")["type"] == "Normal"


def test_the_event_is_beside_its_configmap_for_kubectl(plane: ControlPlane, namespace: str) -> None:
    made = put(plane, namespace, RAY_HOST="a b")
    event = telling(plane, namespace, "RaySettingsBroken")
    assert event["type"] == "Warning"
    for key in ("uid", "name", "namespace"):
        assert event["involvedObject"][key] == made["metadata"][key]
    shown = plane.kubectl("events", "--namespace", namespace, "--for", "configmap/ray-settings").stdout
    assert "RaySettingsBroken" in shown
    assert 'RAY_HOST is "a b"' in shown
    described = plane.kubectl("describe", "--namespace", namespace, "configmap/ray-settings").stdout
    assert "RaySettingsBroken" in described


def test_broken_settings_that_were_never_good_deny_the_clients_that_need_them(
    plane: ControlPlane, namespace: str
) -> None:
    """They never fall through to the cluster-wide ones; heads and workers get the valid keys."""
    put(plane, namespace, RAY_HOST="mine", RAY_PORT="none", RAY_NAMESPACE="mine")
    telling(plane, namespace, "RaySettingsBroken")
    answer = create(plane, workloads.pod(namespace, role="client"))
    assert answer.status == 403
    for part in ("RAY310", f"ConfigMap {namespace}/ray-settings", "RAY_PORT", "none"):
        assert part in answer.body["message"]
    worker = next_pod(plane, namespace, role="worker")
    assert entries(RAY_HOST="mine")[0] in env_of(worker)


def test_deleting_broken_settings_ends_what_they_did(
    plane: ControlPlane, service: RunningService, namespace: str
) -> None:
    put(plane, namespace, RAY_HOST="a b")
    assert seconds_until(lambda: broken(namespace, "RAY_HOST") in metrics(service), True) < 1
    delete(plane, namespace)
    client = workloads.pod(namespace, role="client")
    assert seconds_until(lambda: create(plane, client, dry_run=True).status, 201) < 1
    in_force_soon(plane, namespace, client_env())
    assert broken(namespace, "RAY_HOST") not in metrics(service)


def test_an_address_among_the_settings_is_ignored_and_told(plane: ControlPlane, namespace: str) -> None:
    put(plane, namespace, RAY_HOST="mine", RAY_NAMESPACE="mine", RAY_ADDRESS="ray://else:1")
    in_force_soon(plane, namespace, client_env("mine", namespace="mine"))
    assert "RAY_ADDRESS" in telling(plane, namespace, "RaySettingsKeyIgnored")["message"]


def test_the_cluster_wide_settings_are_in_force_from_creation_to_deletion(
    plane: ControlPlane, namespace: str, cluster_wide: str
) -> None:
    put(plane, cluster_wide, **(CLUSTER_WIDE | {"RAY_HOST": "moved.seedcore-dev"}))
    in_force_soon(plane, namespace, client_env("moved.seedcore-dev"))
    delete(plane, cluster_wide)
    *built_in, _alias = client_env(BUILT_IN)
    in_force_soon(plane, namespace, built_in)
    answer = create(plane, workloads.pod(namespace, role="client"))
    assert [warning.partition(":")[0] for warning in answer.warnings] == ["RAY401"]
    put(plane, cluster_wide, **CLUSTER_WIDE)
    in_force_soon(plane, namespace, client_env())


def test_broken_cluster_wide_settings_change_nothing_and_are_told(
    plane: ControlPlane, service: RunningService, namespace: str, cluster_wide: str
) -> None:
    put(plane, cluster_wide, **(CLUSTER_WIDE | {"RAY_HOST": "http://moved"}))
    assert seconds_until(lambda: broken(cluster_wide, "RAY_HOST") in metrics(service), True) < 1
    in_force_soon(plane, namespace, client_env(HOST))
    assert "RAY_HOST" in telling(plane, cluster_wide, "RaySettingsBroken")["message"]
    put(plane, cluster_wide, **(CLUSTER_WIDE | {"RAY_HOST": "mended"}))
    in_force_soon(plane, namespace, client_env("mended"))
    assert telling(plane, cluster_wide, "RaySettingsGood")
