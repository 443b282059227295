"""Installed, changed and uninstalled by kubectl alone, in one cluster; each test applies what it needs.

No pod ever runs here, so an update of the Deployment stays at its first new pod.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.control_plane.process import wait_for
from tests.deploy.rendering import EVERYTHING, NAMESPACE, OVERLAYS, Combination, built, kustomization, of_kind
from tests.e2e import workloads
from tests.e2e.support import create, pods_of

pytestmark = pytest.mark.e2e

SELECTOR: Final = "app.kubernetes.io/name=ray-webhook"
RENAMED: Final = {"namespace": "ray-system", "namePrefix": "our-", "nameSuffix": "-2"}
COUNTING: Final = {"ResourceQuota", "PodDisruptionBudget"}
"""Controllers write into these whenever a pod comes or goes."""


def without_policies() -> tuple[str, ...]:
    """The components that judge nobody's objects: in which order those come and go has tests of its own."""
    return tuple(
        name
        for name in EVERYTHING
        if not of_kind(built(Combination(overlay="dev", components=(name,))), "ValidatingAdmissionPolicy")
    )


WITHOUT_POLICIES: Final = without_policies()
RESTRICTED: Final = tuple(name for name in WITHOUT_POLICIES if name != "host-network")


def apply(plane: ControlPlane, folder: Path, *flags: str) -> str:
    """Apply a kustomization as its users do; returns what kubectl said on stderr, warnings above all."""
    return plane.kubectl("apply", "--server-side", *flags, "-k", str(folder)).stderr


@pytest.fixture(scope="module")
def bare(plane: ControlPlane) -> set[str]:
    """What is stored before anything is installed."""
    path = f"/api/v1/namespaces/{NAMESPACE}"
    wait_for(lambda: send(plane.admin, "GET", path).status == 404, f"{NAMESPACE} is not there")
    return stored(plane)


def stored(plane: ControlPlane) -> set[str]:
    """All objects in the cluster but those that it writes by itself at all times."""
    kinds = plane.kubectl("api-resources", "--verbs=list,delete", "--output=name").stdout.split()
    asked = ",".join(kind for kind in kinds if kind.partition(".")[0] not in ("events", "leases"))
    line = '{range .items[*]}{.apiVersion} {.kind} {.metadata.namespace}/{.metadata.name}{"\\n"}{end}'
    return set(plane.kubectl("get", asked, "--all-namespaces", f"--output=jsonpath={line}").stdout.splitlines())


def test_its_pods_pass_as_restricted_and_as_critical_where_either_is_limited(
    plane: ControlPlane, bare: set[str], tmp_path: Path
) -> None:
    combination = Combination(overlay="production", components=RESTRICTED)
    assert apply(plane, kustomization(tmp_path, combination)) == ""
    for pod in pods_of(plane, NAMESPACE, 3, selector=SELECTOR):
        assert pod["spec"]["priorityClassName"] == "system-cluster-critical"
    refused = create(plane, workloads.pod(NAMESPACE, "unrestricted"), dry_run=True)
    assert 'violates PodSecurity "restricted:latest"' in refused.body["message"]


def test_elsewhere_a_critical_pod_is_refused(plane: ControlPlane) -> None:
    """So the quota that is installed is what lets ours in."""
    pod = workloads.pod("default", "critical")
    pod["spec"]["priorityClassName"] = "system-cluster-critical"
    assert "insufficient quota to match these scopes" in create(plane, pod, dry_run=True).body["message"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_with_all_components_is_applied_without_a_warning(
    plane: ControlPlane, bare: set[str], tmp_path: Path, overlay: str
) -> None:
    assert apply(plane, kustomization(tmp_path, Combination(overlay=overlay, components=EVERYTHING))) == ""
    wait_for(lambda: any(is_on_the_host(pod) for pod in pods_of(plane, NAMESPACE, 1)), "a pod is on the host's network")


def is_on_the_host(pod: dict[str, Any]) -> bool:
    return bool(pod["spec"].get("hostNetwork"))


def test_an_upgrade_changes_what_has_changed_and_no_more(plane: ControlPlane, bare: set[str], tmp_path: Path) -> None:
    combination = Combination(overlay="staging", components=WITHOUT_POLICIES)
    newer = {"images": [{"name": "ray-webhook", "newTag": "0.2.0"}]}
    apply(plane, kustomization(tmp_path / "before", combination))
    before = versions(plane, tmp_path / "before")
    assert apply(plane, kustomization(tmp_path / "after", combination, **newer)) == ""
    changed = {kind for (kind, _), _ in versions(plane, tmp_path / "after").items() - before.items()}
    assert {"Deployment"} <= changed <= {"Deployment", "CronJob", *COUNTING}


def versions(plane: ControlPlane, folder: Path) -> dict[tuple[str, str], str]:
    """The resource version of every object of a kustomization."""
    line = '{range .items[*]}{.kind} {.metadata.name} {.metadata.resourceVersion}{"\\n"}{end}'
    lines = plane.kubectl("get", "-k", str(folder), f"--output=jsonpath={line}").stdout.splitlines()
    return {(kind, name): version for kind, name, version in map(str.split, lines)}


def test_two_installations_stand_side_by_side_and_leave_nothing_behind(
    plane: ControlPlane, bare: set[str], tmp_path: Path
) -> None:
    """All components may have been there before."""
    combination = Combination(overlay="production", components=WITHOUT_POLICIES)
    folders = [kustomization(tmp_path / "one", combination), kustomization(tmp_path / "two", combination, **RENAMED)]
    assert [apply(plane, folder) for folder in folders] == ["", ""]
    pods_of(plane, "ray-system", 3, selector=SELECTOR)
    every = kustomization(tmp_path / "every", Combination(overlay="production", components=EVERYTHING))
    for folder in (every, folders[1]):
        plane.kubectl("delete", "--wait=false", "-k", str(folder), "--ignore-not-found")
    wait_for(lambda: stored(plane) <= bare, "all that was installed is gone")
    assert stored(plane) == bare


def test_who_installs_into_a_namespace_with_workloads_is_told(plane: ControlPlane, tmp_path: Path) -> None:
    """By the API server, which refuses nothing: no manifest can ask it to, and deploy/apply.sh does so instead."""
    plane.create_namespace("shop")
    create(plane, workloads.pod("shop", "till")).checked()
    said = apply(plane, kustomization(tmp_path, Combination(overlay="dev"), namespace="shop"), "--dry-run=server")
    assert 'existing pods in namespace "shop" violate the new PodSecurity enforce level "restricted:latest"' in said
    assert "till" in said
