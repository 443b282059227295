"""The whole seed: SeedCore's workloads before the migration and after it, with webhook and policies installed.

KubeRay's operator is stood in for; everything else is real: the shipped overlay and examples, applied by kubectl.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.fixtures import running
from tests.control_plane.objects import send
from tests.control_plane.process import wait_for
from tests.deploy.rendering import Combination, kustomization
from tests.e2e import installation, kuberay, targets
from tests.e2e.support import create, next_host, pods_of
from tests.service import RunningService, running_service

pytestmark = pytest.mark.e2e

Object = dict[str, Any]
Env = dict[str, str]

EXAMPLES: Final = installation.BASE.parents[1] / "examples" / "seedcore"
NAMESPACE: Final = "seedcore-dev"
CLUSTER: Final = f"/apis/ray.io/v1/namespaces/{NAMESPACE}/rayclusters/seedcore"
HEAD_SERVICE: Final = f"seedcore-head-svc.{NAMESPACE}.svc.cluster.local"
REVISION: Final = "deployment.kubernetes.io/revision"
HASH: Final = "pod-template-hash"
RAY_VARIABLE: Final = re.compile(
    r"RAY_(ADDRESS|HOST|PORT|SERVE_URL|DASHBOARD_URL|NAMESPACE|SERVE_ADDRESS|DASHBOARD_ADDRESS|API_SERVER_ADDRESS)"
    r"|SEEDCORE_.*|SERVE_GATEWAY|GRPC_.*"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """An example in the cluster: what kubectl said on stderr, and the env of the Ray container or the only one."""

    said: str
    api: Env
    serve: Env
    head: Env
    worker: Env
    waiting: Env
    """Of the worker's init container wait-gcs-ready."""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A cluster of its own, with KubeRay's kinds, the webhook of the overlay dev, and the policies."""
    folder = tmp_path_factory.mktemp("seedcore")
    with running(folder / "plane") as plane:
        plane.apply(targets.definitions())
        installed = Combination(overlay="dev", components=("guard", "manifest-policy"))
        plane.kubectl("apply", "--server-side", "-k", str(kustomization(folder / "installed", installed)))
        plane.wait_for_namespace(installation.NAMESPACE)
        yield plane


@pytest.fixture(scope="module")
def service(plane: ControlPlane, certificates: Path) -> Iterator[RunningService]:
    """The webhook at work."""
    with running_service(certificates.parent, *installation.flags(plane, certificates), settings=None) as service:
        port = int(service.url.rpartition(":")[2])
        installation.connect(plane, port, (certificates / "ca.crt").read_bytes())
        wait_for(lambda: next_host(plane, "default") == f"seedcore-head-svc.{NAMESPACE}", "the webhook is called")
        yield service


@pytest.fixture(scope="module")
def before(plane: ControlPlane, service: RunningService) -> Applied:
    return applied(plane, "before")


@pytest.fixture(scope="module")
def after(plane: ControlPlane, before: Applied) -> Applied:
    """Applied over what was there before."""
    return applied(plane, "after")


def applied(plane: ControlPlane, example: str) -> Applied:
    """Apply an example as its README says, and let KubeRay's stand-in make the RayCluster's pods."""
    said = plane.kubectl("apply", "-k", str(EXAMPLES / example / "overlays" / "dev")).stderr
    plane.wait_for_namespace(NAMESPACE)
    cluster = send(plane.admin, "GET", CLUSTER).checked()
    head, worker, *_ = [create(plane, pod).checked() for pod in kuberay.pods_of(cluster)]
    return Applied(
        said=said,
        api=env(pod_of(plane, "seedcore-api")),
        serve=env(pod_of(plane, "seedcore-serve")),
        head=env(head),
        worker=env(worker),
        waiting=env(worker, "initContainers"),
    )


def pod_of(plane: ControlPlane, deployment: str) -> Object:
    """The pod of a Deployment's template as it is now; one of an older template may still be there."""
    found = wait_for(lambda: template_hash(plane, deployment), f"{deployment} has a ReplicaSet of its newest template")
    (pod,) = pods_of(plane, NAMESPACE, 1, selector=f"app={deployment},pod-template-hash={found}")
    return pod


def template_hash(plane: ControlPlane, deployment: str) -> str | None:
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}"
    made = send(plane.admin, "GET", f"{path}/deployments/{deployment}").checked()
    if made.get("status", {}).get("observedGeneration") != made["metadata"]["generation"]:
        return None
    listed = send(plane.admin, "GET", f"{path}/replicasets", query={"labelSelector": f"app={deployment}"}).checked()
    hashes = {item["metadata"]["annotations"][REVISION]: item["metadata"]["labels"][HASH] for item in listed["items"]}
    newest: str | None = hashes.get(made["metadata"]["annotations"].get(REVISION))
    return newest


def entries(pod: Object, field: str = "containers") -> list[Object]:
    listed: list[Object] = pod["spec"][field][0].get("env", [])
    return listed


def env(pod: Object, field: str = "containers") -> Env:
    """The Ray settings of a pod's first container, without what SeedCore or KubeRay declare of other things."""
    return {
        entry["name"]: entry.get("value", "") for entry in entries(pod, field) if RAY_VARIABLE.fullmatch(entry["name"])
    }


def client(host: str) -> Env:
    """What the API and the Serve application get where `host` is the head's Service."""
    serve, dashboard = f"http://{host}:8000", f"http://{host}:8265"
    return {
        "RAY_HOST": host,
        "RAY_PORT": "10001",
        "RAY_SERVE_URL": serve,
        "RAY_DASHBOARD_URL": dashboard,
        "RAY_NAMESPACE": NAMESPACE,
        "SEEDCORE_RAY_ROLE": "client",
        "RAY_ADDRESS": f"ray://{host}:10001",
        "RAY_SERVE_ADDRESS": serve,
        "RAY_DASHBOARD_ADDRESS": dashboard,
        "RAY_API_SERVER_ADDRESS": dashboard,
    }


def node(role: str) -> Env:
    """What a head or worker gets; its envFrom may bring anything, so all is explicit."""
    serve, dashboard = f"http://{HEAD_SERVICE}:8000", f"http://{HEAD_SERVICE}:8265"
    return {
        "RAY_HOST": HEAD_SERVICE,
        "RAY_PORT": "6379",  # KubeRay's own
        "RAY_SERVE_URL": serve,
        "RAY_DASHBOARD_URL": dashboard,
        "SEEDCORE_RAY_ROLE": role,
        "RAY_ADDRESS": "127.0.0.1:6379" if role == "head" else f"{HEAD_SERVICE}:6379",
        "RAY_SERVE_ADDRESS": serve,
        "RAY_DASHBOARD_ADDRESS": "http://127.0.0.1:8265" if role == "head" else dashboard,
        "RAY_API_SERVER_ADDRESS": "",
        **({"GRPC_ENABLE_FORK_SUPPORT": "0"} if role == "head" else {}),
    }


OWN: Final[Env] = {"RAY_NAMESPACE": NAMESPACE, "SEEDCORE_NS": NAMESPACE}
"""By the settings of the namespace itself: the Ray namespace, and the name that SeedCore has for it."""


def test_before_the_migration_each_manifest_is_warned_about(before: Applied) -> None:
    told = re.findall(r"Warning: .*?(RAY\d+): the pod template of (\w+ [\w/-]+)", before.said)
    assert sorted(told) == [
        ("RAY604", f"Deployment {NAMESPACE}/seedcore-api"),
        ("RAY604", f"Deployment {NAMESPACE}/seedcore-serve"),
        ("RAY604", f"RayCluster {NAMESPACE}/seedcore"),
    ]


def test_before_the_migration_each_pod_is_mended(before: Applied) -> None:
    """Clients by the cluster-wide settings, head and worker by their RayCluster, which knows of no Ray namespace."""
    host = f"seedcore-head-svc.{NAMESPACE}"
    assert before.api == client(host)
    assert before.serve == client(host) | {"SERVE_GATEWAY": "http://seedcore-svc-head-svc:8000"}
    assert before.head == node("head")
    assert before.worker == node("worker")
    assert before.waiting == {}


def test_after_the_migration_nothing_is_warned_about(after: Applied) -> None:
    assert after.said == ""


def test_after_the_migration_each_pod_has_its_roles_env_from_the_one_file(after: Applied) -> None:
    own = client("seedcore-head-svc")
    assert after.api == after.serve == own | {"SERVE_GATEWAY": own["RAY_SERVE_URL"], **OWN}
    gateway = {"SERVE_GATEWAY": node("head")["RAY_SERVE_URL"]}
    assert after.head == node("head") | gateway | OWN
    assert after.worker == node("worker") | gateway | OWN
    assert after.waiting == {}


def test_after_the_migration_what_refers_to_an_injected_variable_stands_behind_it(
    plane: ControlPlane, after: Applied
) -> None:
    names = [entry["name"] for entry in entries(pod_of(plane, "seedcore-serve"))]
    assert names.index("SERVE_GATEWAY") < names.index("HEALTH_URL")
