"""Operations are proven to apply before they leave; any pod and any settings give such a patch."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.injection.support import (
    CLIENT_ENV,
    HOST,
    P,
    container,
    decoded,
    kuberay_pod,
    pod,
    run,
    run_default,
    run_ephemeral,
    snapshot,
)
from webhook.injection.decision import Inject
from webhook.injection.patch import is_applicable
from webhook.injection.snapshot import RayTarget

ENTRY = {"name": "X", "value": "x"}
POD = decoded(pod("client", container("a", {"ONE": "1", "TWO": "2"}), container("b")))
BARE = decoded({"metadata": {}, "spec": {"containers": [{"name": "a"}]}})
ENV = "/spec/containers/0/env"
STATUS = "/metadata/annotations/ray.seedcore.io~1status"


def _operation(op: str, path: str, value: Any = None) -> Any:
    return {"op": op, "path": path} if value is None else {"op": op, "path": path, "value": value}


@pytest.mark.parametrize(
    "operations",
    [
        [],
        [("add", f"{ENV}/-", ENTRY)],
        [("add", f"{ENV}/0", ENTRY)],
        [("add", f"{ENV}/2", ENTRY)],
        [("replace", f"{ENV}/1", ENTRY)],
        [("replace", f"{ENV}/1", {"name": "X", "valueFrom": {"secretKeyRef": {}}})],
        [("remove", f"{ENV}/1"), ("remove", f"{ENV}/0")],
        [("remove", f"{ENV}/1"), ("add", f"{ENV}/1", ENTRY)],
        [("add", "/spec/containers/1/env", [ENTRY])],
        [("add", STATUS, "{}")],
    ],
)
def test_operations_that_apply_are_found_applicable(operations: list[tuple[Any, ...]]) -> None:
    assert is_applicable(POD, [_operation(*operation) for operation in operations])


@pytest.mark.parametrize(
    "operations",
    [
        [("add", f"{ENV}/3", ENTRY)],
        [("replace", f"{ENV}/2", ENTRY)],
        [("remove", f"{ENV}/2")],
        [("remove", f"{ENV}/0"), ("remove", f"{ENV}/1")],
        [("remove", f"{ENV}/-")],
        [("replace", f"{ENV}/-", ENTRY)],
        [("remove", f"{ENV}/-1")],
        [("add", "/spec/containers/2/env", [ENTRY])],
        [("add", "/spec/containers/1/env/-", ENTRY)],
        [("add", "/spec/containers/1/env/0", ENTRY)],
        [("add", "/spec/initContainers/0/env", [ENTRY])],
        [("add", f"{ENV}/-", {"name": "X", "value": 1})],
        [("add", f"{ENV}/-", {"name": 1, "value": "x"})],
        [("add", f"{ENV}/-", {"name": "X"} | {"value": "x", "valueFrom": {}})],
        [("add", f"{ENV}/-", "x")],
        [("add", f"{ENV}/-", [ENTRY])],
        [("add", "/spec/containers/1/env", ENTRY)],
        [("add", "/spec/containers/1/env", ["x"])],
        [("add", "/spec/nodeName", "x")],
        [("add", "/spec/containers/0/image", "x")],
        [("add", "/metadata/labels/x", "x")],
        [("add", STATUS, 1)],
        [("add", "/metadata/annotations/other", "x")],
        [("move", f"{ENV}/0", ENTRY)],
    ],
)
def test_operations_that_do_not_apply_are_held_back(operations: list[tuple[Any, ...]]) -> None:
    assert not is_applicable(POD, [_operation(*operation) for operation in operations])


def test_the_status_needs_a_map_to_stand_in() -> None:
    assert not is_applicable(BARE, [_operation("add", STATUS, "{}")])
    assert is_applicable(BARE, [_operation("add", "/metadata/annotations", {P + "status": "{}"})])
    assert not is_applicable(POD, [_operation("add", "/metadata/annotations", {P + "status": "{}"})])


def test_a_patch_is_small() -> None:
    right = run(pod("client", env={**CLIENT_ENV, "RAY_HOST": "x"}))
    assert [operation["op"] for operation in right.operations] == ["replace", "add"]


NAMES = st.sampled_from(
    [
        *CLIENT_ENV,
        "GRPC_ENABLE_FORK_SUPPORT",
        "RAY_AUTH_MODE",
        "RAY_AUTH_TOKEN",
        "OURS",
        "X",
        "Y",
        "KUBERAY_GEN_RAY_START_CMD",
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        ["", HOST, "auto", "ray://h:1", "ray://", "http://h:8265", "h:6379", "10001", "0", *CLIENT_ENV.values()]
    ),
    st.builds("a$({})b".format, NAMES),
    st.text(max_size=6),
)
ENTRIES = st.builds(
    lambda name, value, kind: {"name": name} | [{"value": value}, {}, {"valueFrom": {"fieldRef": {}}}][kind],
    NAMES,
    VALUES,
    st.sampled_from([0, 0, 0, 0, 1, 2]),
)
CONTAINER_NAMES = st.sampled_from(["app", "wait-gcs-ready", "ray-job-submitter", "side", "third"])
CONTAINERS = st.builds(
    lambda name, env, env_from: {"name": name} | ({} if env is None else {"env": env}) | env_from,
    CONTAINER_NAMES,
    st.none() | st.lists(ENTRIES, max_size=7),
    st.sampled_from([{}, {"envFrom": []}, {"envFrom": [{}]}, {"envFrom": None}]),
)
CONTAINER_LISTS = st.lists(CONTAINERS, min_size=1, max_size=3, unique_by=lambda item: item["name"])
ANNOTATIONS = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["client", "head", "worker"]),
        "connect": st.sampled_from(["client", "jobs"]),
        "on-conflict": st.sampled_from(["override", "keep", "deny"]),
        "cluster": st.sampled_from(["train", "other/train"]),
        "ray-namespace": st.sampled_from(["", "mine"]),
        "containers": st.sampled_from(["", "app", "app,side", "ghost"]),
        "skip-containers": st.sampled_from(["", "third"]),
    },
)
LABELS = st.sampled_from(
    [{}, {}, {"ray.io/node-type": "head"}, {"ray.io/node-type": "worker", "ray.io/cluster": "train"}]
)
LEVELS = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "RAY_HOST": st.sampled_from([HOST, "", "a b", "h"]),
        "RAY_PORT": st.sampled_from(["1", "0"]),
        "RAY_SERVE_URL": st.sampled_from(["http://s", "a b"]),
        "RAY_NAMESPACE": st.sampled_from(["n", ""]),
        "RAY_AUTH_SECRET": st.just("tok"),
        "RAY_ALIASES": st.sampled_from(["OURS=RAY_ADDRESS", "OURS=RAY_HOST;X=RAY_SERVE_ADDRESS", "OURS=RAY_NAMESPACE"]),
    },
)
TARGET = RayTarget(head_service="t", auth_secret="s")  # noqa: S106  a Secret's name
TARGETS = {"cluster:apps/train": TARGET, "cluster:other/train": TARGET}


@hypothesis_settings(max_examples=300, deadline=None)
@given(containers=CONTAINER_LISTS, annotations=ANNOTATIONS, labels=LABELS, everybody=LEVELS, own=LEVELS)
def test_any_patch_applies_and_deciding_again_gives_none(
    containers: list[Any], annotations: dict[str, str], labels: dict[str, str], everybody: Any, own: Any
) -> None:
    """`run` applies each patch, compares what must not change, and decides again."""
    known = snapshot(everybody or {}, own=own, targets=TARGETS)
    whole = pod(None, *containers, labels=labels, annotations=annotations)
    run(whole, known)
    run_default(whole, known)
    run_ephemeral(pod(labels=labels, annotations=annotations), [container("debug", containers[0].get("env"))], known)


@hypothesis_settings(max_examples=150, deadline=None)
@given(
    node=st.sampled_from(["head", "worker"]),
    env=st.none() | st.lists(ENTRIES, max_size=5),
    others=CONTAINER_LISTS,
    annotations=ANNOTATIONS,
)
def test_any_patch_of_a_kuberay_pod_applies_and_touches_nothing_of_the_operators(
    node: str, env: Any, others: list[Any], annotations: dict[str, str]
) -> None:
    whole = kuberay_pod(node, None, *others, env=env, annotations=annotations)
    outcome = run(whole, snapshot(targets=TARGETS))
    own = ("KUBERAY_GEN_RAY_START_CMD", "RAY_PORT", "FQ_RAY_IP", "RAY_IP", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN")
    ray = outcome.pod["spec"]["containers"][0]["env"]
    before = [entry for entry in whole["spec"]["containers"][0]["env"] if entry["name"] in own]
    assert [entry for entry in ray if entry["name"] in own] == before


@hypothesis_settings(max_examples=150, deadline=None)
@given(containers=CONTAINER_LISTS, role=st.sampled_from(["client", "head", "worker"]), from_env=st.booleans())
def test_under_keep_nothing_that_is_declared_changes(containers: list[Any], role: str, from_env: bool) -> None:
    """But a client's empty RAY_ADDRESS, or a ray:// without a host, which count as absent."""
    whole = pod(role, *containers, annotations={"on-conflict": "keep"})
    outcome = run(whole)
    assert isinstance(outcome.decision, Inject)
    for item in containers:
        absent = [entry for entry in item.get("env") or [] if role == "client" and entry["name"] == "RAY_ADDRESS"]
        declared = [entry for entry in item.get("env") or [] if entry not in absent]
        after = outcome.entries(item["name"])
        assert [entry for entry in after if entry in declared] == declared
