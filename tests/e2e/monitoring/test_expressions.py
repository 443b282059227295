"""Every expression of the dashboard and of the alerts, asked of a real Prometheus that scrapes the real metrics."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.errors import ControlPlaneError
from tests.control_plane.process import wait_for
from tests.deploy.monitoring import (
    Expression,
    alert_operands,
    alerts,
    dashboard,
    panel_queries,
    panels,
    variable_queries,
)
from tests.e2e import installation
from tests.e2e.monitoring.programs import Programs
from tests.e2e.monitoring.prometheus import SCRAPE_SECONDS, Prometheus, Target, scrape_configs
from tests.e2e.monitoring.traffic import (
    DISTRUSTED,
    KEPT,
    NAMESPACE,
    running_application,
    send_all,
    send_missed,
    two_namespaces,
)
from tests.service import RunningService, running_service

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def prometheus(
    plane: ControlPlane, service: RunningService, programs: Programs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """It scrapes the API server, the service, two more of it, and an application.

    One of the two may not read settings and so is never ready; the other looks after its certificate.
    """
    folder = tmp_path_factory.mktemp("prometheus")
    no_rights = ("--kubeconfig", str(plane.service_account_kubeconfig("default", "default")))
    admin = ("--kubeconfig", str(plane.kubeconfig), "--namespace", NAMESPACE, "--webhook-configuration", KEPT)
    with (
        two_namespaces(plane, service),
        running_service(folder, *no_rights, settings=None) as unready,
        running_service(folder, *admin, settings=None, self_signed=False) as keeper,
        running_application(folder) as application,
    ):
        services = {"ready": service, "unready": unready, "keeper": keeper}
        targets = [Target(pod=pod, url=one.ops_url, namespace=installation.NAMESPACE) for pod, one in services.items()]
        theirs = {"namespace": NAMESPACE, "job": f"{NAMESPACE}/app", "container": "app", "endpoint": "metrics"}
        targets.append(Target(pod="app", url=application, **theirs))
        with Prometheus(programs, folder, scrape_configs(plane, targets)) as prometheus:
            yield prometheus


@pytest.fixture(scope="module")
def asked(prometheus: Prometheus, plane: ControlPlane, service: RunningService) -> dict[Expression, set[str]]:
    """Every expression, and the labels of the series that it had first; those that never had any are missing."""
    wanted = {*panel_queries(), *alert_operands(), *variable_queries()}
    found: dict[Expression, set[str]] = {}

    def all_found() -> bool:
        send_all(plane, service)
        for expression in wanted - found.keys():
            if series := prometheus.query(expression.query):
                found[expression] = {label for one in series for label in one["metric"]}
        return found.keys() == wanted

    try:
        wait_for(all_found, "every expression has data", seconds=30, interval=SCRAPE_SECONDS / 2)
    except ControlPlaneError:
        return found
    return found


def without_data(expressions: Sequence[Expression], asked: dict[Expression, set[str]]) -> list[str]:
    return [f"{one.where}: {one.query}" for one in expressions if one not in asked]


def test_every_panel_has_data_and_the_labels_of_its_legend(asked: dict[Expression, set[str]]) -> None:
    queries = list(panel_queries())
    assert without_data(queries, asked) == []
    assert [one.where for one in queries if not one.labels <= asked[one]] == []


def test_every_variable_has_values(asked: dict[Expression, set[str]]) -> None:
    queries = list(variable_queries())
    assert without_data(queries, asked) == []
    assert [one.where for one in queries if not one.labels <= asked[one]] == []


def test_everything_that_an_alert_compares_has_data(asked: dict[Expression, set[str]]) -> None:
    assert without_data(list(alert_operands()), asked) == []


def test_the_labels_that_an_alert_names_are_there(asked: dict[Expression, set[str]]) -> None:
    for alert in alerts():
        named = set(re.findall(r"\$labels\.(\w+)", str(alert["annotations"])))
        operands = (one for one in alert_operands() if one.where == alert["alert"])
        known = set[str]().union(*(asked.get(one, ()) for one in operands))
        assert named <= known, alert["alert"]


def test_every_metric_that_is_named_anywhere_exists(prometheus: Prometheus, asked: dict[Expression, set[str]]) -> None:
    """In texts too, and where an expression would have data without it."""
    text = str(dashboard()) + str(alerts())
    named = set(re.findall(r"\b(?:ray_webhook|ray_config|apiserver|process)_\w+", text))
    assert named
    assert named - prometheus.metric_names() == set()


def test_every_metric_of_webhook_and_library_is_shown(
    prometheus: Prometheus, asked: dict[Expression, set[str]]
) -> None:
    """What nobody looks at need not be measured."""
    shown = " ".join(target["expr"] for panel in panels() for target in panel["targets"]) + str(
        dashboard()["templating"]
    )
    suffixes = re.compile(r"_(?:bucket|count|sum|created)$")
    names = (name for name in prometheus.metric_names() if name.startswith(("ray_webhook_", "ray_config_")))
    ours = {suffixes.sub("", name) for name in names}
    assert {name for name in ours if name not in shown and f"{name}_total" not in ours} == set()


def test_an_api_servers_distrust_is_a_failed_handshake_of_the_reason_that_the_alert_explains(
    prometheus: Prometheus, plane: ControlPlane, service: RunningService
) -> None:
    counted = 'ray_webhook_failed_handshakes_total{reason="tls"}'
    before = service.metric(counted)
    send_missed(plane, DISTRUSTED)
    wait_for(lambda: service.metric(counted) > before, "the failed handshake is counted")
