"""The alerts and the dashboard of deploy/monitoring as data, and their expressions in a form that can be asked for.

An alert's expression has data only while it fires, so it is taken apart: at the set operators that stand at the
beginning of a line, and without the comparison with a number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
MONITORING: Final = ROOT / "deploy" / "monitoring"
DASHBOARD: Final = MONITORING / "ray-webhook.json"
ALERTS_TEST: Final = ROOT / "tests" / "e2e" / "monitoring" / "alerts_test.yaml"
DEFINITIONS: Final = ROOT / "tests" / "fixtures" / "definitions" / "monitoring.coreos.com.yaml"

_SET_OPERATOR: Final = re.compile(r"^(?:and|or|unless)\b(?: on \([^)]*\))?", re.MULTILINE)
_COMPARISON: Final = re.compile(r"\s*[<>=!]=?\s*[\d.]+(?:\s*\*\s*\d+)?$")
_SCRAPED_BEFORE: Final = " and on (job, instance) up offset 10m == 1"
"""Prometheus' own metric, of a time before the test; promtool's tests show what this is for."""
_OR_ZERO: Final = " or vector(0)"
_VARIABLES: Final = {"$__rate_interval": "1m", "$namespace": ".*", "$pod": ".*", "$application": ".*"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Expression:
    """An expression that must have data, and the labels that its text is written with."""

    where: str
    query: str
    labels: frozenset[str] = frozenset()


def rules() -> dict[str, Any]:
    """The spec of the PrometheusRule, which is a rules file as Prometheus reads it."""
    spec: dict[str, Any] = yaml.safe_load((MONITORING / "prometheusrule.yaml").read_text(encoding="utf-8"))["spec"]
    return spec


def alerts() -> list[dict[str, Any]]:
    """Every alert."""
    return [rule for group in rules()["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    """The dashboard."""
    whole: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return whole


def panels() -> list[dict[str, Any]]:
    """The dashboard's panels, its rows aside."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def alert_operands() -> Iterator[Expression]:
    """What the alerts compare."""
    for alert in alerts():
        for operand in _SET_OPERATOR.split(alert["expr"].replace(_SCRAPED_BEFORE, "")):
            absent = re.fullmatch(r"absent\((.*)\)", operand)
            compared = absent[1] if absent else operand.strip()
            yield Expression(where=alert["alert"], query=_COMPARISON.sub("", compared))


def panel_queries() -> Iterator[Expression]:
    """What the panels show, for all namespaces and pods; a legend names labels as ``{{label}}``."""
    for panel in panels():
        for target in panel["targets"]:
            labels = frozenset(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            yield Expression(
                where=panel["title"], query=_without_variables(target["expr"].removesuffix(_OR_ZERO)), labels=labels
            )


def variable_queries() -> Iterator[Expression]:
    """What the dashboard's variables are chosen from: ``label_values(SERIES, LABEL)``."""
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            assert found, variable["query"]
            query = _without_variables(found[1])
            yield Expression(where=variable["name"], query=query, labels=frozenset({found[2]}))


def _without_variables(expression: str) -> str:
    for name, value in _VARIABLES.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, expression
    return expression
