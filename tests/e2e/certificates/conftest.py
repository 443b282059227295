"""A cluster with the shipped base, and two replicas under its ServiceAccount that look after their certificate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.fixtures import running
from tests.e2e import installation, workloads
from tests.e2e.audit import AuditLog
from tests.e2e.balancer import Balancer, balancing
from tests.e2e.certificates.fleet import Fleet, fleet_on, overlay


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="package")
def audit_log(folder: Path) -> AuditLog:
    return AuditLog(folder=folder)


@pytest.fixture(scope="package")
def plane(folder: Path, audit_log: AuditLog) -> Iterator[ControlPlane]:
    with running(folder / "plane", api_server_flags=audit_log.flags()) as plane:
        yield plane


@pytest.fixture(scope="package")
def balancer() -> Iterator[Balancer]:
    with balancing() as balancer:
        yield balancer


@pytest.fixture(scope="package")
def installed(plane: ControlPlane, folder: Path, balancer: Balancer) -> Path:
    """The base in place, as users apply it; gives its kustomization."""
    made = folder / "overlay"
    made.mkdir()
    overlay(made, balancer.port)
    plane.kubectl("apply", "--server-side", "-k", str(made))
    plane.wait_for_namespace(installation.NAMESPACE)
    plane.apply([workloads.settings(installation.NAMESPACE, RAY_HOST="wide")])
    return made


@pytest.fixture(scope="package")
def fleet(plane: ControlPlane, folder: Path, installed: Path, balancer: Balancer) -> Iterator[Fleet]:
    with fleet_on(plane, folder, balancer) as fleet:
        fleet.start()
        fleet.start()
        fleet.await_ready()
        yield fleet
