"""Every recorded review through a real uvicorn over TLS, with what it must become written out in fixtures/expected."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import jsonpatch
import pytest

from tests.service import FIXTURES, RunningService, recorded

NAMES = sorted(path.stem for path in (FIXTURES / "reviews").glob("*.json"))
STATUS = "ray.seedcore.io/status"


def expected(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FIXTURES / "expected" / f"{name}.json").read_text())
    return content


def with_env(pod: dict[str, Any], env: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """`pod` with the env lists of the expectation put in, and nothing else changed."""
    wanted = copy.deepcopy(pod)
    for place, entries in env.items():
        field, name = place.split("/")
        container = next(item for item in wanted["spec"][field] if item["name"] == name)
        container["env"] = entries
    return wanted


@pytest.mark.parametrize("name", NAMES)
def test_recorded_review_becomes_what_is_written_out(service: RunningService, name: str) -> None:
    review, wanted = recorded(name), expected(name)

    response = service.review(review, wanted["path"])

    assert response["uid"] == review["request"]["uid"]
    assert response["allowed"] is wanted["allowed"]
    assert response["auditAnnotations"] == {"code": wanted["code"]}
    assert {text[:6] for text in response.get("warnings", [])} == set(wanted["warnings"])
    message = response.get("status", {}).get("message", "")
    assert all(part in message for part in wanted.get("message_contains", []))
    pod = review["request"]["object"]
    if pod is None:
        assert "patch" not in response
        return
    patch = json.loads(base64.b64decode(response.get("patch", "W10=")))
    patched = jsonpatch.apply_patch(pod, patch)
    status = (patched["metadata"].get("annotations") or {}).pop(STATUS, None)
    assert (status is not None) is wanted["status"]
    if not patched["metadata"].get("annotations") and not pod["metadata"].get("annotations"):
        patched["metadata"].pop("annotations", None)
    assert patched == with_env(pod, wanted["env"])


def test_every_recorded_review_has_its_expectation() -> None:
    assert len(NAMES) > 20
    assert sorted(path.stem for path in (FIXTURES / "expected").glob("*.json")) == NAMES
