"""Where two rules of the contract meet in one pod."""

from __future__ import annotations

from typing import Any

import pytest

from tests.injection.support import (
    CLIENT_ENV,
    DASHBOARD,
    EMPTY,
    ENV_FROM,
    FROM_FIELD,
    HOST,
    SERVE,
    Env,
    container,
    kuberay_pod,
    pod,
    run,
    run_default,
    run_ephemeral,
    snapshot,
)
from webhook.contract import Role
from webhook.injection.reasons import Code
from webhook.injection.snapshot import RayTarget

TRAIN = "train-head-svc.apps.svc.cluster.local"
KNOWN = snapshot(targets={"cluster:apps/train": RayTarget(head_service="train-head-svc")})
BAD = {"RAY_ADDRESS": "ray://other:1"}


# The built-in level beside others.


@pytest.mark.parametrize(("name", "value"), [("RAY_PORT", "7"), ("RAY_NAMESPACE", "n"), ("RAY_SERVE_URL", "http://s")])
def test_a_single_key_of_a_level_above_the_built_in_one_is_none_of_its_values(name: str, value: str) -> None:
    known = snapshot({name: value})
    assert run(pod("client", env={name: "declared"}), known).env()[name] == value
    kept = run(pod("client", env={name: "declared"}, annotations={"on-conflict": "keep"}), known)
    assert kept.env()[name] == "declared"
    denied = run(pod("client", env={name: "declared"}, annotations={"on-conflict": "deny"}), known)
    assert denied.code is Code.CONFLICT
    assert run(pod("client", env={"RAY_HOST": "declared"}), known).env()["RAY_HOST"] == "declared"


@pytest.mark.parametrize(("role", "dashboard"), [("head", "http://127.0.0.1:9265"), ("worker", "http://own:9265")])
def test_explicit_values_follow_a_url_that_the_built_in_level_keeps(role: str, dashboard: str) -> None:
    declared = {"RAY_DASHBOARD_URL": "http://own:9265", "RAY_SERVE_URL": "http://own:9000"}
    env = run(pod(role, env=declared, env_from=ENV_FROM), EMPTY).env()
    assert (env["RAY_DASHBOARD_ADDRESS"], env["RAY_SERVE_ADDRESS"]) == (dashboard, "http://own:9000")


def test_the_built_in_level_needs_no_warning_where_nothing_of_it_is_used() -> None:
    mended = run(kuberay_pod("head", env=BAD), EMPTY)
    assert (mended.code, mended.warnings) == (Code.KUBERAY_MENDED, [])
    named = run(pod("client", annotations={"cluster": "train"}), EMPTY)
    assert named.warnings == [Code.UNKNOWN_CLUSTER]


def test_a_kuberay_pod_without_a_cluster_label_goes_down_to_the_built_in_level() -> None:
    outcome = run(kuberay_pod("worker", "worker", cluster=None, env={"RAY_SERVE_URL": "http://own"} | BAD), EMPTY)
    env = outcome.env("ray-worker")
    assert (env["RAY_HOST"], env["RAY_SERVE_URL"]) == ("seedcore-head-svc", "http://own")
    assert env["RAY_ADDRESS"] == f"{TRAIN}:6379"
    assert outcome.warnings == [Code.BUILT_IN]


@pytest.mark.parametrize("mode", ["override", "deny"])
def test_a_clients_declared_address_is_kept_by_the_built_in_level_but_an_empty_one_is_absent(mode: str) -> None:
    whole = pod("client", env={"RAY_ADDRESS": "", "RAY_HOST": "own"}, annotations={"on-conflict": mode})
    outcome = run(whole, EMPTY)
    assert outcome.env()["RAY_ADDRESS"] == "ray://own:10001"
    assert outcome.warnings == [Code.BUILT_IN, Code.EMPTY_ADDRESS]


# keep.


def test_under_keep_an_empty_address_is_made_of_what_is_kept() -> None:
    whole = pod("client", env={"RAY_ADDRESS": "ray://", "RAY_HOST": "own"}, annotations={"on-conflict": "keep"})
    assert run(whole).env()["RAY_ADDRESS"] == "ray://own:10001"


@pytest.mark.parametrize("address", ["ray://$(HOST):10001", "ray://h", "ray://h:0"])
def test_a_ray_client_address_with_any_host_is_declared(address: str) -> None:
    whole = pod("client", env={"RAY_ADDRESS": address}, annotations={"on-conflict": "keep"})
    outcome = run(whole)
    assert (outcome.env()["RAY_ADDRESS"], outcome.warnings) == (address, [])


def test_under_keep_a_pod_that_declares_everything_is_already_right() -> None:
    whole = pod("client", env=dict.fromkeys(CLIENT_ENV, "x"), annotations={"on-conflict": "keep"})
    outcome = run(whole)
    assert (outcome.code, outcome.unchanged) == (Code.ALREADY_RIGHT, True)


def test_on_a_kuberay_pod_the_urls_follow_a_kept_host_with_the_ports_of_the_spec() -> None:
    target = RayTarget(head_service="train-head-svc", serve_port=9000, dashboard_port=9265)
    whole = kuberay_pod("worker", "worker", env={"RAY_HOST": "own"}, annotations={"on-conflict": "keep"})
    env = run(whole, snapshot(targets={"cluster:apps/train": target})).env("ray-worker")
    assert (env["RAY_SERVE_URL"], env["RAY_DASHBOARD_URL"]) == ("http://own:9000", "http://own:9265")


# KubeRay.


@pytest.mark.parametrize(
    ("annotations", "warnings"),
    [
        ({"skip-containers": "ghost"}, [Code.UNKNOWN_CONTAINER]),
        ({"containers": "ghost"}, [Code.UNKNOWN_CONTAINER]),
        ({"containers": "ray-head"}, []),
    ],
)
def test_lists_on_an_annotated_kuberay_pod(annotations: dict[str, str], warnings: list[Code]) -> None:
    outcome = run(kuberay_pod("head", "head", annotations=annotations), KNOWN)
    assert (outcome.code, outcome.warnings) == (Code.KUBERAY, warnings)
    assert outcome.env("ray-head")["SEEDCORE_RAY_ROLE"] == "head"


def test_containers_without_a_role_does_not_hinder_the_mending() -> None:
    outcome = run(kuberay_pod("head", env=BAD, annotations={"containers": "side"}), KNOWN)
    assert outcome.env("ray-head")["RAY_ADDRESS"] == "127.0.0.1:6379"
    assert Code.ANNOTATION_IGNORED in outcome.warnings


@pytest.mark.parametrize(("mode", "host"), [("override", TRAIN), ("keep", "own"), ("deny", None)])
def test_an_added_client_follows_on_conflict(mode: str, host: str | None) -> None:
    side = container("side", {"RAY_HOST": "own"})
    whole = kuberay_pod("head", "head", side, annotations={"containers": "side", "on-conflict": mode})
    outcome = run(whole, KNOWN)
    assert outcome.allowed is (host is not None)
    if host:
        assert outcome.env("side")["RAY_ADDRESS"] == f"ray://{host}:10001"


def test_an_added_client_follows_connect_and_is_not_told_as_wrong() -> None:
    side = container("side", BAD)
    whole = kuberay_pod("head", "head", side, annotations={"containers": "side", "connect": "jobs"})
    outcome = run(whole, KNOWN)
    assert (outcome.env("side")["RAY_ADDRESS"], outcome.warnings) == (f"http://{TRAIN}:8265", [])


def test_all_wrong_copies_of_the_address_go_from_wait_gcs_ready() -> None:
    env: Env = [("RAY_ADDRESS", "ray://a:1"), ("X", "x"), ("RAY_ADDRESS", "ray://b:1")]
    outcome = run(kuberay_pod("worker", env=BAD, wait=env), KNOWN)
    assert outcome.env("wait-gcs-ready") == {"X": "x"}


def test_of_duplicate_wrong_addresses_one_becomes_kuberays_own() -> None:
    env: Env = [("RAY_ADDRESS", "auto"), ("RAY_ADDRESS", "ray://b:1")]
    outcome = run(kuberay_pod("head", env=env), KNOWN)
    assert outcome.env("ray-head")["RAY_ADDRESS"] == "127.0.0.1:6379"


def test_a_head_host_that_cannot_be_read_gives_the_deterministic_name() -> None:
    whole = kuberay_pod("worker", "worker")
    env = whole["spec"]["containers"][0]["env"]
    env[:] = [{"name": "FQ_RAY_IP", "valueFrom": FROM_FIELD} if e["name"] == "FQ_RAY_IP" else e for e in env]
    outcome = run(whole)
    assert (outcome.env("ray-worker")["RAY_HOST"], outcome.warnings) == (TRAIN, [Code.UNKNOWN_CLUSTER])


def test_a_kuberay_pod_on_the_default_path_is_no_starter_and_no_client() -> None:
    whole = kuberay_pod("head", None, container("side", command=["ray start"]), env=BAD)
    outcome = run_default(whole, KNOWN)
    assert outcome.code is Code.KUBERAY_MENDED
    assert outcome.env("side") == {}


def test_a_ray_namespace_of_a_kuberay_pod_that_is_bad_is_ignored() -> None:
    known = snapshot(own={"RAY_NAMESPACE": "level-2"}, targets={"cluster:apps/train": RayTarget(head_service="s")})
    outcome = run(kuberay_pod("head", "head", annotations={"ray-namespace": "a b"}), known)
    assert (outcome.env("ray-head")["RAY_NAMESPACE"], outcome.warnings) == ("level-2", [Code.ANNOTATION_IGNORED])


def test_on_a_kuberay_pod_a_reference_is_left_behind_in_wait_gcs_ready() -> None:
    outcome = run(kuberay_pod("worker", env=BAD, wait=BAD | {"X": "$(RAY_ADDRESS)"}), KNOWN)
    assert outcome.warnings == [Code.DANGLING_REFERENCE]


# envFrom and references.


def test_an_explicit_value_goes_before_its_referrer_too() -> None:
    outcome = run(pod("worker", env={"X": "$(RAY_SERVE_ADDRESS)"}, env_from=ENV_FROM))
    names = outcome.names()
    assert names.index("RAY_SERVE_ADDRESS") < names.index("X")
    assert outcome.warnings == []


def test_the_dashboard_port_of_a_named_clusters_spec_counts_on_a_plain_head() -> None:
    target = RayTarget(head_service="train-head-svc", dashboard_port=9265)
    whole = pod("head", env_from=ENV_FROM, annotations={"cluster": "train"})
    env = run(whole, snapshot(targets={"cluster:apps/train": target})).env()
    assert env["RAY_DASHBOARD_ADDRESS"] == "http://127.0.0.1:9265"


def test_of_duplicates_of_an_explicit_value_one_stays() -> None:
    env: Env = [("RAY_SERVE_ADDRESS", "a"), ("RAY_SERVE_ADDRESS", SERVE)]
    assert run(pod("worker", env=env, env_from=ENV_FROM)).env()["RAY_SERVE_ADDRESS"] == SERVE


def test_an_identical_explicit_value_is_no_conflict() -> None:
    declared = {
        "RAY_ADDRESS": "auto",
        "RAY_API_SERVER_ADDRESS": "",
        "RAY_SERVE_ADDRESS": SERVE,
        "RAY_DASHBOARD_ADDRESS": DASHBOARD,
    }
    whole = pod("worker", env=declared, env_from=ENV_FROM, annotations={"on-conflict": "deny"})
    assert run(whole).code is Code.WORKER


# The default path.


def test_a_named_cluster_holds_on_the_default_path() -> None:
    outcome = run_default(pod(annotations={"cluster": "train"}), KNOWN)
    assert outcome.env()["RAY_HOST"] == TRAIN
    assert run_default(pod(annotations={"cluster": "other/train"}), KNOWN).code is Code.REFERENCE_NOT_ALLOWED


def test_a_container_that_envfrom_feeds_is_told_on_the_default_path_for_keep_is_its_default() -> None:
    assert run_default(pod(env_from=ENV_FROM)).warnings == [Code.ENV_FROM_BEATEN]


def test_an_ephemeral_container_in_a_default_namespace() -> None:
    def add(old: dict[str, Any], new: dict[str, Any]) -> Any:
        whole = {**old, "spec": {**old["spec"], "ephemeralContainers": [new]}}
        return run(
            whole, default_role=Role.CLIENT, operation="UPDATE", subResource="ephemeralcontainers", oldObject=old
        )

    kept = add(pod(env=BAD), container("debug", {"RAY_PORT": "7"}))
    assert kept.env("debug") == CLIENT_ENV | {"RAY_PORT": "7", "RAY_ADDRESS": f"ray://{HOST}:7"}
    assert kept.env("app") == BAD
    starter = add(pod(None, container(command=["ray", "start"])), container("debug"))
    assert (starter.unchanged, starter.warnings) == (True, [Code.STARTS_RAY])


# Other pods.


def test_two_containers_of_one_name_are_each_treated() -> None:
    """A pod reaches the webhook before it is validated."""
    outcome = run(pod("client", container("twin"), container("twin", {"RAY_HOST": "x"})))
    for item in outcome.pod["spec"]["containers"]:
        assert {entry["name"]: entry["value"] for entry in item["env"]} == CLIENT_ENV


def test_a_secret_key_without_a_secret_gives_no_token() -> None:
    outcome = run(pod("client"), snapshot({"RAY_HOST": HOST, "RAY_AUTH_SECRET_KEY": "k"}))
    assert not {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN"} & outcome.env().keys()


def test_a_token_of_a_cluster_that_is_not_known_is_not_guessed() -> None:
    known = snapshot({"RAY_HOST": HOST, "RAY_AUTH_SECRET": "tok"})
    assert "RAY_AUTH_MODE" not in run(pod("client", annotations={"cluster": "train"}), known).env()


def test_connect_jobs_means_nothing_to_a_head() -> None:
    assert run(pod("head", annotations={"connect": "jobs"})).env() == run(pod("head")).env()


def test_an_ephemeral_container_with_env_from_of_a_head_gets_explicit_values() -> None:
    outcome = run_ephemeral(pod("head"), [container("debug", envFrom=ENV_FROM)])
    assert outcome.env("debug")["RAY_DASHBOARD_ADDRESS"] == "http://127.0.0.1:8265"


def test_a_broken_port_is_no_concern_of_heads_and_workers() -> None:
    outcome = run(pod("worker"), snapshot(own={"RAY_HOST": "own", "RAY_PORT": "0"}))
    assert (outcome.code, outcome.env()["RAY_HOST"]) == (Code.WORKER, "own")


def test_a_kept_port_that_is_no_port_does_not_hide_a_level_s_own() -> None:
    whole = pod("client", env={"RAY_PORT": "tcp://10.0.0.1:1"}, annotations={"on-conflict": "keep"})
    env = run(whole, snapshot({"RAY_HOST": "h", "RAY_PORT": "20001"})).env()
    assert env["RAY_ADDRESS"] == "ray://h:20001"


def test_an_alias_never_reaches_a_kuberay_pods_own_variables() -> None:
    known = snapshot(
        {"RAY_ALIASES": "RAY_IP=RAY_HOST;OURS=RAY_HOST"}, targets={"cluster:apps/train": RayTarget(head_service="s")}
    )
    env = run(kuberay_pod("worker", "worker"), known).env("ray-worker")
    assert (env["RAY_IP"], env["OURS"]) == ("train-head-svc", "s.apps.svc.cluster.local")
