"""Each promise that the fuzzers watch over: an answer that breaks it is a violation."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.fuzz.oracles import (
    PLANTED,
    Violation,
    check_answer,
    check_log,
    check_repeated,
    patched_review,
    read_review,
)

POD = {
    "metadata": {"name": "web", "labels": {"app": "web"}, "generation": 3},
    "spec": {"containers": [{"name": "app", "env": [{"name": "PLAIN", "value": PLANTED}]}]},
}
ENV = "/spec/containers/0/env"
HOST = {"name": "RAY_HOST", "value": "ray"}
STATUS = {"op": "add", "path": "/metadata/annotations", "value": {"ray.seedcore.io/status": "{}"}}


def body(pod: Any = POD, **request: Any) -> bytes:
    return json.dumps({"request": {"uid": "right", "operation": "CREATE", "object": pod, **request}}).encode()


def answer(**response: Any) -> dict[str, Any]:
    return {"response": {"uid": "right", "allowed": True, "auditAnnotations": {"code": "RAY101"}, **response}}


def patching(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"patch": base64.b64encode(json.dumps(operations).encode()).decode()}


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, answer()),
        (200, answer(warnings=["RAY401: " + "x" * 248])),
        (200, answer(allowed=False, status={"code": 403, "message": "RAY301: no"})),
        (400, {"code": "RAY813", "message": "no JSON"}),
    ],
)
def test_a_right_answer_is_none(status: int, content: Any) -> None:
    check_answer(status, content, body())


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (500, {"code": "RAY501", "message": "fault"}),
        (302, {"code": "RAY817", "message": "elsewhere"}),
        (400, {"code": "RAY813", "message": "no\nJSON"}),
        (400, {"code": "RAY813", "message": ""}),
        (200, answer(uid="wrong")),
        (200, answer(auditAnnotations={"code": "RAY502"})),
        (200, answer(warnings=["RAY401: " + "x" * 249])),
        (200, answer(warnings=["RAY401: \u00fc"])),
        (200, answer(warnings=["RAY401: \x1b[31m"])),
        (200, answer(allowed=False, status={"code": 500, "message": "RAY301: no"})),
        (200, answer(allowed=False, status={"code": 403, "message": "RAY301:\tno"})),
        (200, answer(allowed=False, status={"code": 403, "message": "RAY301: no"}, patch="W10=")),
    ],
)
def test_an_answer_that_must_not_be_is_one(status: int, content: Any) -> None:
    with pytest.raises(Violation):
        check_answer(status, content, body())


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "add", "path": ENV + "/-", "value": HOST}, STATUS],
        [{"op": "add", "path": ENV, "value": [HOST, {"name": "PLAIN", "value": PLANTED}]}],
        [{"op": "add", "path": ENV + "/0", "value": {"name": "ALIAS", "value": "ray"}}],
    ],
)
def test_a_patch_of_our_variables_and_the_status_is_none(operations: Sequence[dict[str, Any]]) -> None:
    again = patched_review(body(), answer(**patching(*operations))["response"], ["ALIAS"])
    assert again is not None
    assert len(read_review(again)["request"]["object"]["spec"]["containers"][0]["env"]) == 2


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": ENV + "/7", "value": HOST},
        {"op": "add", "path": "/spec/initContainers/0/env", "value": [HOST]},
        {"op": "remove", "path": ENV + "/0"},
        {"op": "add", "path": ENV, "value": [HOST]},
        {"op": "add", "path": ENV + "/-", "value": {"name": "OTHER", "value": "ray"}},
        {"op": "replace", "path": "/spec/containers/0/name", "value": "other"},
        {"op": "add", "path": "/metadata/labels/x", "value": "y"},
        {"op": "add", "path": "/metadata/annotations", "value": {"x": "y"}},
        {"op": "add", "path": "/spec/hostNetwork", "value": True},
    ],
)
def test_a_patch_that_does_not_apply_or_changes_anything_else_is_one(operation: dict[str, Any]) -> None:
    with pytest.raises(Violation):
        patched_review(body(), answer(**patching(operation))["response"], ["ALIAS"])


def test_a_status_on_ephemeral_containers_is_one() -> None:
    """There the API server refuses every other change."""
    with pytest.raises(Violation):
        patched_review(body(subResource="ephemeralcontainers"), answer(**patching(STATUS))["response"])


@pytest.mark.parametrize("again", [answer(patch="W10="), answer(allowed=False)])
def test_a_patched_pod_that_is_patched_or_denied_again_is_one(again: Any) -> None:
    check_repeated(200, answer())
    with pytest.raises(Violation):
        check_repeated(200, again)


def test_a_log_line_that_tells_a_value_is_one() -> None:
    check_log([b'{"event":"decision","name":"web"}\n'], body())
    for line in (
        b'{"event":"decision","name":"%s"}\n' % PLANTED.encode(),
        b'{"event":"decision"}\n{"event":"decision"}\n',
        b'{"event":"decision"}',
        b'{"event":"fault"}\n',
    ):
        with pytest.raises(Violation):
            check_log([line], body())


def test_a_log_line_that_tells_a_pods_name_is_none_whatever_the_name_is() -> None:
    pod = POD | {"metadata": {"name": PLANTED}}
    check_log([b'{"event":"decision","name":"%s"}\n' % PLANTED.encode()], body(pod))


@pytest.mark.parametrize("junk", ["1e999", "9" * 5000, "[" * 100 + "]" * 100])
def test_numbers_that_cannot_be_written_again_do_not_count(junk: str) -> None:
    content = body({**POD, "status": "JUNK"}).replace(b'"JUNK"', junk.encode())
    again = patched_review(content, answer(**patching(STATUS))["response"])
    assert again is not None
    assert read_review(again)["request"]["object"]["metadata"]["annotations"]
