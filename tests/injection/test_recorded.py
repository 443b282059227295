"""What a real API server sent is decided as the contract says; the expectations were written from its text."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonpatch
import pytest

from tests.injection.support import CONTAINER_FIELDS, P, check_texts, settings
from webhook import contract
from webhook.contract import Role
from webhook.injection.decision import Decision, Deny, Inject, decide
from webhook.injection.review import parse_review
from webhook.injection.snapshot import Snapshot

FIXTURES = Path(__file__).parent.parent / "fixtures"
NAMES = sorted(path.stem for path in (FIXTURES / "reviews").glob("*.json"))


def _file_settings() -> dict[str, str]:
    lines = (FIXTURES / "settings.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line)


def _decided(name: str) -> tuple[dict[str, Any], dict[str, Any], Decision]:
    """The expectation, the pod as it was sent, and the decision about it."""
    expected = json.loads((FIXTURES / "expected" / f"{name}.json").read_text(encoding="utf-8"))
    body = (FIXTURES / "reviews" / f"{name}.json").read_bytes()
    default_role = Role.CLIENT if expected["path"] == contract.DEFAULT_CLIENT_PATH else None
    known = Snapshot(cluster_wide=settings(_file_settings(), source="settings.env"))
    decision = decide(parse_review(body), known, default_role=default_role)
    return expected, json.loads(body)["request"]["object"], decision


def _containers(whole: dict[str, Any]) -> dict[str, dict[str, Any]]:
    spec = whole["spec"]
    return {f"{field}/{item['name']}": item for field in CONTAINER_FIELDS for item in spec.get(field) or []}


def test_each_review_has_its_expectation() -> None:
    assert sorted(path.stem for path in (FIXTURES / "expected").glob("*.json")) == NAMES
    assert len(NAMES) == 25


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_review_is_answered_as_expected(name: str) -> None:
    expected, _, decision = _decided(name)
    check_texts(decision)
    assert (decision.code.value, not isinstance(decision, Deny)) == (expected["code"], expected["allowed"])
    warnings = {warning.code.value for warning in decision.warnings}
    assert warnings == set(expected["warnings"])
    message = decision.message if isinstance(decision, Deny) else ""
    assert [part for part in expected["message_contains"] if part not in message] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_pod_changes_only_as_expected(name: str) -> None:
    expected, original, decision = _decided(name)
    operations = list(decision.operations) if isinstance(decision, Inject) else []
    assert bool(operations) is bool(expected["env"])
    if operations:
        wanted = copy.deepcopy(original)
        for key, env in expected["env"].items():
            _containers(wanted)[key]["env"] = env
        patched = jsonpatch.apply_patch(copy.deepcopy(original), operations)
        assert isinstance(patched, dict)
        status = (patched["metadata"].get("annotations") or {}).pop(P + "status", None)
        assert (status is not None) is expected["status"]
        if status is not None and not original["metadata"].get("annotations"):
            del patched["metadata"]["annotations"]
            wanted["metadata"].pop("annotations", None)
        assert patched == wanted
