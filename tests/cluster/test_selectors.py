"""Label selectors: what they select, and what is told of the requirement that is not met."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from webhook.cluster.selectors import LabelSelector, selects

LABELS = {"app": "api", "empty": ""}


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "is_selected"),
    [
        ({}, True),
        ({"matchLabels": None, "matchExpressions": None}, True),
        ({"matchLabels": {"app": "api"}}, True),
        ({"matchLabels": {"app": "api", "tier": "web"}}, False),
        (expression("app", "In", "web", "api"), True),
        (expression("app", "In", "web"), False),
        (expression("tier", "In", "web"), False),
        (expression("app", "NotIn", "api"), False),
        (expression("tier", "NotIn", "web"), True),
        (expression("empty", "Exists"), True),
        (expression("tier", "Exists"), False),
        (expression("app", "DoesNotExist"), False),
        (expression("tier", "DoesNotExist"), True),
        (expression("app", "Gt", "1"), False),
        ({"matchLabels": {"app": "api"}, **expression("tier", "Exists")}, False),
    ],
)
def test_a_selector_selects_as_kubernetes_does(selector: dict[str, Any], is_selected: bool) -> None:
    assert selects(selector, LABELS) is is_selected


@pytest.mark.parametrize(
    ("selector", "query"),
    [
        ({}, ""),
        ({"matchLabels": {"app": "api"}, **expression("tier", "Exists")}, "app in (api),tier"),
        (expression("app", "NotIn", "web", "api"), "app notin (web,api)"),
        (expression("tier", "DoesNotExist"), "!tier"),
    ],
)
def test_a_query_spells_it_for_the_api_server(selector: dict[str, Any], query: str) -> None:
    assert msgspec.convert(selector, LabelSelector).query == query


def test_the_first_requirement_that_is_not_met_is_told() -> None:
    unmet = LabelSelector(match_labels={"app": "api", "tier": "web"}).unmet(LABELS)
    assert unmet is not None
    assert unmet.query == "tier in (web)"
