"""Alerts and dashboard as they are written; ``make e2e`` asks a real Prometheus (tests/e2e/monitoring)."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest
import yaml

from ray_config.errors import RayConfigError
from tests.deploy.monitoring import (
    ALERTS_TEST,
    DASHBOARD,
    alert_operands,
    alerts,
    dashboard,
    panel_queries,
    panels,
)


def test_an_alert_says_how_bad_it_is_what_happened_and_what_to_do() -> None:
    for alert in alerts():
        assert alert["labels"]["severity"] in {"critical", "warning"}, alert
        assert set(alert["annotations"]) == {"summary", "description"}, alert
        assert alert["annotations"]["summary"][-1] != "."
        assert alert["annotations"]["description"][-1] == "."


def test_each_alert_has_tests_in_which_it_fires_and_then_ends() -> None:
    """Of each severity, where one alert has two."""
    written = yaml.safe_load(ALERTS_TEST.read_text(encoding="utf-8"))["tests"]
    fires, ends = set(), set()
    for test in written:
        firing: set[tuple[str, str]] = set()
        for case in test["alert_rule_test"]:
            if case["exp_alerts"]:
                firing |= {(case["alertname"], one["exp_labels"]["severity"]) for one in case["exp_alerts"]}
            else:
                ends |= {(name, severity) for name, severity in firing if name == case["alertname"]}
        fires |= firing
    assert fires == ends == {(alert["alert"], alert["labels"]["severity"]) for alert in alerts()}


@pytest.mark.parametrize(
    ("alert", "compared"),
    [
        ("RayWebhookDown", ["ray_webhook_ready"]),
        (
            "RayWebhookReplicaNotReady",
            ['min by (namespace, pod) (up{job="ray-webhook"})', "min by (namespace, pod) (ray_webhook_ready)"],
        ),
        (
            "RayWebhookSettingsBroken",
            [
                "max by (namespace, config_map, key) (ray_webhook_settings_broken_key)",
                "min by (namespace) (ray_webhook_settings_good and ray_webhook_ready == 1)",
            ],
        ),
        (
            "RayWebhookCertificateNearExpiry",
            ["min by (namespace) (ray_webhook_certificate_expiry_timestamp_seconds) - time()"] * 2,
        ),
    ],
)
def test_an_expression_is_taken_apart_into_what_it_compares(alert: str, compared: list[str]) -> None:
    """What the end-to-end test asks for has data, whether the alert fires or not."""
    assert [one.query for one in alert_operands() if one.where == alert] == compared


def test_the_dashboard_is_json_as_an_editor_writes_it() -> None:
    text = DASHBOARD.read_text(encoding="utf-8")
    assert text == json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    everything = dashboard()["panels"]
    assert [panel["id"] for panel in everything] == list(range(1, len(everything) + 1))
    for one, other in combinations(everything, 2):
        assert not overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])
    assert max(panel["gridPos"]["x"] + panel["gridPos"]["w"] for panel in everything) == 24


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    """Whether two places share a cell."""
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: str(panel["title"]))
def test_a_panel_says_what_it_shows_in_what_unit(panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert [target["datasource"] for target in panel["targets"]] == [panel["datasource"]] * len(panel["targets"])


def test_what_a_replica_tells_is_shown_of_the_chosen_replicas() -> None:
    """The API server's metrics are about all of them."""
    expressions = [target["expr"] for panel in panels() for target in panel["targets"]]
    for expression in expressions:
        chosen = expression.count('{namespace=~"$namespace", pod=~"$pod"') + expression.count(
            '{job="ray-webhook", namespace=~"$namespace", pod=~"$pod"'
        )
        assert chosen == expression.count("ray_webhook_") + expression.count("process_"), expression


def test_what_an_application_tells_is_shown_of_the_chosen_namespaces() -> None:
    """It runs elsewhere than the webhook."""
    for expression in (target["expr"] for panel in panels() for target in panel["targets"]):
        assert expression.count('{namespace=~"$application"}') == expression.count("ray_config_"), expression


def test_the_alert_about_failures_that_no_retry_mends_names_their_reasons() -> None:
    (alert,) = [alert["expr"] for alert in alerts() if alert["alert"] == "RayConfigCannotConnect"]
    named = re.findall(r'reason=~"([^"]+)"', alert)
    assert [reasons.split("|") for reasons in named] == [sorted(lasting_reasons(RayConfigError))] * 2


def lasting_reasons(error: type[RayConfigError]) -> set[str]:
    """The reasons of those kinds of `error` that are raised, and that ray_config does not try again."""
    kinds = error.__subclasses__()
    if not kinds:
        return set() if error.transient else {error.reason}
    return {reason for kind in kinds for reason in lasting_reasons(kind)}


def test_variables_are_replaced_before_prometheus_is_asked() -> None:
    assert not [one.query for one in panel_queries() if "$" in one.query]
