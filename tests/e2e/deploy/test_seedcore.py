"""The whole seed: SeedCore's workloads before the migration and after it, with webhook and policies installed.

The migration is done by hand, as in the example, and by ``ray-webhook lint --fix``: with the cluster-wide settings
given, which hold for these pods before, and without them, so that the files' own values become the namespace's.
KubeRay's operator is stood in for; everything else is real: the shipped overlay and examples, applied by kubectl.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.fixtures import running
from tests.control_plane.objects import send
from tests.control_plane.process import wait_for
from tests.deploy.rendering import KUSTOMIZE, Combination, kustomization, rendered
from tests.e2e import installation, kuberay, targets
from tests.e2e.support import create, next_host, pods_of
from tests.service import RunningService, run_command, running_service

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
    whole: dict[str, Env]
    """Everything that the API's and the Serve application's container have, with what envFrom brings."""


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
    return applied(plane, EXAMPLES / "before")


@pytest.fixture(scope="module")
def fixed(plane: ControlPlane, before: Applied, tmp_path_factory: pytest.TempPathFactory) -> Applied:
    """Applied over what was there before: what --fix makes of it where the cluster-wide settings are given."""
    settings = KUSTOMIZE / "overlays" / "dev" / "settings.env"
    return applied(plane, fixed_copy(tmp_path_factory.mktemp("fixed"), "--settings", str(settings)))


@pytest.fixture(scope="module")
def moved(plane: ControlPlane, fixed: Applied, tmp_path_factory: pytest.TempPathFactory) -> Applied:
    """Applied over that: what --fix makes of the files alone, whose own values become the namespace's settings."""
    return applied(plane, fixed_copy(tmp_path_factory.mktemp("moved")), restart=True)


@pytest.fixture(scope="module")
def after(plane: ControlPlane, moved: Applied) -> Applied:
    """Applied over that: what was done by hand."""
    return applied(plane, EXAMPLES / "after", restart=True)


def fixed_copy(folder: Path, *flags: str) -> Path:
    """A copy of what was there before, migrated by one command; lint has nothing to say about it any more."""
    copy = Path(shutil.copytree(EXAMPLES / "before", folder / "seedcore"))
    done = run_command("lint", "--fix", *flags, str(copy))
    assert done.returncode == 0, done.stdout + done.stderr
    again = run_command("lint", *flags, str(copy))
    assert again.returncode == 0, again.stdout
    return copy


def applied(plane: ControlPlane, example: Path, *, restart: bool = False) -> Applied:
    """Apply an example as its README says, and let KubeRay's stand-in make the RayCluster's pods.

    Args:
        restart: whether templates may be what they were, so that only a restart makes new pods.
    """
    said = plane.kubectl("apply", "-k", str(example / "overlays" / "dev")).stderr
    plane.wait_for_namespace(NAMESPACE)
    if restart:
        plane.kubectl("rollout", "restart", "deployment", "-n", NAMESPACE)
    cluster = send(plane.admin, "GET", CLUSTER).checked()
    head, worker, *_ = [create(plane, pod).checked() for pod in kuberay.pods_of(cluster)]
    api, serve = pod_of(plane, "seedcore-api"), pod_of(plane, "seedcore-serve")
    return Applied(
        said=said,
        api=env(api),
        serve=env(serve),
        whole={"api": whole_env(plane, api), "serve": whole_env(plane, serve)},
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


def whole_env(plane: ControlPlane, pod: Object) -> Env:
    """What a kubelet would give the container: envFrom, then env with its references filled in."""
    (container,) = pod["spec"]["containers"]
    found: Env = {}
    for entry in container["envFrom"]:
        path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{entry['configMapRef']['name']}"
        found |= send(plane.admin, "GET", path).checked().get("data", {})
    for entry in container.get("env", []):
        value = entry.get("value", "")
        found[entry["name"]] = re.sub(r"\$\((\w+)\)", lambda match: found.get(match[1], match[0]), value)
    return found


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


def test_a_migration_by_lint_with_the_clusters_settings_leaves_every_clients_env_as_it_was(
    before: Applied, fixed: Applied
) -> None:
    assert fixed.said == ""
    assert fixed.whole == before.whole


def test_a_migration_by_lint_leaves_head_and_worker_what_kuberay_gave_them(fixed: Applied, moved: Applied) -> None:
    """And the Ray namespace, which their envFrom brought, comes from the namespace's own settings."""
    own = {"RAY_NAMESPACE": NAMESPACE}
    for migrated in (fixed, moved):
        assert migrated.head == node("head") | own
        assert migrated.worker == node("worker") | own
        assert migrated.waiting == {}


def test_a_migration_by_lint_of_the_files_alone_makes_their_values_the_namespaces_settings(
    before: Applied, moved: Applied
) -> None:
    """The same Service by its short name, which is what the files say; the full one was the cluster-wide settings'."""
    assert moved.said == ""
    assert moved.api == client("seedcore-head-svc")
    full, short = f"seedcore-head-svc.{NAMESPACE}", "seedcore-head-svc"
    assert moved.whole == {
        name: {variable: value.replace(full, short) for variable, value in env.items()}
        for name, env in before.whole.items()
    }


@pytest.mark.parametrize("flags", [(), ("--settings", str(KUSTOMIZE / "overlays" / "dev" / "settings.env"))])
def test_a_migration_by_lint_leaves_no_client_address_in_what_either_kustomization_makes(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    copy = fixed_copy(tmp_path, *flags)
    for folder in (copy / "base", copy / "overlays" / "dev"):
        assert "ray://" not in "".join(rendered(folder))


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
