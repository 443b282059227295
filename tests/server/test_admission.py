"""The answers of the admission paths: shape, denial, warnings, observe mode, faults."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import MutableMapping
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.service import RunningService, client_pod, recorded, running_service
from webhook.injection.decision import Decision
from webhook.injection.snapshot import Snapshot
from webhook.server import admission
from webhook.server.admission import Admission
from webhook.server.limits import MAX_BUFFERED
from webhook.server.logging import Log, LogFormat
from webhook.server.metrics import Metrics
from webhook.server.state import Mode, State


def test_patch_is_base64_of_json_patch(service: RunningService) -> None:
    response = service.review(client_pod())

    assert response["patchType"] == "JSONPatch"
    operations = json.loads(base64.b64decode(response["patch"]))
    assert {operation["op"] for operation in operations} == {"add"}


def test_answer_is_an_admission_review_of_v1(service: RunningService) -> None:
    answer = service.post(json.dumps(client_pod()).encode())

    assert (answer.json["apiVersion"], answer.json["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    assert answer.headers["content-type"] == "application/json"


def test_content_type_with_a_charset_is_json(service: RunningService) -> None:
    body = json.dumps(client_pod()).encode()

    assert service.post(body, Content_Type="application/json; charset=utf-8").status == 200


def test_time_out_parameter_of_the_api_server_is_ignored(service: RunningService) -> None:
    assert service.post(json.dumps(client_pod()).encode(), "/mutate?timeout=3s").status == 200


def test_nothing_to_do_is_allowed_without_a_patch(service: RunningService) -> None:
    response = service.review(recorded("pod-without-role"))

    assert response["allowed"] is True
    assert not {"patch", "patchType", "status", "warnings"} & response.keys()


def test_denial_is_403_with_its_code_and_the_fix(service: RunningService) -> None:
    response = service.review(recorded("pod-bad-role"))

    assert response["allowed"] is False
    assert response["status"]["code"] == 403
    assert response["status"]["reason"] == "Forbidden"
    assert response["status"]["message"].startswith('RAY301: annotation ray.seedcore.io/role is "Head"; allowed: ')


@pytest.mark.parametrize(
    "piece", [{"env": [{"value": "no name"}]}, {"env": [{"name": "PORT", "value": 80}]}, {"env": {}}]
)
def test_malformed_pod_is_allowed_unpatched_and_told_why(service: RunningService, piece: dict[str, Any]) -> None:
    review = client_pod()
    review["request"]["object"]["spec"]["containers"][0].update(piece)

    response = service.review(review)

    assert (response["uid"], response["allowed"]) == (review["request"]["uid"], True)
    assert "patch" not in response
    assert response["warnings"][0].startswith("RAY409: pod: ")
    assert "$.spec.containers[" in response["warnings"][0]


def test_a_pod_of_more_containers_than_any_node_runs_is_left_as_it_is_at_once(service: RunningService) -> None:
    """1.3 MB of them had an answer of 109 MB, and held the event loop for 12 seconds."""
    review = client_pod()
    review["request"]["object"]["spec"]["containers"] = [{"name": "a"}] * 100_000
    began = monotonic()

    response = service.review(review)

    assert monotonic() - began < 2
    assert "patch" not in response
    assert response["warnings"][0].startswith("RAY409: pod: Expected `array` of length <= 500")


def test_observe_mode_decides_and_counts_but_changes_nothing(tmp_path: Path) -> None:
    with running_service(tmp_path, "--mode", "observe") as service:
        patched, denied = service.review(client_pod()), service.review(recorded("pod-bad-role"))

        assert "patch" not in patched
        assert (patched["allowed"], denied["allowed"]) == (True, True)
        assert denied["auditAnnotations"] == {"code": "RAY301", "mode": "observe"}
        counted = 'ray_webhook_decisions_total{code="RAY301",operation="CREATE",role="unset"}'
        assert service.metric(counted) == 1
        codes = [service.await_decision(response["uid"])["codes"] for response in (patched, denied)]
        assert codes == [["RAY101"], ["RAY301"]]


class _Request:
    """One ASGI request, and what was sent back."""

    def __init__(self, body: bytes, *, more: bool = False) -> None:
        self._messages = [{"type": "http.request", "body": body, "more_body": more}]
        self.sent: list[MutableMapping[str, Any]] = []
        self.scope = {"method": "POST", "headers": [(b"content-type", b"application/json")]}

    async def receive(self) -> MutableMapping[str, Any]:
        return self._messages.pop(0)

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.append(message)


def test_fault_of_our_own_lets_the_pod_through_with_a_warning_and_logs_no_value(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object, **__: object) -> Decision:
        raise KeyError("a secret value")

    monkeypatch.setattr(admission, "decide", broken)
    log = tmp_path / "log"
    file = os.open(log, os.O_CREAT | os.O_WRONLY)
    state = State(mode=Mode.ENFORCE, metrics=Metrics("enforce"), log=Log(file, LogFormat.JSON), snapshot=Snapshot())
    request, again = (_Request(json.dumps(client_pod()).encode()) for _ in range(2))
    path = Admission(state, None)

    asyncio.run(path(request.scope, request.receive, request.send))
    monkeypatch.undo()
    asyncio.run(path(again.scope, again.receive, again.send))

    os.close(file)
    assert "patch" in json.loads(again.sent[1]["body"])["response"], "a fault is not kept"
    response = json.loads(request.sent[1]["body"])["response"]
    assert (response["allowed"], response["warnings"][0][:6]) == (True, "RAY501")
    assert "patch" not in response
    assert b'ray_webhook_faults_total{code="RAY501"} 1.0' in state.metrics.render()
    assert "KeyError" in log.read_text()
    assert "secret" not in log.read_text()


def test_without_settings_it_answers_503_with_retry_after() -> None:
    state = State(mode=Mode.ENFORCE, metrics=Metrics("enforce"), log=Log(1, LogFormat.JSON))
    request = _Request(b"{}")

    asyncio.run(Admission(state, None)(request.scope, request.receive, request.send))

    assert request.sent[0]["status"] == 503
    assert (b"retry-after", b"1") in request.sent[0]["headers"]
    assert json.loads(request.sent[1]["body"])["code"] == "RAY511"


def test_more_bytes_of_bodies_than_may_be_held_are_told_to_come_again() -> None:
    state = State(mode=Mode.ENFORCE, metrics=Metrics("enforce"), log=Log(1, LogFormat.JSON), snapshot=Snapshot())
    state.budget.held = MAX_BUFFERED
    request = _Request(b"{", more=True)

    asyncio.run(Admission(state, None)(request.scope, request.receive, request.send))

    assert request.sent[0]["status"] == 503
    assert (b"retry-after", b"1") in request.sent[0]["headers"]
    assert json.loads(request.sent[1]["body"])["code"] == "RAY512"
    assert state.budget.held == MAX_BUFFERED


def test_texts_of_a_sender_are_cut_in_the_log_line_but_not_in_the_answer(service: RunningService) -> None:
    review = client_pod()
    review["request"]["uid"] = "u" * 10_000
    review["request"]["object"]["metadata"]["name"] = review["request"]["name"] = "n" * 10_000

    response = service.review(review)

    event = service.await_decision("u" * 256)
    assert event["name"] == "n" * 256
    assert response["uid"] == "u" * 10_000
