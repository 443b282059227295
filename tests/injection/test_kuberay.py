"""KubeRay's pods: the operator's own entries are respected, the user's mistakes in them mended."""

from __future__ import annotations

from typing import Any

import pytest

from tests.injection.support import (
    ENV_FROM,
    FROM_FIELD,
    HOST,
    Env,
    container,
    kuberay_pod,
    pod,
    run,
    settings,
    snapshot,
)
from webhook.injection.reasons import Code
from webhook.injection.snapshot import RayTarget

BAD = {"RAY_ADDRESS": "ray://train-head-svc:10001"}
TRAIN = "train-head-svc.apps.svc.cluster.local"
KNOWN = snapshot(targets={"cluster:apps/train": RayTarget(head_service="train-head-svc")})
OWN = {"head": "127.0.0.1:6379", "worker": f"{TRAIN}:6379"}
INJECTED = {
    "RAY_HOST": TRAIN,
    "RAY_SERVE_URL": f"http://{TRAIN}:8000",
    "RAY_DASHBOARD_URL": f"http://{TRAIN}:8265",
}


@pytest.mark.parametrize("node", ["head", "worker"])
def test_without_an_annotation_a_right_pod_is_left_alone(node: str) -> None:
    outcome = run(kuberay_pod(node), KNOWN)
    assert (outcome.code, outcome.unchanged, outcome.warnings) == (Code.ALREADY_RIGHT, True, [])


@pytest.mark.parametrize("node", ["head", "worker"])
@pytest.mark.parametrize("address", ["auto", "", "10.0.0.1:6379", "[fd00::1]:6379", "gcs.example:6380"])
def test_a_right_address_of_the_user_stays(node: str, address: str) -> None:
    whole = kuberay_pod(node, env={"RAY_ADDRESS": address})
    assert run(whole, KNOWN).unchanged
    annotated = kuberay_pod(node, node, env={"RAY_ADDRESS": address})
    assert run(annotated, KNOWN).env(f"ray-{node}")["RAY_ADDRESS"] == address


@pytest.mark.parametrize("node", ["head", "worker"])
@pytest.mark.parametrize("address", ["ray://h:10001", "http://h:8265", "local", "h", "$(FQ_RAY_IP):6379", FROM_FIELD])
def test_without_an_annotation_only_a_wrong_address_is_mended(node: str, address: Any) -> None:
    env = {"RAY_ADDRESS": address, "RAY_SERVE_ADDRESS": "http://h:8000", "RAY_HOST": "h"}
    outcome = run(kuberay_pod(node, env=env), KNOWN)
    before = {entry["name"]: entry for entry in kuberay_pod(node, env=env)["spec"]["containers"][0]["env"]}
    after = {entry["name"]: entry for entry in outcome.entries(f"ray-{node}")}
    assert outcome.code is Code.KUBERAY_MENDED
    assert after == before | {"RAY_ADDRESS": {"name": "RAY_ADDRESS", "value": OWN[node]}}


@pytest.mark.parametrize(
    ("node", "start", "address"),
    [
        ("head", "ray start --head --port=6380 --block", "127.0.0.1:6380"),
        ("head", "ray start --head  --block ", "127.0.0.1:6379"),
        ("head", "ray start --head --dashboard-port=8266 --metrics-export-port=8080", "127.0.0.1:6379"),
        ("worker", "ray start  --address=h.example:6380  --block", "h.example:6380"),
        ("worker", "ray start --block --address=h.example:6380", "h.example:6380"),
    ],
)
def test_kuberays_own_address_comes_from_its_start_command(node: str, start: str, address: str) -> None:
    outcome = run(kuberay_pod(node, env=BAD, start=start), KNOWN)
    assert outcome.env(f"ray-{node}")["RAY_ADDRESS"] == address


@pytest.mark.parametrize("role", [None, "worker"])
@pytest.mark.parametrize("env_from", [[], ENV_FROM])
def test_where_kuberays_own_address_is_missing_a_wrong_one_is_removed(role: str | None, env_from: list[Any]) -> None:
    """With envFrom too: with nothing of KubeRay's own known, RAY_ADDRESS stays absent."""
    outcome = run(kuberay_pod("worker", role, env=BAD, start="ray start --block", env_from=env_from), KNOWN)
    assert "RAY_ADDRESS" not in outcome.env("ray-worker")


@pytest.mark.parametrize("node", ["head", "worker"])
def test_with_an_annotation_the_ray_container_gets_its_own_clusters_connection(node: str) -> None:
    env = {"RAY_SERVE_ADDRESS": "x", "RAY_DASHBOARD_ADDRESS": "x", "RAY_API_SERVER_ADDRESS": "x", **BAD}
    outcome = run(kuberay_pod(node, node, env=env), KNOWN)
    plain = {entry["name"]: entry["value"] for entry in kuberay_pod(node)["spec"]["containers"][0]["env"]}
    head_only = {"GRPC_ENABLE_FORK_SUPPORT": "0"} if node == "head" else {}
    assert outcome.env(f"ray-{node}") == plain | INJECTED | {"SEEDCORE_RAY_ROLE": node} | head_only
    assert (outcome.code, outcome.warnings) == (Code.KUBERAY, [])


def test_the_order_of_the_operators_entries_and_containers_stays() -> None:
    whole = kuberay_pod("head", "head", container("side"), env=BAD | {"X": "$(RAY_PORT)"})
    outcome = run(whole, KNOWN)
    before = [entry["name"] for entry in whole["spec"]["containers"][0]["env"]]
    assert [name for name in outcome.names("ray-head") if name in before] == before
    assert [item["name"] for item in outcome.pod["spec"]["containers"]] == ["ray-head", "side"]


@pytest.mark.parametrize("env", [{"RAY_PORT": "10001"}, {}])
def test_ray_port_is_never_touched_on_a_kuberay_pod(env: dict[str, str]) -> None:
    whole = kuberay_pod("head", "head", env=env)
    ports = [entry for entry in whole["spec"]["containers"][0]["env"] if entry["name"] == "RAY_PORT"]
    assert [entry for entry in run(whole, KNOWN).entries("ray-head") if entry["name"] == "RAY_PORT"] == ports


def test_an_unknown_cluster_gives_its_deterministic_names_with_a_warning() -> None:
    outcome = run(kuberay_pod("head", "head"))
    assert outcome.env("ray-head")["RAY_HOST"] == TRAIN
    assert outcome.warnings == [Code.UNKNOWN_CLUSTER]


def test_a_worker_of_an_unknown_cluster_uses_its_own_head_host() -> None:
    whole = kuberay_pod("worker", "worker")
    entry = next(entry for entry in whole["spec"]["containers"][0]["env"] if entry["name"] == "FQ_RAY_IP")
    entry["value"] = "renamed-svc.apps.svc.cluster.local"
    assert run(whole).env("ray-worker")["RAY_HOST"] == "renamed-svc.apps.svc.cluster.local"


def test_a_pod_without_a_cluster_label_goes_on_to_the_settings() -> None:
    assert run(kuberay_pod("head", "head", cluster=None)).env("ray-head")["RAY_HOST"] == HOST
    own = run(kuberay_pod("head", "head", cluster=None), snapshot(own={"RAY_HOST": "own"}))
    assert own.env("ray-head")["RAY_HOST"] == "own"


def test_ray_namespace_comes_only_from_the_namespaces_settings_or_the_annotation() -> None:
    assert "RAY_NAMESPACE" not in run(kuberay_pod("head", "head"), KNOWN).env("ray-head")
    own = snapshot(own={"RAY_NAMESPACE": "level-2"}, targets={"cluster:apps/train": RayTarget(head_service="s")})
    assert run(kuberay_pod("head", "head"), own).env("ray-head")["RAY_NAMESPACE"] == "level-2"
    annotated = kuberay_pod("head", "head", annotations={"ray-namespace": "mine"})
    assert run(annotated, own).env("ray-head")["RAY_NAMESPACE"] == "mine"


# Annotations without a role.


@pytest.mark.parametrize("role", [None, "head"])
def test_keep_keeps_a_wrong_address_even_without_a_role(role: str | None) -> None:
    whole = kuberay_pod("head", role, env=BAD, annotations={"on-conflict": "keep"})
    assert run(whole, KNOWN).env("ray-head")["RAY_ADDRESS"] == BAD["RAY_ADDRESS"]


def test_without_a_role_keep_means_no_patch() -> None:
    assert run(kuberay_pod("head", env=BAD, annotations={"on-conflict": "keep"}), KNOWN).unchanged


@pytest.mark.parametrize("role", [None, "head"])
def test_deny_refuses_a_wrong_address_even_without_a_role(role: str | None) -> None:
    outcome = run(kuberay_pod("head", role, env=BAD, annotations={"on-conflict": "deny"}), KNOWN)
    assert outcome.code is Code.CONFLICT
    parts = ["ray-head", "RAY_ADDRESS", BAD["RAY_ADDRESS"], "127.0.0.1:6379"]
    assert [part for part in parts if part not in outcome.message] == []


@pytest.mark.parametrize("node", ["head", "worker"])
def test_what_kuberay_wrote_is_nobodys_conflict(node: str) -> None:
    outcome = run(kuberay_pod(node, node, annotations={"on-conflict": "deny"}, wait={"FQ_RAY_IP": TRAIN}), KNOWN)
    assert outcome.code is Code.KUBERAY


def test_deny_refuses_a_declared_value_of_an_annotated_pod() -> None:
    whole = kuberay_pod("head", "head", env={"RAY_HOST": "other"}, annotations={"on-conflict": "deny"})
    assert run(whole, KNOWN).code is Code.CONFLICT
    without = kuberay_pod("head", env={"RAY_HOST": "other"}, annotations={"on-conflict": "deny"})
    assert run(without, KNOWN).unchanged, "without a role the shared variables are nobody's concern"


@pytest.mark.parametrize("role", [None, "head"])
def test_skip_containers_holds_even_without_a_role(role: str | None) -> None:
    whole = kuberay_pod("head", role, env=BAD, annotations={"skip-containers": "ray-head"})
    assert run(whole, KNOWN).unchanged


def test_containers_needs_a_role() -> None:
    outcome = run(kuberay_pod("head", None, container("side"), annotations={"containers": "side"}), KNOWN)
    assert (outcome.unchanged, outcome.warnings) == (True, [Code.ANNOTATION_IGNORED])


# Other containers.


def test_containers_adds_clients_of_that_cluster() -> None:
    whole = kuberay_pod("head", "head", container("side"), container("rest"), annotations={"containers": "side"})
    outcome = run(whole, KNOWN)
    assert outcome.env("ray-head")["SEEDCORE_RAY_ROLE"] == "head"
    assert outcome.env("rest") == {}
    assert outcome.env("side") == INJECTED | {
        "RAY_PORT": "10001",
        "SEEDCORE_RAY_ROLE": "client",
        "RAY_ADDRESS": f"ray://{TRAIN}:10001",
        "RAY_SERVE_ADDRESS": f"http://{TRAIN}:8000",
        "RAY_DASHBOARD_ADDRESS": f"http://{TRAIN}:8265",
        "RAY_API_SERVER_ADDRESS": f"http://{TRAIN}:8265",
    }


def test_an_added_client_gets_its_clusters_token() -> None:
    target = RayTarget(head_service="train-head-svc", auth_secret="train")  # noqa: S106  a Secret's name
    whole = kuberay_pod("head", "head", container("side"), annotations={"containers": "side"})
    outcome = run(whole, snapshot(targets={"cluster:apps/train": target}))
    assert outcome.env("side")["RAY_AUTH_MODE"] == "token"
    assert outcome.env("side")["RAY_AUTH_TOKEN"] == {"secretKeyRef": {"name": "train", "key": "auth_token"}}
    assert "RAY_AUTH_MODE" not in outcome.env("ray-head")


def test_what_is_wrong_in_other_containers_is_told() -> None:
    whole = kuberay_pod("head", None, container("side", BAD), container("right", {"RAY_ADDRESS": "auto"}))
    outcome = run(whole, KNOWN)
    assert (outcome.unchanged, outcome.warnings) == (True, [Code.WRONG_ELSEWHERE])
    assert "side" in outcome.texts[0]


def test_wait_gcs_ready_loses_its_copy_of_a_wrong_address() -> None:
    outcome = run(kuberay_pod("worker", env=BAD, wait=BAD | {"FQ_RAY_IP": TRAIN}), KNOWN)
    assert outcome.env("wait-gcs-ready") == {"FQ_RAY_IP": TRAIN}
    assert (outcome.code, outcome.warnings) == (Code.KUBERAY_MENDED, [])


@pytest.mark.parametrize("address", ["h:6379", "auto", ""])
def test_wait_gcs_ready_keeps_a_right_address_and_gets_nothing(address: str) -> None:
    env = {"RAY_ADDRESS": address, "FQ_RAY_IP": TRAIN}
    outcome = run(kuberay_pod("worker", "worker", env={"RAY_ADDRESS": address}, wait=env), KNOWN)
    assert outcome.env("wait-gcs-ready") == env


@pytest.mark.parametrize("annotation", [{"on-conflict": "keep"}, {"skip-containers": "wait-gcs-ready"}])
def test_keep_and_skip_containers_hold_for_wait_gcs_ready(annotation: dict[str, str]) -> None:
    outcome = run(kuberay_pod("worker", env=BAD, wait=BAD, annotations=annotation), KNOWN)
    assert outcome.env("wait-gcs-ready") == BAD


@pytest.mark.parametrize("name", ["wait-gcs-ready", "ray-job-submitter"])
def test_containers_never_selects_the_operators_own(name: str) -> None:
    submitter = container("ray-job-submitter", [{"name": "RAY_DASHBOARD_ADDRESS"}])
    whole = kuberay_pod("worker", "worker", submitter, wait={"FQ_RAY_IP": TRAIN}, annotations={"containers": name})
    outcome = run(whole, KNOWN)
    assert outcome.entries(name) == next(
        item["env"] for item in (*whole["spec"]["containers"], *whole["spec"]["initContainers"]) if item["name"] == name
    )
    assert outcome.env("ray-worker")["RAY_HOST"] == TRAIN


def test_of_both_lists_skip_containers_wins() -> None:
    annotations = {"containers": "side,other", "skip-containers": "side"}
    outcome = run(kuberay_pod("head", "head", container("side"), container("other"), annotations=annotations), KNOWN)
    assert outcome.env("side") == {}
    assert outcome.env("other")["RAY_ADDRESS"] == f"ray://{TRAIN}:10001"
    assert outcome.warnings == [Code.ANNOTATION_IGNORED]


# envFrom, duplicates, settings.


@pytest.mark.parametrize("node", ["head", "worker"])
def test_without_an_annotation_env_from_adds_nothing(node: str) -> None:
    assert run(kuberay_pod(node, env_from=ENV_FROM), KNOWN).unchanged


@pytest.mark.parametrize(("node", "dashboard"), [("head", "http://127.0.0.1:8265"), ("worker", f"http://{TRAIN}:8265")])
def test_with_env_from_the_explicit_address_is_kuberays_own(node: str, dashboard: str) -> None:
    outcome = run(kuberay_pod(node, node, env=BAD, env_from=ENV_FROM), KNOWN)
    env = outcome.env(f"ray-{node}")
    assert {
        name: env[name]
        for name in ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS", "RAY_SERVE_ADDRESS", "RAY_DASHBOARD_ADDRESS")
    } == {
        "RAY_ADDRESS": OWN[node],
        "RAY_API_SERVER_ADDRESS": "",
        "RAY_SERVE_ADDRESS": f"http://{TRAIN}:8000",
        "RAY_DASHBOARD_ADDRESS": dashboard,
    }


def test_the_dashboard_port_of_the_spec_counts() -> None:
    target = RayTarget(head_service="train-head-svc", dashboard_port=9265)
    outcome = run(kuberay_pod("head", "head", env_from=ENV_FROM), snapshot(targets={"cluster:apps/train": target}))
    assert outcome.env("ray-head")["RAY_DASHBOARD_ADDRESS"] == "http://127.0.0.1:9265"


def test_without_a_role_duplicates_of_a_right_address_stay() -> None:
    env: Env = [("RAY_ADDRESS", "ray://old:1"), ("RAY_ADDRESS", "auto")]
    assert run(kuberay_pod("head", env=env), KNOWN).unchanged


def test_on_kuberay_pods_a_right_entry_after_its_referrer_is_not_told() -> None:
    env = {"X": "$(RAY_HOST)", "RAY_HOST": TRAIN}
    outcome = run(kuberay_pod("head", "head", env=env), KNOWN)
    assert (outcome.warnings, outcome.names("ray-head")[:2]) == ([], ["X", "RAY_HOST"])


@pytest.mark.parametrize("containers", ["", "side"])
def test_a_broken_key_is_a_warning_never_a_denial(containers: str) -> None:
    broken = snapshot({"RAY_HOST": HOST, "RAY_SERVE_URL": "a b"})
    whole = kuberay_pod("head", "head", container("side"), cluster=None, annotations={"containers": containers})
    outcome = run(whole, broken)
    assert (outcome.allowed, outcome.warnings) == (True, [Code.SETTINGS_KEY_BROKEN])
    assert outcome.env("ray-head")["RAY_HOST"] == HOST
    assert "RAY_SERVE_URL" not in outcome.env("ray-head")


def test_a_broken_namespace_key_is_a_warning_on_a_kuberay_pod_with_a_cluster() -> None:
    target = {"cluster:apps/train": RayTarget(head_service="train-head-svc")}
    outcome = run(kuberay_pod("head", "head"), snapshot(own={"RAY_NAMESPACE": "a b"}, targets=target))
    assert (outcome.code, outcome.warnings) == (Code.KUBERAY, [Code.SETTINGS_KEY_BROKEN])


def test_an_alias_is_injected_with_its_key_on_an_annotated_pod_only() -> None:
    known = snapshot(
        {"RAY_ALIASES": "SERVE_GATEWAY=RAY_SERVE_URL"},
        targets={"cluster:apps/train": RayTarget(head_service="train-head-svc")},
    )
    assert settings({"RAY_ALIASES": "SERVE_GATEWAY=RAY_SERVE_URL"}).aliases == {"SERVE_GATEWAY": "RAY_SERVE_URL"}
    assert run(kuberay_pod("head", "head"), known).env("ray-head")["SERVE_GATEWAY"] == f"http://{TRAIN}:8000"
    assert "SERVE_GATEWAY" not in run(kuberay_pod("head", env=BAD), known).env("ray-head")


def test_a_label_that_is_not_head_or_worker_makes_no_kuberay_pod() -> None:
    whole = pod("client", env={"KUBERAY_GEN_RAY_START_CMD": "ray start"}, labels={"ray.io/node-type": "other"})
    assert run(whole).code is Code.CLIENT


def test_fq_ray_ip_of_a_head_is_not_believed() -> None:
    """The operator writes it into workers only; on a head it is whatever the template says."""
    outcome = run(kuberay_pod("head", "head", env={"FQ_RAY_IP": "elsewhere.example"}))
    assert outcome.env("ray-head")["RAY_HOST"] == "train-head-svc.apps.svc.cluster.local"
