"""What the webhook lets through, the guard lets through: every recorded pod, and hundreds that meet in odd ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import Answer, send
from tests.control_plane.process import wait_for
from tests.e2e import installation, workloads
from tests.e2e.expected import CLUSTER_WIDE
from tests.e2e.policies.conftest import away
from tests.e2e.policies.support import in_namespace, policies_of, told, try_out, wait_until_told
from tests.e2e.support import env_of, next_host, pods_of
from tests.injection.case import Case
from tests.injection.strategies import LISTS, cases
from tests.injection.support import ENV_FROM, FROM_FIELD, container, kuberay_pod, pod
from tests.service import FIXTURES, recorded, running_service

pytestmark = pytest.mark.e2e

GUARD = "ray-webhook-guard"
RECORDED = sorted(path.stem for path in (FIXTURES / "reviews").glob("*.json"))
DENIED = {"cluster-wide": {"pod-bad-role"}, "built-in": {"pod-bad-role", "job-client-jobs-connect"}}
"""By the webhook itself; without settings, nothing allows a cluster of another namespace."""
NAMESPACES = {
    "seedcore-dev": {},
    "team-a": {"ray.seedcore.io/default-role": "client"},
    "team-off": {"ray.seedcore.io/injection": "disabled"},
}


@pytest.fixture(scope="module", autouse=True)
def answering(policed: ControlPlane, certificates: Path) -> Iterator[None]:
    """The service answers, and goes away again."""
    for name, labels in NAMESPACES.items():
        policed.create_namespace(name, labels)
    policed.apply([workloads.workload("Deployment", "apps", "waiting", role="client")])
    wait_for(lambda: failed_to_create(policed), "the guard refuses the Deployment's pods")
    flags = installation.flags(policed, certificates)
    with running_service(certificates.parent, *flags, settings=None) as service:
        port = int(service.url.rpartition(":")[2])
        installation.connect(policed, port, (certificates / "ca.crt").read_bytes())
        wait_for(lambda: next_host_or_none(policed), "the API server calls the webhook")
        yield
        away(policed, certificates)
        wait_until_told(policed, in_namespace(pod("client")), ["RAY311"], 403)


def failed_to_create(plane: ControlPlane) -> bool:
    """Whether the Deployment's own status tells of the refusal."""
    status = send(plane.admin, "GET", "/apis/apps/v1/namespaces/apps/deployments/waiting").checked().get("status", {})
    return any("RAY311" in condition["message"] for condition in status.get("conditions", ()))


def test_a_pod_that_had_to_wait_is_made_when_its_controller_meets_the_webhook(policed: ControlPlane) -> None:
    (made,) = pods_of(policed, "apps", 1, selector="app=waiting")
    assert "RAY_ADDRESS" in [entry["name"] for entry in env_of(made)]


def next_host_or_none(plane: ControlPlane) -> str | None:
    """The host that a client would get, or None while the guard still refuses it."""
    made = try_out(plane, workloads.pod("apps", role="client"))
    return next_host(plane, "apps") if made.status == 201 else None


@pytest.fixture(params=["cluster-wide", "built-in"])
def known(request: pytest.FixtureRequest, policed: ControlPlane) -> Iterator[str]:
    """With settings for everybody, and with none, where the built-in ones act as keep."""
    source: str = request.param
    if source == "cluster-wide":
        policed.apply([workloads.settings(installation.NAMESPACE, **CLUSTER_WIDE)])
    wait_for(lambda: (next_host(policed, "apps") == "seedcore-head-svc") is (source == "built-in"), source)
    yield source
    if source == "cluster-wide":
        path = f"/api/v1/namespaces/{installation.NAMESPACE}/configmaps/ray-settings"
        send(policed.admin, "DELETE", path).checked()


@pytest.mark.parametrize("name", [name for name in RECORDED if recorded(name)["request"]["operation"] == "CREATE"])
def test_a_recorded_pod(policed: ControlPlane, known: str, name: str) -> None:
    request = recorded(name)["request"]
    answer = try_out(policed, in_namespace(request["object"], request["namespace"]))
    assert policies_of(answer) == []
    assert (answer.status == 403) is (name in DENIED[known])


ADDRESSES: list[Any] = ["ray://other:10001", "ray://", "", "http://other:8265", "auto", FROM_FIELD]


@pytest.mark.parametrize("mode", [None, "keep"])
@pytest.mark.parametrize(
    ("role", "namespace"), [(None, "team-a"), ("client", "apps"), ("head", "apps"), ("worker", "apps")]
)
def test_a_pod_that_declares_an_address(
    policed: ControlPlane, known: str, role: str | None, mode: str | None, namespace: str
) -> None:
    """In each place and each way; the webhook itself may refuse it under deny."""
    written = {"on-conflict": mode} if mode else {}
    for address in ADDRESSES:
        for made in (
            pod(role, env=[("RAY_ADDRESS", address)], annotations=written),
            pod(role, env=[("RAY_ADDRESS", address)], env_from=ENV_FROM, annotations=written),
            pod(role, env=[("RAY_ADDRESS", address), ("RAY_ADDRESS", "auto")], annotations=written),
            pod(role, container(env=[("RAY_ADDRESS", "auto"), ("RAY_ADDRESS", address)]), annotations=written),
            pod(role, init=[container("init", [("RAY_ADDRESS", address)])], annotations=written),
            pod(role, container("skipped", [("RAY_ADDRESS", address)]), container("app"),
                annotations=written | {"skip-containers": "skipped"}),
            kuberay_pod("head", role, env=[("RAY_ADDRESS", address)], annotations=written),
            kuberay_pod("worker", role, wait=[("RAY_ADDRESS", address)], annotations=written),
        ):  # fmt: skip
            assert_passes(try_out(policed, in_namespace(made, namespace)), made)


def assert_passes(answer: Answer, made: dict[str, Any]) -> None:
    """The guard did not refuse the pod; the API server, or the webhook itself, may."""
    assert GUARD not in policies_of(answer), (told(answer), answer.body.get("message"), made)


OUTCOMES: Counter[int] = Counter()


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=cases(more=LISTS))
def test_a_pod_of_the_cores_own_tests(policed: ControlPlane, known: str, case: Case) -> None:
    namespace = "team-a" if case.default_role else "apps"
    answer = try_out(policed, in_namespace(valid(case.pod), namespace))
    OUTCOMES[answer.status] += 1
    assert_passes(answer, case.pod)


def valid(made: dict[str, Any]) -> dict[str, Any]:
    """The pod without what the API server refuses of any pod."""
    spec = {key: value for key, value in made["spec"].items() if key in ("containers", "initContainers")}
    for number, item in enumerate([*spec["containers"], *(spec.get("initContainers") or [])]):
        item["name"] = item["name"] if str(item["name"]).isascii() and number == 0 else f"more-{number}"
        item["env"] = [
            entry for entry in item.get("env") or () if entry.get("valueFrom") is None or not entry.get("value")
        ]
        item.pop("newerField", None)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": made["metadata"], "spec": spec}


def test_most_of_them_were_pods_that_a_cluster_takes() -> None:
    """Without this, the test above would prove little."""
    assert OUTCOMES[201] > OUTCOMES.total() / 2
