"""Which role holds: `none`, KubeRay's pods, the annotation, the path's default, in that order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.injection.support import (
    ADDRESS,
    CLIENT_ENV,
    HEAD_ENV,
    WORKER_ENV,
    P,
    container,
    kuberay_pod,
    pod,
    run,
    run_default,
)
from webhook.injection.reasons import Code

SUBMITTER_LABELS = {
    "ray.io/originated-from-cr-name": "train",
    "ray.io/originated-from-crd": "RayJob",
    "app.kubernetes.io/created-by": "kuberay-operator",
}
SUBMITTER = container("ray-job-submitter", {"RAY_DASHBOARD_ADDRESS": "train-head-svc:8265"})


@pytest.mark.parametrize(
    ("role", "code", "env"),
    [
        ("client", Code.CLIENT, CLIENT_ENV),
        ("head", Code.HEAD, HEAD_ENV),
        ("worker", Code.WORKER, WORKER_ENV),
    ],
)
def test_a_role_by_annotation(role: str, code: Code, env: dict[str, str]) -> None:
    outcome = run(pod(role))
    assert (outcome.code, outcome.env(), outcome.warnings) == (code, env, [])


@pytest.mark.parametrize(
    "role", ["Head", "CLIENT", " head", "head ", "", " ", "driver", "None", "client\n", "héad", "head,worker"]
)
def test_a_value_that_is_no_role_is_refused_with_the_four(role: str) -> None:
    outcome = run(pod(role, env={"RAY_ADDRESS": "ray://other:10001"}))
    assert (outcome.code, outcome.allowed) == (Code.BAD_ROLE, False)
    assert [word for word in (f"{P}role", "head", "worker", "client", "none") if word not in outcome.message] == []


def test_a_bad_role_is_refused_on_the_default_path_too() -> None:
    assert run_default(pod("Client")).code is Code.BAD_ROLE


def test_without_a_role_nothing_happens() -> None:
    outcome = run(pod(env={"RAY_ADDRESS": "ray://other:10001"}))
    assert (outcome.code, outcome.unchanged, outcome.warnings) == (Code.NO_ROLE, True, [])


def test_a_null_role_is_absent() -> None:
    assert run(pod(annotations={"role": None})).code is Code.NO_ROLE


@pytest.mark.parametrize(
    "whole",
    [
        pod("none", env={"RAY_ADDRESS": "ray://other:10001"}),
        pod("none", annotations={"connect": "x", "cluster": "a/b/c", "service": "", "on-conflict": "x"}),
        pod("none", annotations={"cluster": "a", "service": "b"}),
        kuberay_pod("head", "none", env={"RAY_ADDRESS": "ray://other:10001"}),
        kuberay_pod("worker", "none", wait={"RAY_ADDRESS": "ray://other:10001"}),
        kuberay_pod("head", "none", env={"RAY_ADDRESS": "ray://other:10001"}, annotations={"on-conflict": "deny"}),
        pod("none", container(command=["ray", "start"])),
        pod("none", labels={"ray.io/node-type": "redis-cleanup"}),
        pod("none", SUBMITTER, labels=SUBMITTER_LABELS),
    ],
)
def test_none_is_never_touched_whatever_else_the_pod_says(whole: dict[str, Any]) -> None:
    for outcome in (run(whole), run_default(whole)):
        assert (outcome.code, outcome.allowed, outcome.unchanged) == (Code.OPTED_OUT, True, True)


@pytest.mark.parametrize("role", [None, "client", "head", "worker", "bad", ""])
def test_redis_clean_up_is_left_alone_whatever_its_annotations(role: str | None) -> None:
    whole = kuberay_pod("head", role, env={"RAY_ADDRESS": "ray://other:10001"}, annotations={"on-conflict": "deny"})
    whole["metadata"]["labels"]["ray.io/node-type"] = "redis-cleanup"
    for outcome in (run(whole), run_default(whole)):
        assert (outcome.code, outcome.unchanged) == (Code.REDIS_CLEANUP, True)


@pytest.mark.parametrize("role", [None, "client", "head", "bad", ""])
def test_job_submitters_are_left_alone_whatever_their_annotations(role: str | None) -> None:
    whole = pod(role, SUBMITTER, labels=SUBMITTER_LABELS, annotations={"connect": "bad"})
    for outcome in (run(whole), run_default(whole)):
        assert (outcome.code, outcome.unchanged) == (Code.SUBMITTER, True)


@pytest.mark.parametrize("missing", [*SUBMITTER_LABELS, "container"])
def test_all_four_marks_make_a_job_submitter(missing: str) -> None:
    labels = {key: value for key, value in SUBMITTER_LABELS.items() if key != missing}
    whole = pod("client", container() if missing == "container" else SUBMITTER, labels=labels)
    assert run(whole).code is Code.CLIENT


@pytest.mark.parametrize(
    ("key", "value"), [("ray.io/originated-from-crd", "RayCluster"), ("app.kubernetes.io/created-by", "helm")]
)
def test_a_job_submitters_labels_have_their_values(key: str, value: str) -> None:
    assert run(pod("client", SUBMITTER, labels=SUBMITTER_LABELS | {key: value})).code is Code.CLIENT


@pytest.mark.parametrize(
    ("node", "role", "warnings"),
    [
        ("head", "head", []),
        ("worker", "worker", []),
        ("head", "client", [Code.ROLE_OVERRULED]),
        ("head", "worker", [Code.ROLE_OVERRULED]),
        ("worker", "head", [Code.ROLE_OVERRULED]),
        ("worker", "client", [Code.ROLE_OVERRULED]),
        ("head", "Head", [Code.ROLE_OVERRULED]),
        ("worker", "", [Code.ROLE_OVERRULED]),
    ],
)
def test_a_kuberay_pods_label_is_its_role_and_any_annotation_opts_it_in(
    node: str, role: str, warnings: list[Code]
) -> None:
    outcome = run(kuberay_pod(node, role, annotations={"ray-namespace": "x"}))
    assert outcome.code is Code.KUBERAY
    assert [code for code in outcome.warnings if code is not Code.UNKNOWN_CLUSTER] == warnings
    assert outcome.env(f"ray-{node}")["SEEDCORE_RAY_ROLE"] == node


def test_the_role_of_a_kuberay_pod_holds_on_the_default_path_too() -> None:
    outcome = run_default(kuberay_pod("head", env={"RAY_ADDRESS": "ray://other:10001"}))
    assert (outcome.code, outcome.env("ray-head")["RAY_ADDRESS"]) == (Code.KUBERAY_MENDED, "127.0.0.1:6379")


@pytest.mark.parametrize("node", ["head", "worker"])
def test_kuberays_label_alone_is_ignored_with_a_warning(node: str) -> None:
    label = {"ray.io/node-type": node}
    without = run(pod(labels=label, env={"RAY_ADDRESS": "ray://other:1"}))
    assert (without.code, without.unchanged, without.warnings) == (Code.NO_ROLE, True, [Code.KUBERAY_LABEL_ALONE])
    annotated = run(pod("client", labels=label))
    assert (annotated.code, annotated.env(), annotated.warnings) == (
        Code.CLIENT,
        CLIENT_ENV,
        [Code.KUBERAY_LABEL_ALONE],
    )
    default = run_default(pod(labels=label))
    assert (default.code, default.env(), default.warnings) == (Code.CLIENT, CLIENT_ENV, [Code.KUBERAY_LABEL_ALONE])
    assert run(pod("bad", labels=label)).code is Code.BAD_ROLE


def test_only_regular_containers_count_for_kuberays_start_command() -> None:
    marked = container("ray-init", {"KUBERAY_GEN_RAY_START_CMD": "ray start"})
    outcome = run(pod(init=[marked], labels={"ray.io/node-type": "head"}))
    assert (outcome.code, outcome.warnings) == (Code.NO_ROLE, [Code.KUBERAY_LABEL_ALONE])


def test_kuberays_start_command_without_its_label_is_no_kuberay_pod() -> None:
    outcome = run(pod("client", env={"KUBERAY_GEN_RAY_START_CMD": "ray start --head"}))
    assert (outcome.code, outcome.env()["RAY_ADDRESS"]) == (Code.CLIENT, ADDRESS)


def test_the_first_container_with_kuberays_start_command_is_the_ray_container() -> None:
    start = {"KUBERAY_GEN_RAY_START_CMD": "ray start --head", "RAY_ADDRESS": "ray://other:1"}
    whole = pod(
        None,
        container("before"),
        container("ray", start),
        container("after", start),
        labels={"ray.io/node-type": "head"},
    )
    outcome = run(whole)
    assert outcome.env("ray")["RAY_ADDRESS"] == "127.0.0.1:6379"
    assert outcome.env("after")["RAY_ADDRESS"] == "ray://other:1"
    assert outcome.warnings == [Code.WRONG_ELSEWHERE]


def test_the_default_role_makes_a_client_of_a_pod_without_a_role() -> None:
    outcome = run_default(pod())
    assert (outcome.code, outcome.env(), outcome.warnings) == (Code.CLIENT, CLIENT_ENV, [])


@pytest.mark.parametrize(("role", "code"), [("head", Code.HEAD), ("worker", Code.WORKER), ("client", Code.CLIENT)])
def test_the_annotation_beats_the_default_role(role: str, code: Code) -> None:
    outcome = run_default(pod(role, env={"RAY_HOST": "other"}))
    assert outcome.code is code
    assert outcome.env()["RAY_HOST"] == CLIENT_ENV["RAY_HOST"], "an annotated pod is treated as on /mutate: override"


STARTERS: list[dict[str, Any]] = [
    container(command=["ray start --head"]),
    container(command=["sh", "-c", "ulimit -n 65536; ray start --address=h:6379 --block"]),
    container(args=["ray start"]),
    container(command=["ray", "start", "--head"]),
    container(command=["ray"], args=["start", "--head"]),
    container(args=["exec ray   start"]),
    container(args=["exec ray\tstart"]),
]


@pytest.mark.parametrize("starter", STARTERS)
def test_a_pod_that_starts_ray_is_left_alone_on_the_default_path(starter: dict[str, Any]) -> None:
    for whole in (
        pod(None, starter),
        pod(None, container("first"), starter),
        pod(None, container("main"), init=[starter]),
    ):
        outcome = run_default(whole)
        assert (outcome.code, outcome.unchanged, outcome.warnings) == (Code.RAY_STARTER, True, [Code.STARTS_RAY])


@pytest.mark.parametrize("starter", STARTERS)
def test_a_role_that_is_declared_holds_for_a_pod_that_starts_ray(starter: dict[str, Any]) -> None:
    for outcome in (run(pod("worker", starter)), run_default(pod("worker", starter))):
        assert (outcome.code, outcome.env(), outcome.warnings) == (Code.WORKER, WORKER_ENV, [])


@pytest.mark.parametrize(
    "text", ["ray status", "array start", "ray restart", "raystart", "ray --start", "ray starting", "start ray"]
)
def test_only_the_two_words_start_ray(text: str) -> None:
    assert run_default(pod(None, container(command=["sh", "-c", text]))).code is Code.CLIENT


def test_ray_start_in_env_is_no_command() -> None:
    assert run_default(pod(env={"DOC": "ray start"})).code is Code.CLIENT


def test_on_the_default_path_declared_values_are_kept() -> None:
    outcome = run_default(pod(env={"RAY_ADDRESS": "ray://own:10001", "RAY_PORT": "20001"}))
    assert outcome.env() == CLIENT_ENV | {"RAY_ADDRESS": "ray://own:10001", "RAY_PORT": "20001"}


def test_on_the_default_path_an_on_conflict_that_is_declared_holds() -> None:
    whole = pod(env={"RAY_ADDRESS": "ray://own:10001"}, annotations={"on-conflict": "override"})
    assert run_default(whole).env()["RAY_ADDRESS"] == ADDRESS
    whole = pod(env={"RAY_ADDRESS": "ray://own:10001"}, annotations={"on-conflict": "deny"})
    assert run_default(whole).code is Code.CONFLICT


def test_on_the_default_path_other_annotations_hold_and_bad_ones_are_refused() -> None:
    assert run_default(pod(annotations={"connect": "jobs"})).env()["RAY_ADDRESS"] == CLIENT_ENV["RAY_DASHBOARD_URL"]
    assert run_default(pod(annotations={"connect": "direct"})).code is Code.BAD_CONNECT
