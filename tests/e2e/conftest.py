"""One cluster for all tests here: deploy/kustomize/base is installed, and the service runs as its ServiceAccount."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.fixtures import running
from tests.control_plane.process import wait_for
from tests.e2e import installation, workloads
from tests.e2e.audit import AuditLog
from tests.e2e.expected import CLUSTER_WIDE
from tests.e2e.support import next_host, watch_states
from tests.e2e.targets import definitions
from tests.service import RunningService, running_service
from webhook.certificates.directory import ensure_self_signed


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("e2e")


@pytest.fixture(scope="session")
def audit_log(folder: Path) -> AuditLog:
    return AuditLog(folder=folder)


@pytest.fixture(scope="session")
def plane(folder: Path, audit_log: AuditLog) -> Iterator[ControlPlane]:
    """A cluster of its own: it keeps an audit log, and its webhook is called for pods of every namespace."""
    with running(folder / "plane", api_server_flags=audit_log.flags()) as plane:
        yield plane


@pytest.fixture(scope="session")
def certificates(folder: Path) -> Path:
    """A folder with ca.crt, tls.crt and tls.key for the webhook's Service."""
    tls = folder / "service" / "tls"
    ensure_self_signed(tls, names=[installation.SERVICE_NAME, "127.0.0.1"], now=datetime.now(UTC))
    return tls


@pytest.fixture(scope="session")
def installed(plane: ControlPlane) -> str:
    """The base, applied with its settings; what kubectl said on stderr."""
    said = installation.install(plane)
    plane.wait_for_namespace(installation.NAMESPACE)
    plane.apply([workloads.settings(installation.NAMESPACE, **CLUSTER_WIDE)])
    return said


@pytest.fixture(scope="session")
def service(plane: ControlPlane, installed: str, certificates: Path) -> Iterator[RunningService]:
    """The service under its ServiceAccount's token; the API server calls it as the shipped configuration says.

    KubeRay's definitions are installed when it runs already; it looks for them every 10 seconds.
    """
    with running_service(certificates.parent, *installation.flags(plane, certificates), settings=None) as service:
        port = int(service.url.rpartition(":")[2])
        installation.connect(plane, port, (certificates / "ca.crt").read_bytes())
        wait_for(lambda: next_host(plane, "default"), "the API server calls the webhook")
        wait_for(lambda: watch_states(service)["rayservices"] == "absent", "the service found no RayServices")
        plane.apply(definitions())
        yield service
