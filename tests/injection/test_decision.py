"""Answers: what is not looked at, malformed pods, reinvocation, the status annotation."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.injection.support import (
    CLIENT_ENV,
    EMPTY,
    ENV_FROM,
    HOST,
    P,
    container,
    kuberay_pod,
    pod,
    review,
    run,
    run_default,
    run_ephemeral,
    run_manifest,
    snapshot,
)
from webhook.contract import Role
from webhook.errors import NotAReviewError, NotJsonError
from webhook.injection.decision import Deny, Inject, decide
from webhook.injection.reasons import Code
from webhook.injection.review import parse_review
from webhook.injection.snapshot import Snapshot

BAD = {"RAY_ADDRESS": "ray://other:1"}


# What is excluded.


@pytest.mark.parametrize("namespace", ["kube-system", "kube-node-lease", "ray-webhook-system"])
@pytest.mark.parametrize("whole", [pod("client"), pod("bad"), kuberay_pod("head", env=BAD)])
def test_pods_of_an_excluded_namespace_are_never_touched(namespace: str, whole: dict[str, Any]) -> None:
    for outcome in (run(whole, namespace=namespace), run_default(whole, namespace=namespace)):
        assert (outcome.code, outcome.unchanged, outcome.warnings) == (Code.EXCLUDED_NAMESPACE, True, [])


def test_the_webhooks_own_namespace_is_what_the_snapshot_says() -> None:
    known = snapshot(webhook_namespace="elsewhere")
    assert run(pod("client"), known, namespace="elsewhere").code is Code.EXCLUDED_NAMESPACE
    assert run(pod("client"), known, namespace="ray-webhook-system").code is Code.CLIENT


@pytest.mark.parametrize("whole", [pod("client"), pod("bad"), kuberay_pod("head", env=BAD)])
@pytest.mark.parametrize("value", ["abc", ""])
def test_mirror_pods_are_never_touched(whole: dict[str, Any], value: str) -> None:
    whole = copy.deepcopy(whole)
    whole["metadata"]["annotations"]["kubernetes.io/config.mirror"] = value
    for outcome in (run(whole), run_default(whole)):
        assert (outcome.code, outcome.unchanged) == (Code.MIRROR_POD, True)


def test_a_null_mirror_annotation_is_absent() -> None:
    whole = pod("client")
    whole["metadata"]["annotations"]["kubernetes.io/config.mirror"] = None
    assert run(whole).code is Code.CLIENT


@pytest.mark.parametrize(
    "request_fields",
    [
        {"operation": "UPDATE"},
        {"operation": "UPDATE", "subResource": "status"},
        {"operation": "CREATE", "subResource": "binding"},
        {"operation": "CREATE", "subResource": "ephemeralcontainers"},
        {"operation": "CONNECT", "subResource": "exec"},
        {"operation": "DELETE"},
        {"resource": {"group": "apps", "version": "v1", "resource": "deployments"}},
    ],
)
def test_other_requests_are_allowed_unpatched(request_fields: dict[str, Any]) -> None:
    for role in ("client", "bad"):
        outcome = run(pod(role), **request_fields)
        assert (outcome.code, outcome.unchanged, outcome.warnings) == (Code.OTHER_REQUEST, True, [])


def test_a_deletion_has_no_object() -> None:
    asked = parse_review(review(None, operation="DELETE", oldObject=pod("client")))
    assert decide(asked, snapshot(), default_role=None).code is Code.OTHER_REQUEST


def test_a_creation_without_an_object_is_allowed_unpatched() -> None:
    for default_role in (None, Role.CLIENT):
        decision = decide(parse_review(review(None)), snapshot(), default_role=default_role)
        assert not isinstance(decision, Inject)
        assert not isinstance(decision, Deny)


# Malformed pods.


def _set(*path: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(whole: dict[str, Any]) -> None:
        inner: Any = whole
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value

    return change


def _malformed(role: str) -> dict[str, Any]:
    return pod(role, container("app", {"X": "x"}, envFrom=ENV_FROM), init=[container("setup", {"X": "x"})])


ENTRY: tuple[str | int, ...] = ("spec", "containers", 0, "env", 0)
_WRONG: list[tuple[tuple[str | int, ...], list[Any]]] = [
    (("metadata",), ["x", [], 1]),
    (("metadata", "labels"), ["x", [], 1, True]),
    (("metadata", "labels", "app"), [1, True, {}, []]),
    (("metadata", "annotations"), ["x", [], 1]),
    (("metadata", "annotations", "other"), [1, True, {}, []]),
    (("metadata", "annotations", P + "connect"), [1, False, {}, []]),
    (("spec",), ["x", [], 1]),
    (("spec", "containers"), ["x", {}, 1]),
    (("spec", "initContainers"), ["x", {}, 1]),
    (("spec", "containers", 0), ["x", [], 1]),
    (("spec", "containers", 0, "name"), [1, [], {}, True, None]),
    (("spec", "initContainers", 0, "name"), [1, None]),
    (("spec", "containers", 0, "env"), ["x", {}, 1]),
    (("spec", "initContainers", 0, "env"), ["x", {}, 1]),
    (ENTRY, ["x", [], 1]),
    ((*ENTRY, "name"), [1, [], True]),
    ((*ENTRY, "value"), [1, 1.5, True, [], {}]),
    ((*ENTRY, "valueFrom"), ["x", 1, []]),
    (("spec", "containers", 0, "envFrom"), ["x", {}, 1, ["x"], [1]]),
]
WRONG_TYPES = [_set(*path, value=value) for path, values in _WRONG for value in values]


@pytest.mark.parametrize("change", WRONG_TYPES)
@pytest.mark.parametrize("role", ["client", "head", "bad"])
def test_a_pod_with_a_wrong_typed_field_is_allowed_unpatched_with_a_warning(
    change: Callable[[dict[str, Any]], None], role: str
) -> None:
    whole = _malformed(role)
    change(whole)
    outcome = run(whole)
    assert (outcome.code, outcome.allowed, outcome.unchanged) == (Code.MALFORMED_POD, True, True)
    assert outcome.warnings == [Code.MALFORMED]


def test_a_missing_container_name_is_a_wrong_type() -> None:
    whole = pod("client", {"image": "x"})
    assert run(whole).warnings == [Code.MALFORMED]


def test_a_malformed_pod_of_kuberay_is_allowed_unpatched_with_a_warning() -> None:
    whole = kuberay_pod("head", env=BAD)
    whole["spec"]["containers"][0]["env"].append({"name": "N", "value": 1})
    assert run(whole).warnings == [Code.MALFORMED]


@pytest.mark.parametrize("role", ["none", None])
@pytest.mark.parametrize("change", WRONG_TYPES)
def test_a_malformed_pod_that_is_left_alone_anyway_stays_untouched(
    role: str | None, change: Callable[[dict[str, Any]], None]
) -> None:
    whole = _malformed(role or "none")
    if role is None:
        del whole["metadata"]["annotations"][P + "role"]
    change(whole)
    assert run(whole).unchanged


@pytest.mark.parametrize("field", ["command", "args"])
@pytest.mark.parametrize("value", ["ray start", {}, 1, [1], [None, {}]])
def test_commands_are_read_on_the_default_path_only(field: str, value: Any) -> None:
    whole = pod(None, container(**{field: value}))
    outcome = run_default(whole)
    assert (outcome.code, outcome.unchanged, outcome.warnings) == (Code.MALFORMED_POD, True, [Code.MALFORMED])
    assert run(pod("client", container(**{field: value}))).code is Code.CLIENT


NULLS = [
    _set("metadata", "labels", value=None),
    _set("metadata", "labels", "app", value=None),
    _set("metadata", "annotations", "other", value=None),
    _set("metadata", "annotations", P + "connect", value=None),
    _set("spec", "initContainers", value=None),
    _set("spec", "ephemeralContainers", value=None),
    _set("spec", "containers", 0, "env", value=None),
    _set("spec", "containers", 0, "envFrom", value=None),
    _set(*ENTRY, "value", value=None),
    _set(*ENTRY, "valueFrom", value=None),
]


@pytest.mark.parametrize("change", NULLS)
def test_null_is_absent(change: Callable[[dict[str, Any]], None]) -> None:
    whole = _malformed("client")
    change(whole)
    outcome = run(whole)
    assert (outcome.code, outcome.warnings) == (Code.CLIENT, [])
    assert outcome.env().items() >= CLIENT_ENV.items()


@pytest.mark.parametrize("missing", ["metadata", "annotations", "labels", "spec", "containers"])
@pytest.mark.parametrize("absent", [True, False])
def test_parts_that_are_absent_or_null_never_break_the_default_path(missing: str, absent: bool) -> None:
    whole = pod()
    inner = whole if missing in whole else whole["metadata" if missing in whole["metadata"] else "spec"]
    if absent:
        del inner[missing]
    else:
        inner[missing] = None
    outcome = run_default_plain(whole)
    if missing in ("metadata", "annotations", "labels"):
        assert outcome["spec"]["containers"][0]["env"]


def run_default_plain(whole: dict[str, Any]) -> dict[str, Any]:
    """As on the default path, for pods that lack what :func:`run` looks at."""
    import jsonpatch

    decision = decide(parse_review(review(whole)), snapshot(), default_role=Role.CLIENT)
    assert not isinstance(decision, Deny)
    operations = list(decision.operations) if isinstance(decision, Inject) else []
    patched = jsonpatch.apply_patch(whole, operations)
    assert isinstance(patched, dict)
    return patched


@pytest.mark.parametrize(
    "change",
    [
        _set("status", value=1),
        _set("kind", value=1),
        _set("metadata", "name", value=[1]),
        _set("metadata", "finalizers", value={}),
        _set("metadata", "ownerReferences", value="x"),
        _set("metadata", "managedFields", value=1),
        _set("spec", "volumes", value="x"),
        _set("spec", "hostNetwork", value="x"),
        _set("spec", "containers", 0, "image", value=1),
        _set("spec", "containers", 0, "ports", value="x"),
        _set("spec", "containers", 0, "resources", value=[]),
        _set("spec", "containers", 0, "envFrom", value=[{"configMapRef": 1}]),
        _set(*ENTRY, "valueFrom", value={"fieldRef": 1}),
        _set(*ENTRY, "future", value=1),
    ],
)
def test_the_rest_of_a_pod_is_never_looked_at(change: Callable[[dict[str, Any]], None]) -> None:
    whole = _malformed("client")
    change(whole)
    outcome = run(whole)
    assert (outcome.code, outcome.warnings) == (Code.CLIENT, [])


def test_a_malformed_old_object_leaves_an_ephemeral_container_alone() -> None:
    old = pod("client")
    for broken in ({"spec": {"ephemeralContainers": [{"name": 1}]}}, {"spec": 1}, "x"):
        new = pod("client", ephemeral=[container("debug")])
        outcome = run(new, operation="UPDATE", subResource="ephemeralcontainers", oldObject=broken)
        assert (outcome.allowed, outcome.unchanged, outcome.warnings) == (True, True, [Code.MALFORMED])
    assert not run_ephemeral(old, [container("debug")]).unchanged


# Reviews.


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", NotJsonError),
        (b"{", NotJsonError),
        (b"\xff", NotJsonError),
        (b'{"a": "\xff"}', NotJsonError),
        (b'{"request":' * 100_000, NotJsonError),
        (review(pod("client")) + b" {}", NotJsonError),
        (review(pod("client"))[:-1], NotJsonError),
        (b"[]", NotAReviewError),
        (b"{}", NotAReviewError),
        (b"null", NotAReviewError),
        (b'{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}', NotAReviewError),
        (review(None, uid=""), NotAReviewError),
        (review(None, uid=1), NotAReviewError),
        (review(None).replace(b"admission.k8s.io/v1", b"admission.k8s.io/v1beta1"), NotAReviewError),
        (review(None).replace(b"AdmissionReview", b"Pod"), NotAReviewError),
    ],
)
def test_what_is_no_review_is_told_apart(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        parse_review(body)
    assert str(caught.value).isascii()
    assert "\n" not in str(caught.value)


def test_a_manifest_without_a_review_is_decided_alike() -> None:
    for whole in (pod("client", env=BAD), pod("head", env=BAD), kuberay_pod("head", env=BAD), pod("bad"), pod()):
        assert run_manifest(whole, snapshot()) == run(whole).decision


# Reinvocation; `run` decides again on every patched pod.


def test_on_reinvocation_an_identical_value_yields_nothing() -> None:
    first = run(pod("client"))
    again = run(first.pod)
    assert (again.code, again.unchanged) == (Code.ALREADY_RIGHT, True)


@pytest.mark.parametrize(("mode", "value"), [("override", HOST), ("keep", "changed"), ("deny", None)])
def test_on_reinvocation_a_differing_value_is_treated_like_any_declared_one(mode: str, value: str | None) -> None:
    whole = run(pod("client", annotations={"on-conflict": mode})).pod
    whole["spec"]["containers"][0]["env"][0]["value"] = "changed"
    outcome = run(whole)
    assert outcome.allowed is (value is not None)
    if value is not None:
        assert outcome.env()["RAY_HOST"] == value


def test_on_reinvocation_a_container_that_came_later_is_treated() -> None:
    whole = run(pod("client")).pod
    whole["spec"]["containers"].append(container("injected"))
    outcome = run(whole)
    assert outcome.env("injected") == CLIENT_ENV
    assert {operation["path"].split("/")[3] for operation in outcome.operations if "/spec/" in operation["path"]} == {
        "1"
    }


# The status annotation.


def test_the_status_is_one_line_of_json_that_records_the_decision() -> None:
    outcome = run(pod("client", annotations={"containers": "app,ghost"}))
    status = outcome.status
    assert status is not None
    assert "\n" not in outcome.pod["metadata"]["annotations"][P + "status"]
    assert (status["role"], status["code"], status["warnings"]) == ("client", "RAY101", ["RAY403"])
    assert {"source", "hash", "version"} <= status.keys()
    assert status["source"] == "test"


@pytest.mark.parametrize(
    "whole",
    [
        pod("client", env=CLIENT_ENV),
        pod("none"),
        pod(),
        kuberay_pod("head"),
        pod("client", annotations={"skip-containers": "app"}),
    ],
)
def test_without_another_operation_no_status_is_written(whole: dict[str, Any]) -> None:
    assert run(whole).operations == []


def test_the_status_joins_the_annotations_that_are_there() -> None:
    whole = pod("client")
    whole["metadata"]["annotations"]["other"] = "x"
    after = run(whole).pod["metadata"]["annotations"]
    assert after.keys() == {"other", P + "role", P + "status"}


@pytest.mark.parametrize("annotations", [None, {}, "absent"])
def test_a_pod_without_annotations_gets_the_map(annotations: Any) -> None:
    whole = pod()
    if annotations == "absent":
        del whole["metadata"]["annotations"]
    else:
        whole["metadata"]["annotations"] = annotations
    assert run_default(whole).status is not None


@pytest.mark.parametrize("forged", ["", "x", json.dumps({"role": "none", "code": "RAY201", "hash": "0"})])
def test_a_decision_never_trusts_the_status(forged: str) -> None:
    outcome = run(pod("client", annotations={"status": forged}))
    assert (outcome.code, outcome.env()) == (Code.CLIENT, CLIENT_ENV)
    assert outcome.status == run(pod("client")).status
    stale = run(pod("client")).pod
    stale["metadata"]["annotations"][P + "status"] = forged
    assert run(stale).unchanged


def test_the_hash_tells_what_was_injected() -> None:
    same, also, other = run(pod("client")), run(pod("client")), run(pod("client"), EMPTY)
    assert same.status == also.status
    assert (same.status or {})["hash"] != (other.status or {})["hash"]


def test_no_label_or_annotation_of_ray_io_is_ever_written() -> None:
    for whole in (pod("client"), pod("head"), kuberay_pod("head", "head"), kuberay_pod("worker", env=BAD)):
        outcome = run(whole)
        touched = [op["path"] for op in outcome.operations if not op["path"].startswith("/spec/")]
        assert touched == ["/metadata/annotations/ray.seedcore.io~1status"]


# What a decision is made of.


def test_every_path_of_a_snapshot_is_optional() -> None:
    assert run(pod("client"), Snapshot()).warnings == [Code.BUILT_IN]


def test_a_request_without_a_namespace_does_not_fail() -> None:
    asked = parse_review(review(pod("client"), namespace=None))
    assert decide(asked, snapshot(), default_role=None).code is Code.CLIENT


def test_a_pod_of_many_containers_tells_only_short_warnings() -> None:
    names = ",".join(f"ghost-{number}" for number in range(200))
    outcome = run(pod("client", annotations={"containers": "app," + names}))
    assert set(outcome.warnings) == {Code.UNKNOWN_CONTAINER}
