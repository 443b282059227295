"""Before the first sync nothing is decided, and the API server is asked to come again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.control_plane import flags
from tests.control_plane.cluster import ControlPlane
from tests.control_plane.process import free_ports, wait_for
from tests.e2e import installation
from tests.e2e.support import metrics
from tests.service import RunningService, recorded, running_service

pytestmark = pytest.mark.e2e


def is_not_ready(service: RunningService) -> bool:
    review = service.post(json.dumps(recorded("pod-dry-run")).encode())
    assert (review.status, review.headers.get("retry-after")) == (503, "1")
    assert "\nray_webhook_ready 0.0\n" in metrics(service)
    return service.ops("/readyz")[0] == 503 and service.request("GET", "/readyz").status == 503


def test_nobody_is_ready_before_the_api_server_has_answered(tmp_path: Path, certificates: Path) -> None:
    """The process itself is well, so nobody need restart it."""
    url = f"https://127.0.0.1:{free_ports(1)[0]}"
    kubeconfig = flags.write_kubeconfig(tmp_path / "kubeconfig", url, certificates / "ca.crt", "token")
    with running_service(tmp_path, "--kubeconfig", str(kubeconfig), settings=None) as service:
        assert is_not_ready(service)
        failed = service.await_event("cluster request failed", count=4)
        assert url in failed["message"]
        assert is_not_ready(service)
        assert service.ops("/healthz")[0] == 200


def test_nobody_is_ready_without_the_right_to_read_settings(
    plane: ControlPlane, installed: str, tmp_path: Path
) -> None:
    kubeconfig = plane.service_account_kubeconfig("default", "default")
    with running_service(tmp_path, "--kubeconfig", str(kubeconfig), settings=None) as service:
        wait_for(
            lambda: any(
                "configmaps" in event["resource"] and "403" in event["message"] and "the right" in event["message"]
                for event in service.events("cluster request failed")
            ),
            "the service has been refused its settings, and says what is missing",
        )
        assert is_not_ready(service)


def test_settings_that_are_not_there_are_no_reason_to_wait(plane: ControlPlane, installed: str, tmp_path: Path) -> None:
    """Nor are KubeRay's definitions: an empty cluster is known at once."""
    kubeconfig = plane.service_account_kubeconfig(installation.NAMESPACE, installation.NAME)
    name = ("--settings-name", "ray-settings", "--namespace", "nowhere")
    with running_service(tmp_path, "--kubeconfig", str(kubeconfig), *name, settings=None) as service:
        wait_for(lambda: service.ops("/readyz")[0] == 200, "the service is ready", seconds=5)
