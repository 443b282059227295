"""``ray-webhook audit`` on a real API server, as the ServiceAccount of the component audit, with exactly its rights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.control_plane.process import wait_for
from tests.deploy import rendering
from tests.e2e import installation, targets, workloads
from tests.e2e.audit import AuditLog
from tests.e2e.expected import entries
from tests.e2e.installation import AUDITOR, BASE, GROUPS, NAMESPACE, by_kind
from tests.e2e.rights import Right, granted, is_allowed
from tests.e2e.support import DISABLED, away, create, pods_of, reviews_received
from tests.service import RunningService, run_command

pytestmark = pytest.mark.e2e

NAME = "ray-webhook-audit"
DEFAULT_CLIENT = {"ray.seedcore.io/default-role": "client"}
KUBERAY = {"ray.io/cluster": "train", "app.kubernetes.io/created-by": "kuberay-operator"}


@pytest.fixture(scope="module")
def component(plane: ControlPlane, service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The component's objects, applied."""
    folder = tmp_path_factory.mktemp("component")
    made = installation.rendered(
        plane, rendering.written(folder, [BASE], [rendering.KUSTOMIZE / "components" / "audit"])
    )
    ours = [item for item in made if item["metadata"]["name"] == NAME]
    plane.apply(ours)
    return ours


@pytest.fixture(scope="module")
def kubeconfig(plane: ControlPlane, component: list[Any]) -> Path:
    """The identity of the component's pods, as soon as its rights are known to the API server."""
    right = Right(verb="list", group="batch", resource="jobs")
    wait_for(lambda: is_allowed(plane, AUDITOR, GROUPS, right, namespace=""), "the rights are in force")
    return plane.service_account_kubeconfig(NAMESPACE, NAME)


@pytest.fixture
def namespace(plane: ControlPlane, service: RunningService, request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own."""
    return plane.create_namespace(f"audit-{request.session.items.index(request.node)}")


@pytest.fixture
def found(kubeconfig: Path, namespace: str) -> Callable[[], dict[str, Any]]:
    """Audit the namespace."""
    return lambda: audited(kubeconfig, "-n", namespace)


def audited(kubeconfig: Path, *arguments: str) -> dict[str, Any]:
    ended = run_command("audit", "--kubeconfig", str(kubeconfig), "-o", "json", *arguments)
    assert ended.returncode in (0, 1), ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    assert document["fine"] is (ended.returncode == 0)
    return document


def told(document: dict[str, Any]) -> dict[str, list[str]]:
    """Workload to what was found of its pods."""
    return {
        f"{item['kind']}/{item['name']}": [finding["summary"] for finding in item["findings"]]
        for item in document["workloads"]
    }


def kuberay(cluster: dict[str, Any], name: str, node: str, address: str) -> dict[str, Any]:
    """A pod of that RayCluster, as the operator makes it."""
    namespace, uid = cluster["metadata"]["namespace"], cluster["metadata"]["uid"]
    command = "ray start --head" if node == "head" else "ray start --address=train-head-svc:6379"
    made = workloads.pod(namespace, name, env=entries(RAY_ADDRESS=address, KUBERAY_GEN_RAY_START_CMD=command))
    owner = {"apiVersion": "ray.io/v1", "kind": "RayCluster", "name": "train", "uid": uid, "controller": True}
    del made["metadata"]["annotations"]
    return made | {
        "metadata": made["metadata"] | {"labels": KUBERAY | {"ray.io/node-type": node}, "ownerReferences": [owner]}
    }


def test_what_the_webhook_let_in_is_right(
    plane: ControlPlane, namespace: str, found: Callable[[], dict[str, Any]]
) -> None:
    for kind in ("Deployment", "StatefulSet", "Job"):
        plane.apply([workloads.workload(kind, namespace, kind.lower(), role="client")])
    pods_of(plane, namespace, 3)
    for conflict in ("keep", "deny"):
        create(plane, workloads.pod(namespace, conflict, role="client", on_conflict=conflict)).checked()
    create(plane, workloads.pod(namespace, "head", role="head", env=entries(RAY_ADDRESS="ray://x:1"))).checked()
    document = found()

    assert (document["fine"], document["pods"], document["concerned"]) == (True, 6, 6), document


def test_pods_that_were_created_while_the_webhook_was_away_were_missed(
    plane: ControlPlane, namespace: str, found: Callable[[], dict[str, Any]]
) -> None:
    with away(plane, namespace):
        for kind in ("Deployment", "StatefulSet", "Job"):
            plane.apply([workloads.workload(kind, namespace, "app", role="client")])
        create(plane, workloads.pod(namespace, "bare", role="worker", env=entries(RAY_ADDRESS="ray://x:1"))).checked()
        pods_of(plane, namespace, 4)
    document = found()

    assert set(map(tuple, told(document).values())) == {("missed",)}
    assert {item["kind"]: (item["mend"]["command"] or "").split(" -n")[0] for item in document["workloads"]} == {
        "Deployment": "kubectl rollout restart deployment/app",
        "StatefulSet": "kubectl rollout restart statefulset/app",
        "Job": "",
        "Pod": "kubectl get pod bare",
    }


def test_what_is_said_mends_a_bare_pod(
    plane: ControlPlane, namespace: str, found: Callable[[], dict[str, Any]]
) -> None:
    with away(plane, namespace):
        create(plane, workloads.pod(namespace, "bare", role="client")).checked()
    get, replace = found()["workloads"][0]["mend"]["command"].split(" | ")
    plane.kubectl(*replace.split()[1:], stdin=plane.kubectl(*get.split()[1:]).stdout)

    assert found()["fine"]


@pytest.mark.parametrize("conflict", ["override", "keep", "deny"])
def test_pods_are_stale_after_the_settings_moved(
    plane: ControlPlane, namespace: str, found: Callable[[], dict[str, Any]], conflict: str
) -> None:
    plane.apply([workloads.workload("Deployment", namespace, "app", role="client", on_conflict=conflict)])
    pods_of(plane, namespace, 1)
    plane.apply([workloads.settings(namespace, RAY_HOST="moved", RAY_NAMESPACE="seedcore-dev")])
    document = found()

    assert told(document) == {"Deployment/app": ["stale"]}
    (finding,) = document["workloads"][0]["findings"]
    assert {"container": "app", "name": "RAY_ADDRESS", "after": "ray://moved:10001"}.items() <= next(
        change.items() for change in finding["differences"] if change["name"] == "RAY_ADDRESS"
    )


def test_a_pod_whose_env_was_tampered_with_is_told_as_such(
    plane: ControlPlane, namespace: str, found: Callable[[], dict[str, Any]]
) -> None:
    """Written from a pod that was let in, status and all, while nobody looked."""
    made = create(plane, workloads.pod(namespace, "one", role="client")).checked()
    env = made["spec"]["containers"][0]["env"]
    forged = workloads.pod(namespace, "forged", role="client", env=[{**env[0], "value": "forged"}, *env[1:]])
    forged["metadata"]["annotations"] = made["metadata"]["annotations"]
    with away(plane, namespace):
        create(plane, forged).checked()
    document = found()

    assert told(document) == {"Pod/forged": ["tampered with"]}
    (change,) = document["workloads"][0]["findings"][0]["differences"]
    assert (change["name"], change["before"]) == ("RAY_HOST", "forged")


def test_pods_of_kuberay_are_judged_by_their_label_and_never_restarted_alone(
    plane: ControlPlane, namespace: str, found: Callable[[], dict[str, Any]]
) -> None:
    (cluster,) = plane.apply([targets.cluster(namespace, "train", targets.cluster_spec())])
    create(plane, kuberay(cluster, "right", "worker", "ray://x:1")).checked()
    with away(plane, namespace):
        create(plane, kuberay(cluster, "train-head", "head", "ray://x:1")).checked()
        create(plane, kuberay(cluster, "train-worker", "worker", "train-head-svc:6379")).checked()
    document = found()

    assert told(document) == {"RayCluster/train": ["missed"]}
    (item,) = document["workloads"]
    assert item["findings"][0]["pods"] == ["train-head"]
    assert "never its head alone" in item["mend"]["text"]


def test_ephemeral_containers_change_nothing(
    plane: ControlPlane, namespace: str, found: Callable[[], dict[str, Any]]
) -> None:
    create(plane, workloads.pod(namespace, "one", role="client")).checked()
    debugger = {"name": "debugger", "image": workloads.IMAGE, "command": ["ray", "start"]}
    path = f"/api/v1/namespaces/{namespace}/pods/one/ephemeralcontainers"
    with away(plane, namespace):
        patch = {"spec": {"ephemeralContainers": [debugger]}}
        content_type = "application/strategic-merge-patch+json"
        send(plane.admin, "PATCH", path, patch, content_type=content_type).checked()

    assert found()["fine"]


def test_a_pod_is_looked_at_just_where_the_api_server_would_send_it(
    plane: ControlPlane, service: RunningService, kubeconfig: Path
) -> None:
    """The audit's routing is that of the shipped selectors and match conditions."""
    before, looked_at = reviews_received(service), 0
    for name, labels in (
        ("routes-plain", {}),
        ("routes-default", DEFAULT_CLIENT),
        ("routes-unknown", {"ray.seedcore.io/default-role": "worker"}),
        ("routes-disabled", DEFAULT_CLIENT | {DISABLED: "disabled"}),
        ("routes-enabled", {DISABLED: "enabled"}),
    ):
        plane.create_namespace(name, labels)
        for pod_labels in ({}, KUBERAY, {"ray.io/node-type": "head"}, KUBERAY | {"ray.io/node-type": "worker"}):
            for written in ({}, {"role": "client"}, {"role": "none"}):
                made = workloads.pod(name, **written)
                made["metadata"]["labels"] = pod_labels
                create(plane, made).checked()
        document = audited(kubeconfig, "-n", name)
        assert (document["fine"], document["pods"]) == (True, 12), document
        looked_at += document["concerned"]

    assert looked_at == reviews_received(service) - before > 20


def test_a_namespace_of_clients_by_default_is_looked_at_as_such(
    plane: ControlPlane, service: RunningService, kubeconfig: Path
) -> None:
    namespace = plane.create_namespace("audit-default", DEFAULT_CLIENT)
    plane.apply([workloads.workload("Deployment", namespace, "right")])
    pods_of(plane, namespace, 1)
    with away(plane, namespace):
        create(plane, workloads.pod(namespace, "missed")).checked()

    assert told(audited(kubeconfig, "-n", namespace)) == {"Pod/missed": ["missed"]}
    plane.apply([workloads.settings(namespace, RAY_HOST="moved", RAY_NAMESPACE="seedcore-dev")])
    assert told(audited(kubeconfig, "-n", namespace)) == {"Deployment/right": ["stale"], "Pod/missed": ["missed"]}


def test_the_shipped_rights_are_these_and_each_is_used(
    plane: ControlPlane, namespace: str, kubeconfig: Path, component: list[Any], audit_log: AuditLog
) -> None:
    with away(plane, namespace):
        kinds = ("Deployment", "StatefulSet", "Job")
        plane.apply([workloads.workload(kind, namespace, "app", role="client") for kind in kinds])
        (made,) = plane.apply([workloads.workload("DaemonSet", namespace, "app", role="client")])
        create(plane, owned(workloads.pod(namespace, "agent", role="client"), made)).checked()
        nightly = {"apiVersion": "ray.io/v1", "kind": "RayJob", "metadata": {"name": "nightly", "uid": "nightly"}}
        create(plane, owned(workloads.pod(namespace, "submitter", role="client"), nightly)).checked()
        pods_of(plane, namespace, 5)
    document = audited(kubeconfig, "--all-namespaces")
    found = {item["kind"] for item in document["workloads"] if item["namespace"] == namespace}
    shipped = granted(by_kind(component, "ClusterRole"))

    assert found == {*kinds, "DaemonSet", "RayJob"}
    assert shipped == {
        Right(verb="list", group=group, resource=resource, name=name)
        for group, resource, name in (
            ("", "pods", ""),
            ("", "namespaces", ""),
            ("", "configmaps", "ray-settings"),
            ("ray.io", "rayclusters", ""),
            ("ray.io", "rayservices", ""),
            ("ray.io", "rayjobs", ""),
            ("apps", "replicasets", ""),
            ("apps", "deployments", ""),
            ("apps", "statefulsets", ""),
            ("apps", "daemonsets", ""),
            ("batch", "jobs", ""),
        )
    }
    requests = [event for event in audit_log.requests(AUDITOR) if event["userAgent"].startswith("ray-webhook/")]
    everywhere = [event for event in requests if not event["objectRef"].get("namespace")]
    assert {used(event) for event in everywhere} - named_namespaces(everywhere) == shipped


def test_rights_in_one_namespace_are_enough_for_an_audit_of_it(
    plane: ControlPlane, service: RunningService, namespace: str
) -> None:
    """With ``view`` there: no settings of everybody's, no Ray targets, no other namespace."""
    plane.kubectl(
        "create", "rolebinding", "view", "-n", namespace, "--clusterrole=view", "--group=system:serviceaccounts"
    )
    subject = (f"system:serviceaccount:{namespace}:default", ("system:serviceaccounts",))
    right = Right(verb="list", group="", resource="pods")
    wait_for(lambda: is_allowed(plane, *subject, right, namespace=namespace), "the rights are in force")
    create(plane, workloads.pod(namespace, "by-everybodys", role="client")).checked()
    create(plane, workloads.pod(namespace, "none", role="none")).checked()
    limited = plane.service_account_kubeconfig(namespace, "default")
    unread = audited(limited, "-n", namespace)
    plane.apply([workloads.settings(namespace, RAY_HOST="own")])
    stale = audited(limited, "-n", namespace)
    rendered = run_command("render", "policy", "--kubeconfig", str(limited), "-n", namespace)

    assert told(unread) == {"Pod/by-everybodys": ["settings not readable"]}
    assert told(stale) == {"Pod/by-everybodys": ["stale"]}
    assert [note.partition(":")[0] for note in unread["notes"]] == [
        f"you may not list configmaps/ray-settings in {NAMESPACE}",
        "you may not list rayclusters",
        "you may not list rayservices",
    ]
    assert (rendered.returncode, '"ray://own:10001"' in rendered.stdout) == (0, True)
    assert run_command("audit", "--kubeconfig", str(limited), "-A").returncode == 3


def owned(pod: dict[str, Any], owner: dict[str, Any]) -> dict[str, Any]:
    """The pod as the controller of `owner` makes it; where there are no nodes a DaemonSet has none."""
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True}
    metadata = owner["metadata"]
    reference |= {"name": metadata["name"], "uid": metadata["uid"]}
    return {**pod, "metadata": {**pod["metadata"], "labels": {"app": "app"}, "ownerReferences": [reference]}}


def used(event: dict[str, Any]) -> Right:
    asked = event["objectRef"]
    return Right(
        verb=event["verb"], group=asked.get("apiGroup", ""), resource=asked["resource"], name=asked.get("name", "")
    )


def named_namespaces(events: list[dict[str, Any]]) -> set[Right]:
    """Lists of the one namespace that -n names, which the API server records as such."""
    return {right for right in map(used, events) if right.resource == "namespaces" and right.name}


def test_the_components_pod_is_admitted_in_the_restricted_namespace_and_is_no_replica(
    plane: ControlPlane, component: list[Any]
) -> None:
    said = plane.kubectl("create", "job", "-n", NAMESPACE, "now", f"--from=cronjob/{NAME}").stderr
    try:
        (pod,) = pods_of(plane, NAMESPACE, 1, selector="job-name=now")
    finally:
        plane.kubectl("delete", "job", "-n", NAMESPACE, "now")
    selector = by_kind(installation.rendered(plane), "Service")["spec"]["selector"]

    assert said == ""
    assert pod["spec"]["containers"][0]["args"] == ["audit", "--all-namespaces"]
    assert not selector.items() <= pod["metadata"]["labels"].items()
