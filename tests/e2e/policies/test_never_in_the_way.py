"""Where the manifest policy refuses: what is there already, at fault, is scaled, restarted and deleted as ever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import Answer, send
from tests.control_plane.process import wait_for
from tests.e2e.policies.manifests import cron_job, deployment, job, ray_cluster, ray_job, template
from tests.e2e.policies.support import answered, apply_bindings, collection, overlay, told, try_out, wait_until_told
from tests.e2e.support import DRY_RUN, MERGE
from tests.injection.support import ENV_FROM, container

pytestmark = pytest.mark.e2e

BY_HAND = {"RAY_ADDRESS": "ray://by-hand:10001"}
BAD_LABEL = {"ray.seedcore.io/injection": "off"}
OTHER = "registry.invalid/other"
ALLOWED: tuple[list[str], int] = ([], 200)
REFUSED = (["RAY604"], 422)


def named(document: dict[str, Any], name: str, **spec: Any) -> dict[str, Any]:
    document["metadata"]["name"] = name
    document["spec"] |= spec
    return document


def at_fault() -> dict[str, Any]:
    """A template at fault whose pods the guard lets through."""
    return template(env=BY_HAND, role="client", connect="jobs")


def ray_template(image: str = "busybox") -> dict[str, Any]:
    return template(container("ray", BY_HAND, image=image), role="worker")


STORED: dict[str, dict[str, Any]] = {
    "Deployment": named(deployment(at_fault()), "faulty"),
    "CronJob": named(cron_job(at_fault()), "faulty"),
    "Job": named(job(at_fault()), "faulty", suspend=True),
    "RayCluster": named(ray_cluster(template(), ray_template()), "faulty", suspend=True),
    "RayJob": named(ray_job({"headGroupSpec": {"template": ray_template()}}), "faulty"),
    "Namespace": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "faulty", "labels": BAD_LABEL}},
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def refusing(policed: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Workloads at fault are stored, and then the policy refuses."""
    policed.apply(STORED.values())
    folder = tmp_path_factory.mktemp("overlays")
    switch(policed, folder / "deny", "manifest-policy-deny", 422)
    yield
    switch(policed, folder / "warn", "manifest-policy", 201)


def switch(plane: ControlPlane, folder: Path, component: str, status: int) -> None:
    """Let the policy refuse or warn, and wait until it does."""
    apply_bindings(plane, overlay(folder, "guard", component))
    wait_until_told(plane, deployment(at_fault()), ["RAY604"], status)


def path_of(kind: str) -> str:
    """Where the stored object is."""
    return f"{collection(STORED[kind])}/faulty"


def change(plane: ControlPlane, kind: str, patch: dict[str, Any], part: str = "", *, dry_run: bool = True) -> Answer:
    """Merge `patch` into the stored object, or a part of it such as ``/scale``."""
    query = DRY_RUN if dry_run else None
    return send(plane.admin, "PATCH", path_of(kind) + part, patch, query=query, content_type=MERGE)


def changed_template(kind: str, made: dict[str, Any]) -> dict[str, Any]:
    """The patch that gives the stored object this template."""
    if kind == "CronJob":
        return {"spec": {"jobTemplate": {"spec": {"template": made}}}}
    if kind == "RayCluster":
        return {"spec": {"workerGroupSpecs": [{"groupName": "group-0", "template": made}]}}
    if kind == "RayJob":
        return {"spec": {"rayClusterSpec": {"headGroupSpec": {"template": made}}}}
    return {"spec": {"template": made}}


@pytest.mark.parametrize("kind", ["Deployment", "CronJob", "RayCluster", "RayJob"])
def test_a_template_that_is_changed_and_at_fault_is_refused(policed: ControlPlane, kind: str) -> None:
    """Without this, the tests below would prove nothing."""
    made = (
        {"spec": {"containers": [container("new", BY_HAND)]}}
        if kind in ("Deployment", "CronJob")
        else ray_template(OTHER)
    )
    assert answered(change(policed, kind, changed_template(kind, made))) == REFUSED


@pytest.mark.parametrize("kind", ["Deployment", "RayCluster", "RayJob"])
def test_a_template_that_is_mended_is_allowed(policed: ControlPlane, kind: str) -> None:
    made = {"metadata": {"annotations": {"ray.seedcore.io/on-conflict": "keep"}}}
    patch = changed_template(kind, made if kind == "Deployment" else template(role="worker"))
    assert answered(change(policed, kind, patch)) == ALLOWED


WRITES: dict[str, dict[str, Any]] = {
    "a finalizer": {"metadata": {"finalizers": ["example.com/one"]}},
    "an owner": {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Thing", "name": "t", "uid": "1"}]}},
    "our annotation on the workload": {"metadata": {"annotations": {"ray.seedcore.io/role": "bad"}}},
    "a label": {"metadata": {"labels": {"a": "b"}}},
    "nothing": {},
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("kind", STORED)
def test_what_leaves_the_template_alone_is_allowed(policed: ControlPlane, kind: str, write: str) -> None:
    assert answered(change(policed, kind, WRITES[write])) == ALLOWED


@pytest.mark.parametrize("kind", [kind for kind in STORED if kind != "Namespace"])
def test_a_status_is_allowed(policed: ControlPlane, kind: str) -> None:
    assert answered(change(policed, kind, {"status": {}}, "/status")) == ALLOWED


def test_scaling_is_allowed(policed: ControlPlane) -> None:
    """By the subresource, as kubectl and the HorizontalPodAutoscaler do it, and by a write of the whole."""
    assert answered(change(policed, "Deployment", {"spec": {"replicas": 3}}, "/scale")) == ALLOWED
    assert answered(change(policed, "Deployment", {"spec": {"replicas": 3}})) == ALLOWED
    grown = {"groupName": "group-0", "replicas": 3, "template": ray_template()}
    assert answered(change(policed, "RayCluster", {"spec": {"workerGroupSpecs": [grown]}})) == ALLOWED


def restart(labels: Any = None, spec: Any = None, **annotations: str | None) -> dict[str, Any]:
    """What kubectl rollout restart writes, with what else of the template is changed; our annotations by name."""
    ours = {f"ray.seedcore.io/{key}": value for key, value in annotations.items()}
    metadata = {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-24", **ours}, "labels": labels or {}}
    return {"spec": {"template": {"metadata": metadata, "spec": spec or {}}}}


def test_a_restart_is_allowed_again_and_again_and_its_replica_sets_are_made(policed: ControlPlane) -> None:
    change(policed, "Deployment", restart(), dry_run=False).checked()
    wait_for(lambda: len(replica_sets(policed)) == 2, "two ReplicaSets")
    policed.kubectl("rollout", "restart", "--namespace=apps", "deployment/faulty")
    wait_for(lambda: len(replica_sets(policed)) == 3, "three ReplicaSets")


def replica_sets(plane: ControlPlane) -> list[dict[str, Any]]:
    items = send(plane.admin, "GET", "/apis/apps/v1/namespaces/apps/replicasets").checked()["items"]
    return [item for item in items if item["metadata"]["ownerReferences"][0]["name"] == "faulty"]


@pytest.mark.parametrize(
    "patch",
    [
        restart(containers="app"),
        restart(connect=None),
        restart(labels={"a": "b"}),
        restart(spec={"terminationGracePeriodSeconds": 1}),
    ],
    ids=["adds an annotation", "removes one", "adds a label", "changes the spec"],
)
def test_a_restart_is_judged_that(policed: ControlPlane, patch: dict[str, Any]) -> None:
    assert answered(change(policed, "Deployment", patch)) == REFUSED


def test_a_queue_may_resume_and_suspend_what_it_holds(policed: ControlPlane) -> None:
    """Kueue writes node selectors into the templates with the same write."""
    placed = {"spec": {"nodeSelector": {"pool": "a"}}}
    assert answered(change(policed, "Job", {"spec": {"suspend": False, "template": placed}})) == ALLOWED
    assert answered(change(policed, "Job", {"spec": {"template": placed}})) == REFUSED
    worker = ray_template()
    worker["spec"]["nodeSelector"] = {"pool": "a"}
    groups = {"workerGroupSpecs": [{"groupName": "group-0", "template": worker}]}
    assert answered(change(policed, "RayCluster", {"spec": {"suspend": False, **groups}})) == ALLOWED
    assert answered(change(policed, "RayCluster", {"spec": groups})) == REFUSED


@pytest.mark.parametrize(
    ("kind", "made", "code"),
    [
        ("Job", {"metadata": {"annotations": {"ray.seedcore.io/connect": None}}}, "RAY604"),
        ("Job", {"metadata": {"annotations": {"ray.seedcore.io/cluster": "train"}}}, "RAY604"),
        ("Job", {"metadata": {"labels": {"ray.seedcore.io/role": "client"}}}, "RAY602"),
        ("RayCluster", template(container("ray", [*BY_HAND.items()] * 2), role="worker"), "RAY604"),
        ("RayCluster", template(container("new", BY_HAND), role="worker"), "RAY604"),
        ("RayCluster", template(container("ray", BY_HAND, envFrom=ENV_FROM), role="worker"), "RAY604"),
    ],
    ids=["removes an annotation", "adds one", "adds a label", "adds to env", "names a container", "adds envFrom"],
)
def test_a_change_of_what_counts_is_judged_though_it_resumes(
    policed: ControlPlane, kind: str, made: dict[str, Any], code: str
) -> None:
    patch = changed_template(kind, made)
    patch["spec"]["suspend"] = False
    assert answered(change(policed, kind, patch)) == ([code], 422)


def test_a_cron_job_is_suspended_and_resumed_by_its_user_whose_change_is_judged(policed: ControlPlane) -> None:
    """It is in a queue's hands only as the Jobs that it makes."""
    made = {"spec": {"nodeSelector": {"pool": "a"}}}
    for suspend in (True, False):
        patch = changed_template("CronJob", made)
        patch["spec"]["suspend"] = suspend
        assert answered(change(policed, "CronJob", patch)) == REFUSED
        alone = {"spec": {"suspend": suspend}}
        assert answered(change(policed, "CronJob", alone, dry_run=False)) == ALLOWED


def test_the_jobs_of_a_cron_job_are_made(policed: ControlPlane) -> None:
    change(
        policed, "CronJob", {"status": {"lastScheduleTime": "2024-06-01T00:00:00Z"}}, "/status", dry_run=False
    ).checked()
    path = "/apis/batch/v1/namespaces/apps/jobs"
    wait_for(lambda: len(send(policed.admin, "GET", path).checked()["items"]) > 1, "a Job of the CronJob")


def test_a_ray_cluster_of_a_ray_job_is_allowed(policed: ControlPlane) -> None:
    document = ray_cluster(ray_template())
    assert answered(try_out(policed, document)) == REFUSED
    owner = {"apiVersion": "ray.io/v1", "kind": "RayJob", "name": "faulty", "uid": "1", "controller": True}
    document["metadata"]["ownerReferences"] = [owner]
    assert answered(try_out(policed, document)) == ([], 201)


def test_a_namespace_at_fault_may_be_changed_otherwise(policed: ControlPlane) -> None:
    for labels, codes in (
        ({"a": "b"}, []),
        ({"ray.seedcore.io/injection": None}, []),
        ({"ray.seedcore.io/injection": "on"}, ["RAY605"]),
    ):
        assert told(change(policed, "Namespace", {"metadata": {"labels": labels}})) == codes


def test_what_is_being_deleted_is_let_go(policed: ControlPlane) -> None:
    """Garbage is collected in the foreground, and whoever holds a finalizer may still change even the template."""
    change(policed, "RayCluster", {"metadata": {"finalizers": ["example.com/one"]}}, dry_run=False).checked()
    paths = [path_of(kind) for kind in ("RayCluster", "Deployment")]
    for path, propagation in zip(paths, ("Background", "Foreground"), strict=True):
        send(policed.admin, "DELETE", path, {"propagationPolicy": propagation}).checked()
    assert answered(change(policed, "RayCluster", changed_template("RayCluster", ray_template(OTHER)))) == ALLOWED
    assert answered(change(policed, "RayCluster", {"metadata": {"finalizers": None}}, dry_run=False)) == ALLOWED
    wait_for(lambda: {send(policed.admin, "GET", path).status for path in paths} == {404}, "both are gone")


def test_a_namespace_at_fault_is_let_go(policed: ControlPlane) -> None:
    send(policed.admin, "DELETE", path_of("Namespace")).checked()
    assert (
        answered(change(policed, "Namespace", {"metadata": {"labels": {"ray.seedcore.io/injection": "on"}}})) == ALLOWED
    )
