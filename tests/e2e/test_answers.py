"""What people see who create pods: denials, warnings, and faults of their own, through the API server and kubectl."""

from __future__ import annotations

import json

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.errors import ControlPlaneError
from tests.e2e import workloads
from tests.e2e.audit import AUDITED_NAMESPACE, AuditLog
from tests.e2e.expected import client_env, entries
from tests.e2e.support import create, env_of, reviews_received, seconds_until
from tests.service import RunningService

pytestmark = pytest.mark.e2e

SAID = 'admission webhook "role.ray.seedcore.io" denied the request: '


@pytest.fixture(scope="module")
def namespace(plane: ControlPlane, service: RunningService) -> str:
    return plane.create_namespace("answers")


@pytest.mark.parametrize(
    ("written", "code", "told"),
    [
        ({"role": "Client"}, "RAY301", ["ray.seedcore.io/role", "Client", "head, worker, client, none"]),
        ({"role": ""}, "RAY301", ["ray.seedcore.io/role", "head, worker, client, none"]),
        ({"role": "client", "cluster": "a", "service": "b"}, "RAY302", ["ray.seedcore.io/cluster", "one of the two"]),
        ({"role": "client", "cluster": "elsewhere/train"}, "RAY304", ["elsewhere/train", "RAY_ALLOWED_REFERENCES"]),
        ({"role": "client", "connect": "direct"}, "RAY305", ["ray.seedcore.io/connect", "direct", "client, jobs"]),
    ],
)
def test_a_mistake_is_denied_with_what_is_allowed(
    plane: ControlPlane, namespace: str, written: dict[str, str], code: str, told: list[str]
) -> None:
    answer = create(plane, workloads.pod(namespace, **written))
    message = answer.body["message"]
    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")
    assert message.startswith(f"{SAID}{code}: ")
    assert [part for part in told if part not in message] == []


def test_a_declared_value_that_differs_is_denied_where_the_pod_says_so(plane: ControlPlane, namespace: str) -> None:
    env = entries(RAY_ADDRESS="ray://old:10001")
    answer = create(plane, workloads.pod(namespace, env=env, role="client", on_conflict="deny"))
    assert answer.status == 403
    assert answer.body["message"].startswith(f"{SAID}RAY309: ")
    for part in ("app", "RAY_ADDRESS", "ray://old:10001", "ray://seedcore-head-svc.seedcore-dev:10001"):
        assert part in answer.body["message"]


def test_a_denial_reaches_whoever_uses_kubectl(plane: ControlPlane, namespace: str) -> None:
    manifest = json.dumps(workloads.pod(namespace, "refused", role="boss"))
    with pytest.raises(ControlPlaneError, match=r"denied the request: RAY301: annotation ray\.seedcore\.io/role") as no:
        plane.kubectl("create", "-f", "-", stdin=manifest)
    assert 'is "boss"; allowed: head, worker, client, none' in str(no.value)


def test_a_warning_reaches_whoever_uses_kubectl(plane: ControlPlane, namespace: str) -> None:
    manifest = json.dumps(workloads.pod(namespace, "warned", role="client", containers="app, sidecar"))
    said = plane.kubectl("create", "-f", "-", stdin=manifest)
    assert said.stdout == "pod/warned created\n"
    assert said.stderr.startswith("Warning: RAY403: ")
    assert "sidecar" in said.stderr


def test_text_that_users_wrote_is_escaped_in_what_they_are_told(plane: ControlPlane, namespace: str) -> None:
    answer = create(plane, workloads.pod(namespace, role="client", containers="app,sidecar\n\x1b[31mÄ"))
    assert answer.status == 403
    assert answer.body["message"].isascii()
    assert answer.body["message"].isprintable()


def test_a_malformed_pod_is_refused_by_the_api_server_and_not_by_the_webhook(
    plane: ControlPlane, service: RunningService, namespace: str
) -> None:
    """The pod reaches the webhook before it is validated; with a patch or without, the fault told is the pod's own."""
    pod = workloads.pod(namespace, env=[{"name": "A=B", "value": "1"}, {"value": "no name"}], role="client")
    before = reviews_received(service)
    answer = create(plane, pod)
    assert reviews_received(service) == before + 1
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert {cause["field"] for cause in answer.body["details"]["causes"]} == {
        "spec.containers[0].env[0].name",
        "spec.containers[0].env[1].name",
    }


def test_a_field_of_a_wrong_type_never_reaches_the_webhook(
    plane: ControlPlane, service: RunningService, namespace: str
) -> None:
    pod = workloads.pod(namespace, env="none", role="client")
    before = reviews_received(service)
    answer = create(plane, pod)
    assert (answer.status, reviews_received(service)) == (400, before)


def test_a_field_that_the_api_server_does_not_know_is_no_matter(plane: ControlPlane, namespace: str) -> None:
    pod = workloads.pod(namespace, role="client")
    pod["spec"]["brandNewField"] = {"a": [1]}
    assert env_of(create(plane, pod).checked()) == client_env()


def test_a_declared_variable_is_replaced_where_it_stands_and_told_nowhere(plane: ControlPlane, namespace: str) -> None:
    env = entries(FIRST="1", RAY_ADDRESS="ray://old:10001", LAST="$(RAY_ADDRESS)")
    answer = create(plane, workloads.pod(namespace, env=env, role="client"))
    found = env_of(answer.checked())
    wanted = {entry["name"]: entry["value"] for entry in client_env()} | {"FIRST": "1", "LAST": "$(RAY_ADDRESS)"}
    assert {entry["name"]: entry["value"] for entry in found} == wanted
    names = [entry["name"] for entry in found]
    assert (names[:1], names.index("RAY_ADDRESS") < names.index("LAST")) == (["FIRST"], True)


def test_the_audit_log_names_the_code_and_the_entry_that_took_the_pod(
    plane: ControlPlane, service: RunningService, audit_log: AuditLog
) -> None:
    namespace = plane.create_namespace(AUDITED_NAMESPACE, {"ray.seedcore.io/default-role": "client"})
    for written in ({"role": "client"}, {}, {"role": "none"}, {"role": "boss"}):
        create(plane, workloads.pod(namespace, **written))

    def told() -> list[dict[str, str]]:
        found = [event.get("annotations", {}) for event in audit_log.requests("admin") if event["verb"] == "create"]
        return [{key: one[key] for key in one if key.endswith("ray.seedcore.io/code")} for one in found]

    wanted = [
        {"role.ray.seedcore.io/code": "RAY101"},
        {"default-role.ray.seedcore.io/code": "RAY101"},
        {"role.ray.seedcore.io/code": "RAY203"},
        {"role.ray.seedcore.io/code": "RAY301"},
    ]
    seconds_until(told, wanted)
