"""A cluster of its own, for what is installed here judges every pod and workload: base, guard and manifest policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.fixtures import running
from tests.control_plane.process import free_ports
from tests.e2e import installation
from tests.e2e.policies.definitions import closed_definitions
from tests.e2e.policies.support import in_namespace, overlay, wait_until_told
from tests.e2e.targets import cluster
from tests.injection.support import container, kuberay_pod, pod

NAMESPACES = {
    "apps": {},
    "clients": {"ray.seedcore.io/default-role": "client"},
    "off": {"ray.seedcore.io/injection": "disabled", "ray.seedcore.io/default-role": "client"},
}


@pytest.fixture(scope="session")
def policed(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[ControlPlane]:
    """The policies are in force, in a cluster whose webhook does not answer."""
    folder = tmp_path_factory.mktemp("policies")
    with running(folder / "plane") as plane:
        plane.apply(closed_definitions())
        plane.kubectl("apply", "--server-side", "-k", str(overlay(folder / "overlay", "guard", "manifest-policy")))
        for name, labels in NAMESPACES.items():
            plane.create_namespace(name, labels)
        away(plane, certificates)
        wait_until_in_force(plane)
        yield plane


def away(plane: ControlPlane, certificates: Path) -> None:
    """Let the API server call a port at which nobody listens."""
    installation.connect(plane, free_ports(1)[0], (certificates / "ca.crt").read_bytes())


def wait_until_in_force(plane: ControlPlane) -> None:
    """Each of the four policies is heard of."""
    bad = {"ray.seedcore.io/role": "bad"}
    template = {"metadata": {"annotations": bad}, "spec": {"containers": [container()]}}
    workload = cluster("apps", "probe", {"headGroupSpec": {"template": template}})
    labels = {"ray.seedcore.io/injection": "off"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "probe", "labels": labels}}
    wait_until_told(plane, in_namespace(pod("bad")), ["RAY301"], 403)
    wait_until_told(plane, in_namespace(kuberay_pod("head", "bad")), ["RAY301"], 201)
    wait_until_told(plane, workload, ["RAY301"], 201)
    wait_until_told(plane, namespace, ["RAY605"], 201)
