"""The OpenAPI document, health, readiness and metrics, on the ports that have them."""

from __future__ import annotations

import asyncio
import json
from functools import partial

import pytest

from tests.service import RunningService, client_pod
from webhook.injection.snapshot import Snapshot
from webhook.server.health import health_routes
from webhook.server.logging import Log, LogFormat
from webhook.server.metrics import Metrics
from webhook.server.state import Mode, State


def test_both_admission_paths_are_in_the_openapi_document(service: RunningService) -> None:
    document = service.request("GET", "/openapi.json").json

    assert {"/mutate", "/mutate/default-role/client", "/healthz", "/readyz"} <= document["paths"].keys()
    assert document["paths"]["/mutate"]["post"]["requestBody"]["required"] is True


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_answers_on_both_ports(service: RunningService, path: str) -> None:
    assert service.request("GET", path).status == 200
    assert service.ops(path)[0] == 200


def test_a_part_that_has_ended_fails_liveness_by_its_name_and_readiness_does_not_care() -> None:
    at_work = {"followers": True, "cluster": True}
    state = State(mode=Mode.ENFORCE, metrics=Metrics("enforce"), log=Log(1, LogFormat.JSON), snapshot=Snapshot())
    state.vital |= {name: partial(at_work.__getitem__, name) for name in at_work}
    asked = {route.path: route.endpoint for route in health_routes(state).routes}  # type: ignore[attr-defined]

    assert asyncio.run(asked["/healthz"]()).status_code == 200
    at_work["cluster"] = False
    answer = asyncio.run(asked["/healthz"]())

    assert (answer.status_code, json.loads(answer.body)) == (503, {"status": "failing", "ended": ["cluster"]})
    assert asyncio.run(asked["/readyz"]()).status_code == 200


def test_metrics_and_admission_are_kept_apart(service: RunningService) -> None:
    assert service.request("GET", "/metrics").status == 404
    assert service.ops("/mutate")[0] == 404


def test_decisions_are_counted_by_code_role_and_operation(service: RunningService) -> None:
    counter = 'ray_webhook_decisions_total{code="RAY101",operation="CREATE",role="client"}'
    before = service.metric(counter)

    service.review(client_pod())

    assert service.metric(counter) == before + 1


def test_warnings_are_counted_by_code(service: RunningService) -> None:
    counter = 'ray_webhook_warnings_total{code="RAY403"}'
    before = service.metric(counter)

    service.review(client_pod({"ray.seedcore.io/skip-containers": "sidecar"}))

    assert service.metric(counter) == before + 1


def test_operations_that_nobody_knows_are_counted_as_other(service: RunningService) -> None:
    for operation in ("FIRST", "SECOND"):
        review = client_pod()
        review["request"]["operation"] = operation
        service.review(review)

    text = service.ops("/metrics")[1]
    assert 'operation="OTHER"' in text
    assert "FIRST" not in text


def test_duration_histogram_begins_at_100_microseconds(service: RunningService) -> None:
    service.review(client_pod())

    text = service.ops("/metrics")[1]
    buckets = [line for line in text.splitlines() if line.startswith("ray_webhook_admission_duration_seconds_bucket")]
    assert buckets[0].startswith('ray_webhook_admission_duration_seconds_bucket{le="0.0001"}')
    assert service.metric("ray_webhook_admission_duration_seconds_count") > 0


def test_state_of_settings_certificate_and_build_is_shown(service: RunningService) -> None:
    assert service.metric("ray_webhook_ready") == 1
    assert service.metric("ray_webhook_settings_good") == 1
    assert service.metric("ray_webhook_settings_loaded_timestamp_seconds") > 1.7e9
    assert service.metric("ray_webhook_certificate_good") == 1
    assert service.metric("ray_webhook_certificate_expiry_timestamp_seconds") > 1.7e9
    assert 'ray_webhook_build_info{mode="enforce",version="' in service.ops("/metrics")[1]


def test_counters_of_few_codes_are_shown_from_the_start() -> None:
    """Of a series that begins at 1 nobody can tell that it has risen."""
    text = Metrics("enforce").render().decode()

    shown = {line for line in text.splitlines() if line.endswith(" 0.0")}
    assert {f'ray_webhook_faults_total{{code="{code}"}} 0.0' for code in ("RAY501", "RAY502")} <= shown
    assert {f'ray_webhook_warnings_total{{code="RAY4{number:02}"}} 0.0' for number in range(1, 17)} <= shown
    assert {f'ray_webhook_refused_requests_total{{code="{code}"}} 0.0' for code in ("RAY511", "RAY813")} <= shown


def test_readiness_is_shown_as_it_is_told() -> None:
    state = State(mode=Mode.ENFORCE, metrics=Metrics("enforce"), log=Log(1, LogFormat.JSON))

    def shown() -> bool:
        return b"\nray_webhook_ready 1.0\n" in state.metrics.render()

    assert not shown()
    state.snapshot = Snapshot()
    assert shown()
    state.stopping = True
    assert not shown()


def test_decision_is_one_log_line_without_values(service: RunningService) -> None:
    review = client_pod({"ray.seedcore.io/skip-containers": "a\nb"}, [{"name": "PASSWORD", "value": "hunter2"}])
    review["request"]["uid"] = "logged\nuid"

    service.review(review)

    event = service.await_decision("logged\nuid")
    assert event["codes"] == ["RAY307"]
    assert (event["namespace"], event["name"], event["role"], event["operations"]) == ("apps", "dry", "client", 0)
    assert event["ms"] > 0
    assert b"hunter2" not in b"".join(service.lines)


def test_log_line_names_the_controller_of_a_nameless_pod(service: RunningService) -> None:
    review = client_pod()
    metadata = review["request"]["object"]["metadata"]
    metadata["ownerReferences"] = [{"kind": "ReplicaSet", "name": "api-1", "controller": True}]
    review["request"]["uid"] = "owned"

    service.review(review)

    event = service.await_decision("owned")
    assert event["owner"] == "ReplicaSet/api-1"
    assert "name" not in event
