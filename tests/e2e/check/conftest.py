"""A cluster with all that ``check`` looks at: base, guard, manifest policy, a replica, and a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.fixtures import running
from tests.control_plane.process import free_ports, wait_for
from tests.deploy.rendering import KUSTOMIZE, written
from tests.e2e import installation, targets, workloads
from tests.e2e.certificates.fleet import overlay
from tests.e2e.check.site import Site, ray_cluster
from tests.e2e.expected import CLUSTER_WIDE
from tests.e2e.support import be_ready, create, pods_of
from tests.service import RunningService, running_service
from webhook.cluster.checks.outcome import Group

COMPONENTS = ("guard", "manifest-policy")


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("check")


@pytest.fixture(scope="package")
def plane(folder: Path) -> Iterator[ControlPlane]:
    with running(folder / "plane") as plane:
        yield plane


@pytest.fixture(scope="package")
def before(plane: ControlPlane) -> Site:
    """The cluster before anything is installed."""
    return Site(plane=plane)


@pytest.fixture(scope="package")
def service(plane: ControlPlane, folder: Path) -> Iterator[RunningService]:
    """The base and policies in place, and one replica that looks after its certificate."""
    (port,) = free_ports(1)
    (folder / "base").mkdir()
    components = [KUSTOMIZE / "components" / name for name in COMPONENTS]
    made = written(folder / "overlay", [overlay(folder / "base", port)], components)
    plane.kubectl("apply", "--server-side", "-k", str(made))
    plane.wait_for_namespace(installation.NAMESPACE)
    plane.apply([workloads.settings(installation.NAMESPACE, **CLUSTER_WIDE), *targets.definitions()])
    kubeconfig = plane.service_account_kubeconfig(installation.NAMESPACE, installation.NAME)
    flags = ("--kubeconfig", str(kubeconfig), "--port", str(port))
    with running_service(folder, *flags, settings=None, self_signed=False) as service:
        client = workloads.pod("default", role="client")
        wait_for(
            lambda: create(plane, client, dry_run=True).status == 201, "the guard lets clients in, for they are treated"
        )
        yield service


@pytest.fixture(scope="package")
def site(plane: ControlPlane, service: RunningService) -> Site:
    """All is well."""
    plane.create_namespace("clients", {"ray.seedcore.io/default-role": "client"})
    plane.create_namespace("seedcore-dev")
    plane.apply(ray_cluster("seedcore-dev", "seedcore"))
    for pod in pods_of(plane, installation.NAMESPACE, 2):
        be_ready(plane, pod)
    site = Site(plane=plane)
    wait_for(lambda: not site.problems(Group.REPLICAS), "the replicas are ready")
    return site
