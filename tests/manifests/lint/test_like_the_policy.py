"""Lint says of a file what the manifest policy in the API server says when it is applied (tests/e2e/policies)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.policies.manifests import PLAIN, RAY, template
from tests.e2e.workloads import our_annotations
from tests.manifests.lint.support import lint_one
from webhook.manifests.lint.finding import Level

EVERYWHERE = PLAIN | RAY
BY_HAND = {"RAY_ADDRESS": "ray://by-hand:10001"}
AS_THE_POLICY = {"RAY608": "RAY604"}
"""Lint has a code of its own for an address that is wrong inside Ray."""


def heard(document: dict[str, Any]) -> list[str]:
    """The policy's codes of what is no note."""
    findings = [one for one in lint_one(json.dumps(document, indent=1)) if one.level is not Level.NOTE]
    return sorted({AS_THE_POLICY.get(one.code, str(one.code)) for one in findings})


@pytest.mark.parametrize("place", EVERYWHERE)
@pytest.mark.parametrize(
    ("made", "codes"),
    [
        (template(), []),
        (template(role="none", env=BY_HAND), []),
        (template(role="worker", containers="app", connect="jobs"), []),
        (template(role="bad"), ["RAY301"]),
        (template(role=""), ["RAY301"]),
        (template(rol="client"), ["RAY602"]),
        (template(cluster="train"), ["RAY603"]),
        (template(role="head", env=BY_HAND), ["RAY604"]),
        (template(role="worker", env={"RAY_HOST": "by-hand"}), ["RAY604"]),
        (template(role="worker", env={"RAY_ADDRESS": "auto"}), []),
        (template(role="worker", env=BY_HAND, on_conflict="keep"), []),
        (template(role="worker", env=BY_HAND, skip_containers="app"), []),
    ],
)
def test_every_template_is_judged_like_the_policy_does(place: str, made: dict[str, Any], codes: list[str]) -> None:
    told = heard(EVERYWHERE[place](made))

    # KubeRay's label beats the annotation, of which the webhook warns and the policy does not.
    assert [code for code in told if code not in ("RAY405", "RAY406")] == codes


@pytest.mark.parametrize("place", EVERYWHERE)
def test_our_annotations_on_the_workload_instead_of_the_template(place: str) -> None:
    document = EVERYWHERE[place](template())
    document["metadata"]["annotations"] = our_annotations({"role": "client"})
    assert heard(document) == ["RAY601"]
