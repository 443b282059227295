"""deploy/apply.sh on a cluster of its own: refused before anything is applied, installed, repeated, mended, removed."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.fixtures import running
from tests.control_plane.objects import send
from tests.control_plane.process import free_ports, wait_for
from tests.deploy.rendering import KUSTOMIZE, written
from tests.e2e import targets, workloads
from tests.e2e.deploy.kubelet import Kubelet, overlay
from tests.e2e.installation import BASE, CONFIGURATIONS, NAMESPACE
from tests.e2e.support import MERGE, env_of, pods_of
from tests.service import COMMAND
from webhook.certificates.authority import issue_authority, issue_serving

pytestmark = pytest.mark.e2e

SCRIPT: Final = BASE.parents[1] / "apply.sh"
GOOD: Final = "RAY_HOST=head.lab\nRAY_NAMESPACE=lab\n"
APPS: Final = "apps"
GUARD: Final = KUSTOMIZE / "components" / "guard"
OWN: Final = f"/api/v1/namespaces/{NAMESPACE}"
SECRET: Final = f"{OWN}/secrets/ray-webhook-tls"
BINDING: Final = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/ray-webhook-test"
POLICY: Final = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/ray-webhook-test"
DEPLOYMENT: Final = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/ray-webhook"
_CONTAINER: Final = "/spec/template/spec/containers/0"
OBSERVING: Final = {
    "two words": [{"op": "add", "path": f"{_CONTAINER}/args/-", "value": word} for word in ("--mode", "observe")],
    "one word": [{"op": "add", "path": f"{_CONTAINER}/args/-", "value": "--mode=observe"}],
    "variable": [{"op": "replace", "path": f"{_CONTAINER}/env/0/value", "value": "observe"}],
}
"""Patches of the Deployment."""


@dataclass(kw_only=True)
class Site:
    """A cluster, an overlay for it, and what the script prints about keys or leaves behind."""

    plane: ControlPlane
    overlay: Path
    scratch: Path
    kubelet: Kubelet
    said: list[str] = field(default_factory=list)

    def apply(
        self, *arguments: str, namespace: str = APPS, overlay: str = "", program: str = COMMAND, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        environment = self.plane.environment() | {"RAY_WEBHOOK": program, "TMPDIR": str(self.scratch)} | variables
        command = [str(SCRIPT), namespace, "--overlay", overlay or str(self.overlay), "--timeout", "20", *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False, env=environment)
        self.said += [ended.stdout, ended.stderr]
        return ended

    def settings(self, text: str) -> None:
        (self.overlay / "settings.env").write_text(text)

    def variant(self, name: str, *components: Path, **fields: Any) -> str:
        """Another kustomization, on top of the overlay."""
        return str(written(self.overlay.parent / name, [self.overlay], components, **fields))

    def get(self, path: str) -> dict[str, Any] | None:
        answer = send(self.plane.admin, "GET", path)
        return answer.body if answer.status == 200 else None

    def hosts(self, app: str) -> list[str | None]:
        """The RAY_HOST of each pod of a workload that is not on its way out."""
        pods = pods_of(self.plane, APPS, 1, selector=f"app={app}")
        envs = [{entry["name"]: entry.get("value") for entry in env_of(pod)} for pod in pods]
        return [env.get("RAY_HOST") for env in envs]

    def generation(self, deployment: str) -> int:
        """Which one it is of a Deployment's spec."""
        found = self.get(f"/apis/apps/v1/namespaces/{APPS}/deployments/{deployment}")
        assert found
        return int(found["metadata"]["generation"])

    def missed(self, pod: dict[str, Any]) -> None:
        """Create a pod that the webhook is not called for."""
        self.plane.kubectl("label", "namespace", APPS, "ray.seedcore.io/injection=disabled")
        path = f"/api/v1/namespaces/{APPS}/pods"
        wait_for(lambda: not self._is_treated(path, pod), "the API server has seen the label")
        send(self.plane.admin, "POST", path, pod).checked()
        self.plane.kubectl("label", "namespace", APPS, "ray.seedcore.io/injection-")

    def _is_treated(self, path: str, pod: dict[str, Any]) -> bool:
        tried = send(self.plane.admin, "POST", path, pod, query={"dryRun": "All"}).checked()
        return "ray.seedcore.io/status" in tried["metadata"]["annotations"]

    def state(self) -> dict[str, str]:
        """The version of every object that the script may touch."""
        paths = [
            *(f"{OWN}/{kind}" for kind in ("services", "configmaps", "secrets", "serviceaccounts", "pods")),
            f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments",
            f"/apis/apps/v1/namespaces/{APPS}/deployments",
            f"/apis/apps/v1/namespaces/{APPS}/replicasets",
            CONFIGURATIONS,
            BINDING.rpartition("/")[0],
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            "/api/v1/namespaces",
        ]
        return {
            f"{path}/{item['metadata']['name']}": item["metadata"]["resourceVersion"]
            for path in paths
            for item in send(self.plane.admin, "GET", path).checked()["items"]
        }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("apply")
    made, scratch = folder / "overlay", folder / "scratch"
    made.mkdir()
    scratch.mkdir()
    (port,) = free_ports(1)
    overlay(made, os.path.relpath(BASE, made), port)
    (made / "unrelated.env").write_text("RAY_ADDRESS=ray://elsewhere:1\nPASSWORD=x\n")
    with running(folder / "plane") as plane:
        plane.apply(targets.definitions())
        plane.create_namespace(APPS)
        plane.apply([limits(APPS, "50m")])
        site = Site(plane=plane, overlay=made, scratch=scratch, kubelet=Kubelet(plane, folder, port))
        site.settings(GOOD)
        with site.kubelet.running():
            yield site


def limits(namespace: str, cpu: str) -> dict[str, Any]:
    """Containers get the least that is allowed, if they do not ask for less."""
    least = {"cpu": cpu, "memory": "32Mi"}
    limit = {"type": "Container", "min": least, "default": least, "defaultRequest": least}
    metadata = {"name": "least", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {"limits": [limit]}}


@pytest.fixture(scope="module")
def unready(site: Site) -> subprocess.CompletedProcess[str]:
    """The first run, while no pod of the webhook becomes ready; a client is there already."""
    site.plane.apply([workloads.workload("Deployment", APPS, "early", role="client")])
    pods_of(site.plane, APPS, 1, selector="app=early")
    site.kubelet.is_well = False
    ended = site.apply("--timeout", "2")
    site.kubelet.is_well = True
    return ended


@pytest.fixture(scope="module")
def was_bound(site: Site, unready: object) -> bool:
    """Whether the first run has bound the policy."""
    return site.get(BINDING) is not None


@pytest.fixture(scope="module")
def installed(site: Site, was_bound: bool) -> subprocess.CompletedProcess[str]:
    """The second run, when they do."""
    return site.apply()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "RAY_ADDRESS=ray://head.lab:10001",
            "RAY_ADDRESS is ignored: it is derived from RAY_HOST and RAY_PORT",
        ),
        ("RAY_PORT=99999", 'RAY_PORT is "99999"; allowed: a port of 1-65535'),
        ("RAY_DASHBOARD_URL=head.lab:8265", 'RAY_DASHBOARD_URL is "head.lab:8265"; allowed: http://HOST'),
    ],
)
def test_bad_settings_are_refused_before_anything_is_applied(site: Site, line: str, told: str) -> None:
    before, good = site.state(), (site.overlay / "settings.env").read_text()
    site.settings(f"{GOOD}{line}\n")
    ended = site.apply()
    site.settings(good)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"ConfigMap {NAMESPACE}/ray-settings, {told}" in ended.stderr
    assert "nothing was applied\n  mend what is told above" in ended.stderr
    assert site.state() == before


def test_a_workload_namespace_is_no_place_for_the_webhook(site: Site) -> None:
    before = site.state()
    ended = site.apply(namespace=NAMESPACE)

    assert ended.returncode == 2
    assert f"installs into {NAMESPACE}, which is NAMESPACE itself: pods of the webhook's own namespace" in ended.stderr
    assert site.state() == before


@pytest.mark.parametrize(
    ("action", "why"),
    [
        ("--dry-run", "pods of the webhook's own namespace are never treated"),
        ("--uninstall", "would be deleted with it"),
    ],
)
def test_a_namespace_with_workloads_of_others_is_no_place_for_the_webhook(
    site: Site, installed: object, action: str, why: str
) -> None:
    """A RayCluster's pods have an owner, which counts for nothing."""
    owned = workloads.restricted(workloads.pod(NAMESPACE, "head"))
    owner = {"apiVersion": "ray.io/v9", "kind": "RayCluster", "name": "train", "uid": "1-2", "controller": True}
    owned["metadata"]["ownerReferences"] = [owner]
    send(site.plane.admin, "POST", f"{OWN}/pods", owned).checked()
    cluster = targets.cluster(NAMESPACE, "train", targets.cluster_spec())
    site.plane.apply([workloads.workload("Deployment", NAMESPACE, "stranger"), cluster])
    try:
        ended = site.apply(action)
    finally:
        site.plane.kubectl("delete", "-n", NAMESPACE, "deployment/stranger", "rayclusters.ray.io/train", "pod/head")

    assert ended.returncode == 2
    assert why in ended.stderr
    told = (
        ended.stderr.partition(f"the namespace {NAMESPACE} has workloads of others (")[2].partition(")")[0].split(", ")
    )
    assert {"pod/head", "deployment.apps/stranger", "raycluster.ray.io/train"} <= set(told)
    assert not any("/ray-webhook" in name for name in told)


@pytest.mark.parametrize("patch", OBSERVING.values(), ids=OBSERVING)
def test_a_guard_that_refuses_is_no_companion_of_a_service_that_observes(site: Site, patch: list[Any]) -> None:
    before = site.state()
    patches = [{"target": {"kind": "Deployment"}, "patch": json.dumps(patch)}]
    refusing = site.variant("refusing", GUARD, patches=patches)
    ended = site.apply(overlay=refusing)

    assert ended.returncode == 2
    assert "the policy binding ray-webhook-guard would refuse them\n  take the component guard-warn" in ended.stderr
    assert site.state() == before


def test_a_guard_that_warns_is(site: Site) -> None:
    patches = [{"target": {"kind": "Deployment"}, "patch": json.dumps(OBSERVING["two words"])}]
    warning = site.variant("warning", GUARD.with_name("guard-warn"), patches=patches)
    ended = site.apply("--dry-run", overlay=warning)

    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert "The service observes: no pod has its settings" in ended.stderr


def test_what_is_in_the_callers_shell_is_no_flag(site: Site, installed: object) -> None:
    others = {"MODE": "observe", "SETTINGS_NAME": "x", "CLUSTER_DOMAIN": "x", "ALL_NAMESPACES": "1", "OUTPUT": "json"}
    ended = site.apply("--dry-run", **{f"RAY_WEBHOOK_{name}": value for name, value in others.items()})

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.endswith("all of these are right\n")


def test_a_namespace_that_is_not_there_is_told(site: Site) -> None:
    ended = site.apply(namespace="nowhere")

    assert ended.returncode == 2
    assert "create it, with kubectl create namespace nowhere, and run this again" in ended.stderr


def test_where_no_pod_has_room_nothing_is_waited_for(site: Site, installed: object) -> None:
    site.plane.create_namespace("tight")
    site.plane.apply([limits("tight", "500m")])
    ended = site.apply(namespace="tight")

    assert ended.returncode == 3
    assert "it cannot be verified in tight: " in ended.stderr
    assert "minimum cpu usage per Container is 500m" in ended.stderr


def test_an_unready_rollout_ends_with_a_hint_and_without_the_binding(
    site: Site, unready: subprocess.CompletedProcess[str], was_bound: bool
) -> None:
    assert unready.returncode == 3
    what, how = unready.stderr.splitlines()[-2:]
    assert what.startswith(f"apply.sh: deployment/ray-webhook in {NAMESPACE} is not ready after 2 s; ")
    assert f"see kubectl describe pods -n {NAMESPACE} and kubectl logs" in how
    assert not was_bound
    assert site.get(POLICY)


def test_running_it_again_completes_it_and_restarts_what_was_missed(
    site: Site, installed: subprocess.CompletedProcess[str]
) -> None:
    assert installed.returncode == 0, installed.stderr
    assert "Restarting deployment/early" in installed.stderr
    assert installed.stdout.endswith("all of these are right\n")
    assert set(site.hosts("early")) == {"head.lab"}
    assert site.get(BINDING)


def test_a_third_run_changes_nothing(site: Site, installed: object) -> None:
    before = site.state()
    ended = site.apply()

    assert (ended.returncode, site.state()) == (0, before), ended.stderr
    assert "Restarting" not in ended.stderr
    assert "Issuing" not in ended.stderr


def test_settings_that_move_make_workloads_stale_and_these_are_restarted(site: Site, installed: object) -> None:
    site.plane.apply([workloads.workload("Deployment", APPS, "stale", role="client")])
    before = set(site.hosts("stale"))
    site.settings(GOOD.replace("head.lab", "moved.lab"))
    ended = site.apply()

    assert ended.returncode == 0, ended.stderr
    assert "Restarting deployment/stale" in ended.stderr
    assert (before, set(site.hosts("stale"))) == ({"head.lab"}, {"moved.lab"})


def test_what_no_restart_mends_is_told_and_left(site: Site, installed: object) -> None:
    bare = workloads.pod(
        APPS, "bare", role="client", env=[{"name": "RAY_HOST", "value": "own"}], on_conflict="override"
    )
    site.missed(bare)
    try:
        ended = site.apply()
    finally:
        send(site.plane.admin, "DELETE", f"/api/v1/namespaces/{APPS}/pods/bare").checked()

    assert ended.returncode == 1
    assert "Pod apps/bare\n  RAY701 missed: bare\n" in ended.stdout
    assert f"apply.sh: {APPS} has pods without their settings\n  do what is told above" in ended.stderr


def test_a_pod_cannot_name_what_is_restarted(site: Site, installed: object) -> None:
    """Any text is taken as an owner's name; of a version that is not known, the garbage collector leaves the pod."""
    site.plane.apply([workloads.workload("Deployment", APPS, "precious")])
    generation = site.generation("precious")
    for name, owner in (("forged", "a\ndeployment/precious --server=http://127.0.0.1:1\nz"), ("posing", "precious")):
        pod = workloads.pod(APPS, name, role="client")
        version = {"apiVersion": "apps/v0", "kind": "Deployment", "uid": "1-2", "controller": True}
        pod["metadata"]["ownerReferences"] = [version | {"name": owner}]
        site.missed(pod)
    try:
        ended = site.apply()
    finally:
        for name in ("forged", "posing"):
            send(site.plane.admin, "DELETE", f"/api/v1/namespaces/{APPS}/pods/{name}").checked()

    assert ended.returncode == 1
    assert "RAY701 missed: forged" in ended.stdout
    assert "find out who made these pods" in ended.stdout
    assert "Restarting" not in ended.stderr
    assert site.generation("precious") == generation


def test_what_the_audit_prints_is_looked_at_before_kubectl_gets_it(site: Site, installed: object) -> None:
    forging = site.scratch.parent / "ray-webhook"
    forging.write_text(
        "#!/bin/sh\ncase $* in audit*'-o name') echo '--server=http://127.0.0.1:1 deployment/x'; exit 1 ;; "
        f'audit*) exit 1 ;; esac\nexec {COMMAND} "$@"\n'
    )
    forging.chmod(0o700)
    ended = site.apply(program=str(forging))

    assert ended.returncode == 3
    assert "the audit names no workload that could be restarted: --server=http://127.0.0.1:1" in ended.stderr


def test_only_the_secret_that_the_service_serves_is_written(site: Site, installed: object) -> None:
    """The overlay mounts another one, in front of it."""
    assert site.get(SECRET)
    assert site.get(f"{OWN}/secrets/ray-webhook-clients") is None


def test_what_another_tool_has_applied_is_taken_over(site: Site, installed: object) -> None:
    """An update of the image and softer actions, each of which that tool has written, too."""
    binding = {"kind": "ValidatingAdmissionPolicyBinding"}
    denying = json.dumps([{"op": "replace", "path": "/spec/validationActions", "value": ["Deny", "Audit"]}])
    deny = [{"target": binding, "patch": denying}]
    theirs = site.variant("theirs", images=[{"name": "ray-webhook", "newTag": "theirs"}], patches=deny)
    site.plane.kubectl("apply", "-k", theirs)
    ended = site.apply()
    deployment, bound = site.get(DEPLOYMENT), site.get(BINDING)

    assert ended.returncode == 0, ended.stderr
    assert deployment
    assert bound
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "ray-webhook:0.1.0"
    assert bound["spec"]["validationActions"] == ["Warn"]


def test_a_dry_run_changes_nothing(site: Site, installed: object) -> None:
    before = site.state()
    ended = site.apply("--dry-run")

    assert (ended.returncode, site.state()) == (0, before), ended.stderr
    assert f"  Deployment {NAMESPACE} ray-webhook\n" in ended.stderr


def test_applying_the_manifests_by_hand_leaves_the_authority(site: Site, installed: object) -> None:
    site.plane.kubectl("apply", "--server-side", "-k", str(site.overlay))
    webhooks = send(site.plane.admin, "GET", f"{CONFIGURATIONS}/ray-webhook").checked()["webhooks"]

    assert all(webhook["clientConfig"]["caBundle"] for webhook in webhooks)


def test_a_certificate_that_is_due_is_issued_anew_while_the_old_one_stays_trusted(
    site: Site, installed: object
) -> None:
    """Pods have the old pair for a while, so both authorities are in the caBundle."""
    old = send(site.plane.admin, "GET", SECRET).checked()["data"]
    due = issue_authority(datetime.now(UTC) - timedelta(days=70))
    serving = issue_serving(due, ["ray-webhook.ray-webhook-system.svc"], datetime.now(UTC) - timedelta(days=70))
    pair = {"tls.crt": serving.certificate, "tls.key": serving.key}
    data = {name: base64.b64encode(content).decode() for name, content in pair.items()}
    send(site.plane.admin, "PATCH", SECRET, {"data": data}, content_type=MERGE).checked()
    ended = site.apply()
    new = send(site.plane.admin, "GET", SECRET).checked()["data"]
    webhooks = send(site.plane.admin, "GET", f"{CONFIGURATIONS}/ray-webhook").checked()["webhooks"]

    assert ended.returncode == 0, ended.stderr
    assert f"Issuing a certificate into Secret {NAMESPACE}/ray-webhook-tls" in ended.stderr
    assert new["tls.crt"] not in (old["tls.crt"], data["tls.crt"])
    assert base64.b64decode(new["ca.crt"]).endswith(base64.b64decode(old["ca.crt"]))
    assert {webhook["clientConfig"]["caBundle"] for webhook in webhooks} == {new["ca.crt"]}


def test_a_certificate_of_somebody_else_is_never_replaced(site: Site, installed: object) -> None:
    mine = send(site.plane.admin, "GET", SECRET).checked()
    due = issue_authority(datetime.now(UTC) - timedelta(days=9000))
    label = "app.kubernetes.io/managed-by"
    theirs = {"tls.crt": base64.b64encode(due.certificate).decode()}
    patch = {"metadata": {"labels": {label: "somebody"}}, "data": theirs}
    send(site.plane.admin, "PATCH", SECRET, patch, content_type=MERGE).checked()
    try:
        ended = site.apply()
        kept = send(site.plane.admin, "GET", SECRET).checked()["data"]["tls.crt"]
    finally:
        back = {"metadata": {"labels": mine["metadata"]["labels"]}, "data": mine["data"]}
        send(site.plane.admin, "PATCH", SECRET, back, content_type=MERGE).checked()

    assert (ended.returncode, kept) == (0, theirs["tls.crt"]), ended.stderr
    assert "was issued elsewhere, and should be renewed there" in ended.stderr


def test_no_key_is_printed_or_left_behind(site: Site, installed: object) -> None:
    key = base64.b64decode(send(site.plane.admin, "GET", SECRET).checked()["data"]["tls.key"]).decode()

    assert not list(site.scratch.iterdir())
    assert "PRIVATE KEY" not in "".join(site.said)
    assert key.splitlines()[1] not in "".join(site.said)


def test_uninstalling_removes_everything_but_what_pods_have_and_who_had_the_namespace_before(
    site: Site, installed: object
) -> None:
    """The last tests: the service behind the pods ends with its ServiceAccount. Monitoring's kinds are not known."""
    monitored = site.variant("monitored", GUARD.with_name("monitoring"))
    site.plane.kubectl("label", "namespace", NAMESPACE, "app.kubernetes.io/part-of-")
    ended = site.apply("--uninstall", overlay=monitored)

    assert ended.returncode == 0, ended.stderr
    assert "does not know these kinds, of which there is nothing to remove: PodMonitor, PrometheusRule" in ended.stderr
    gone = (BINDING, POLICY, f"{CONFIGURATIONS}/ray-webhook", DEPLOYMENT)
    assert [site.get(path) for path in gone] == [None] * 4
    assert site.get(OWN)
    assert f"The namespace {NAMESPACE}, which is not the webhook's, is left" in ended.stderr
    assert ended.stderr.index("Removing bindings") < ended.stderr.index("Removing configurations")
    assert ended.stderr.index("Removing configurations") < ended.stderr.index("Removing rest")
    assert all(site.hosts("early"))


def test_uninstalling_again_removes_the_namespace_that_is_the_webhooks(site: Site, installed: object) -> None:
    site.plane.kubectl("label", "namespace", NAMESPACE, "app.kubernetes.io/part-of=ray-webhook")
    ended = site.apply("--uninstall")

    assert (ended.returncode, site.get(OWN)) == (0, None), ended.stderr
