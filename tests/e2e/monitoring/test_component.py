"""The component in an overlay of somebody's own, for Prometheus' operator and Grafana in that overlay's namespace."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.deploy.monitoring import DASHBOARD, DEFINITIONS, dashboard, rules
from tests.deploy.rendering import KUSTOMIZE, written
from tests.e2e.installation import BASE, by_kind, documents, rendered

pytestmark = pytest.mark.e2e

ELSEWHERE = "monitoring-elsewhere"
OURS = ("PodMonitor", "PrometheusRule", "ConfigMap")


@pytest.fixture(scope="module")
def overlay(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Everything that an overlay over the base with the component renders to."""
    folder = tmp_path_factory.mktemp("overlay")
    return rendered(plane, written(folder, [BASE], [KUSTOMIZE / "components" / "monitoring"], namespace=ELSEWHERE))


def test_the_operators_definitions_take_it_without_a_warning(
    plane: ControlPlane, overlay: list[dict[str, Any]]
) -> None:
    plane.apply(documents(DEFINITIONS.read_text(encoding="utf-8")))
    plane.create_namespace(ELSEWHERE)
    ours = [by_kind(overlay, kind) for kind in OURS]
    plane.apply(ours)
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": ours})
    said = plane.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=listed)
    assert (said.stderr, said.stdout.count("serverside-applied")) == ("", len(OURS))
    assert {item["metadata"]["namespace"] for item in ours} == {ELSEWHERE}


def test_the_podmonitor_finds_the_pods_and_their_port(overlay: list[dict[str, Any]]) -> None:
    monitor = by_kind(overlay, "PodMonitor")["spec"]
    template = by_kind(overlay, "Deployment")["spec"]["template"]
    labels = template["metadata"]["labels"]
    assert monitor["selector"]["matchLabels"].items() <= labels.items()
    assert labels[monitor["jobLabel"]] == "ray-webhook"
    ports = {port["name"]: port["containerPort"] for port in template["spec"]["containers"][0]["ports"]}
    assert [ports[endpoint["port"]] for endpoint in monitor["podMetricsEndpoints"]] == [8080]


def test_rules_and_dashboard_arrive_as_they_are_written(overlay: list[dict[str, Any]]) -> None:
    assert by_kind(overlay, "PrometheusRule")["spec"] == rules()
    found = by_kind(overlay, "ConfigMap")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(found["data"][DASHBOARD.name]) == dashboard()
