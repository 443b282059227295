"""Where the connection comes from: named cluster, the namespace's settings, those for everybody, built in."""

from __future__ import annotations

import pytest

from tests.injection.support import (
    CLIENT_ENV,
    EMPTY,
    HOST,
    container,
    pod,
    run,
    run_default,
    settings,
    snapshot,
)
from webhook.injection.reasons import Code
from webhook.injection.snapshot import RayTarget, Snapshot

TRAIN = "train-head-svc.apps.svc.cluster.local"
CLUSTER = RayTarget(head_service="train-head-svc")


def _named(key: str = "cluster", value: str = "train", **annotations: str) -> dict[str, object]:
    return pod("client", annotations={key: value} | annotations)


# Level 1.


@pytest.mark.parametrize("value", ["train", "apps/train"])
def test_a_named_cluster_gives_service_and_ports_from_its_spec(value: str) -> None:
    target = RayTarget(head_service="ray-gw", client_port=20001, dashboard_port=9265, serve_port=9000)
    outcome = run(_named(value=value), snapshot(targets={"cluster:apps/train": target}))
    full = "ray-gw.apps.svc.cluster.local"
    assert outcome.env() == {
        "RAY_HOST": full,
        "RAY_PORT": "20001",
        "RAY_SERVE_URL": f"http://{full}:9000",
        "RAY_DASHBOARD_URL": f"http://{full}:9265",
        "SEEDCORE_RAY_ROLE": "client",
        "RAY_ADDRESS": f"ray://{full}:20001",
        "RAY_SERVE_ADDRESS": f"http://{full}:9000",
        "RAY_DASHBOARD_ADDRESS": f"http://{full}:9265",
        "RAY_API_SERVER_ADDRESS": f"http://{full}:9265",
    }
    assert (outcome.code, outcome.warnings) == (Code.CLIENT, [])


def test_a_rayservice_has_its_own_serve_service() -> None:
    target = RayTarget(head_service="chat-head-svc", serve_service="chat-serve-svc")
    env = run(_named("service", "chat"), snapshot(targets={"service:apps/chat": target})).env()
    assert env["RAY_HOST"] == "chat-head-svc.apps.svc.cluster.local"
    assert env["RAY_SERVE_URL"] == env["RAY_SERVE_ADDRESS"] == "http://chat-serve-svc.apps.svc.cluster.local:8000"
    assert env["RAY_DASHBOARD_URL"] == "http://chat-head-svc.apps.svc.cluster.local:8265"


def test_a_cluster_is_not_a_service_of_the_same_name() -> None:
    known = snapshot(targets={"cluster:apps/chat": RayTarget(head_service="renamed")})
    outcome = run(_named("service", "chat"), known)
    assert outcome.env()["RAY_HOST"] == "chat-head-svc.apps.svc.cluster.local"
    assert outcome.warnings == [Code.UNKNOWN_CLUSTER]


@pytest.mark.parametrize(("key", "serve"), [("cluster", "train-head-svc"), ("service", "train-serve-svc")])
def test_an_unknown_target_has_its_deterministic_names_with_a_warning(key: str, serve: str) -> None:
    outcome = run(_named(key))
    env = outcome.env()
    assert (outcome.code, outcome.warnings) == (Code.CLIENT, [Code.UNKNOWN_CLUSTER])
    assert (env["RAY_ADDRESS"], env["RAY_SERVE_URL"]) == (
        f"ray://{TRAIN}:10001",
        f"http://{serve}.apps.svc.cluster.local:8000",
    )


def test_the_cluster_domain_ends_the_full_name() -> None:
    known = snapshot(targets={"cluster:apps/train": CLUSTER}, cluster_domain="k8s.example")
    assert run(_named(), known).env()["RAY_HOST"] == "train-head-svc.apps.svc.k8s.example"


def test_a_head_or_worker_may_name_a_cluster_too() -> None:
    env = run(pod("worker", annotations={"cluster": "train"}), snapshot(targets={"cluster:apps/train": CLUSTER})).env()
    assert (env["RAY_HOST"], env["RAY_SERVE_URL"]) == (TRAIN, f"http://{TRAIN}:8000")


@pytest.mark.parametrize(
    ("own", "annotations", "namespace"),
    [
        (None, {}, None),
        ({"RAY_HOST": "own", "RAY_NAMESPACE": "level-2", "RAY_PORT": "7"}, {}, "level-2"),
        ({"RAY_NAMESPACE": "level-2"}, {}, "level-2"),
        ({"RAY_HOST": "own"}, {}, None),
        ({"RAY_NAMESPACE": "level-2"}, {"ray-namespace": "mine"}, "mine"),
        (None, {"ray-namespace": "mine"}, "mine"),
    ],
)
def test_with_a_named_cluster_ray_namespace_is_only_that_of_level_2_or_the_annotation(
    own: dict[str, str] | None, annotations: dict[str, str], namespace: str | None
) -> None:
    env = run(_named(**annotations), snapshot(own=own, targets={"cluster:apps/train": CLUSTER})).env()
    assert env.get("RAY_NAMESPACE") == namespace
    assert (env["RAY_HOST"], env["RAY_PORT"], env["RAY_ADDRESS"]) == (TRAIN, "10001", f"ray://{TRAIN}:10001")


# References to other namespaces.


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        (None, False),
        ("apps -> seedcore-dev/seedcore", True),
        ("apps->seedcore-dev/seedcore", True),
        ("* -> seedcore-dev/seedcore", True),
        ("apps -> */seedcore", True),
        ("apps -> seedcore-dev/*", True),
        ("* -> */*", True),
        ("other -> seedcore-dev/seedcore", False),
        ("apps -> seedcore-dev/other", False),
        ("apps -> other/seedcore", False),
        ("x -> y/z\napps -> seedcore-dev/seedcore", True),
        ("x -> y/z; apps -> seedcore-dev/seedcore", True),
    ],
)
@pytest.mark.parametrize("key", ["cluster", "service"])
@pytest.mark.parametrize("role", ["client", "head"])
def test_another_namespaces_cluster_needs_a_line(line: str | None, allowed: bool, key: str, role: str) -> None:
    data = {"RAY_HOST": HOST} | ({"RAY_ALLOWED_REFERENCES": line} if line else {})
    outcome = run(pod(role, annotations={key: "seedcore-dev/seedcore"}), snapshot(data))
    assert outcome.allowed is allowed
    if allowed:
        assert outcome.env()["RAY_HOST"] == "seedcore-head-svc.seedcore-dev.svc.cluster.local"
    else:
        assert outcome.code is Code.REFERENCE_NOT_ALLOWED


def test_a_line_in_the_namespaces_own_settings_opens_nothing() -> None:
    known = snapshot(own={"RAY_ALLOWED_REFERENCES": "* -> */*"})
    assert run(_named(value="seedcore-dev/seedcore"), known).code is Code.REFERENCE_NOT_ALLOWED


def test_a_refused_reference_does_not_tell_whether_the_cluster_exists() -> None:
    unknown = run(_named(value="other/train"))
    known = run(_named(value="other/train"), snapshot(targets={"cluster:other/train": CLUSTER}))
    assert unknown.decision == known.decision
    assert unknown.warnings == []


def test_without_a_line_the_own_namespace_is_always_allowed() -> None:
    assert run(_named(value="team-b/train"), snapshot(), namespace="team-b").allowed


# Levels 2 to 4.


def test_the_namespaces_settings_give_the_connection_whole() -> None:
    known = snapshot(
        {
            "RAY_HOST": HOST,
            "RAY_PORT": "20001",
            "RAY_NAMESPACE": "x",
            "RAY_SERVE_URL": "http://s",
            "RAY_DASHBOARD_URL": "http://d",
        },
        own={"RAY_HOST": "own"},
    )
    assert run(pod("client"), known).env() == {
        "RAY_HOST": "own",
        "RAY_PORT": "10001",
        "RAY_SERVE_URL": "http://own:8000",
        "RAY_DASHBOARD_URL": "http://own:8265",
        "SEEDCORE_RAY_ROLE": "client",
        "RAY_ADDRESS": "ray://own:10001",
        "RAY_SERVE_ADDRESS": "http://own:8000",
        "RAY_DASHBOARD_ADDRESS": "http://own:8265",
        "RAY_API_SERVER_ADDRESS": "http://own:8265",
    }


@pytest.mark.parametrize(
    ("own", "changed"),
    [
        ({"RAY_PORT": "7"}, {"RAY_PORT": "7", "RAY_ADDRESS": f"ray://{HOST}:7"}),
        ({"RAY_NAMESPACE": "mine"}, {"RAY_NAMESPACE": "mine"}),
        ({"RAY_SERVE_URL": "http://s:1"}, {"RAY_SERVE_URL": "http://s:1", "RAY_SERVE_ADDRESS": "http://s:1"}),
        ({"RAY_HOST": "", "RAY_NAMESPACE": "mine"}, {"RAY_NAMESPACE": "mine"}),
        ({"RAY_PORT": "", "RAY_NAMESPACE": ""}, {}),
        ({}, {}),
        ({"UNRELATED": "x", "RAY_ADDRESS": "ray://x:1"}, {}),
    ],
)
def test_a_level_without_a_host_overrides_single_keys(own: dict[str, str], changed: dict[str, str]) -> None:
    assert run(pod("client"), snapshot(own=own)).env() == CLIENT_ENV | changed


def test_another_namespaces_settings_are_not_looked_at() -> None:
    assert run(pod("client"), snapshot(own={"RAY_HOST": "own"}, namespace="other")).env() == CLIENT_ENV


def test_the_host_is_used_as_written() -> None:
    env = run(pod("client"), snapshot({"RAY_HOST": "seedcore-head-svc"})).env()
    assert (env["RAY_HOST"], env["RAY_ADDRESS"]) == ("seedcore-head-svc", "ray://seedcore-head-svc:10001")


def test_ray_namespace_is_never_injected_empty() -> None:
    for data in ({"RAY_HOST": "h"}, {"RAY_HOST": "h", "RAY_NAMESPACE": ""}):
        assert "RAY_NAMESPACE" not in run(pod("client"), snapshot(data)).env()
    declared = run(pod("client", env={"RAY_NAMESPACE": "own"}), snapshot({"RAY_HOST": "h"}))
    assert declared.env()["RAY_NAMESPACE"] == "own"


def test_the_built_in_connection_is_warned_of() -> None:
    outcome = run(pod("client"), EMPTY)
    assert (outcome.code, outcome.warnings) == (Code.CLIENT, [Code.BUILT_IN])
    assert outcome.env() == {name: value.replace(HOST, "seedcore-head-svc") for name, value in CLIENT_ENV.items()}


@pytest.mark.parametrize("known", [snapshot({"RAY_PORT": "7"}), snapshot({}, own={"RAY_PORT": "7"})])
def test_a_level_without_a_host_overrides_the_built_in_one(known: Snapshot) -> None:
    outcome = run(pod("client"), known)
    assert outcome.env()["RAY_ADDRESS"] == "ray://seedcore-head-svc:7"
    assert outcome.warnings == [Code.BUILT_IN]


@pytest.mark.parametrize("mode", ["override", "keep", "deny"])
@pytest.mark.parametrize(
    "declared",
    [
        {"RAY_HOST": "own"},
        {"RAY_PORT": "7"},
        {"RAY_NAMESPACE": "own"},
        {"RAY_ADDRESS": "ray://own:7"},
        {"RAY_SERVE_URL": "http://own"},
        {"RAY_SERVE_ADDRESS": "http://own"},
        {"RAY_DASHBOARD_ADDRESS": "http://own"},
    ],
)
def test_the_built_in_level_acts_as_keep(mode: str, declared: dict[str, str]) -> None:
    outcome = run(pod("client", env=declared, annotations={"on-conflict": mode}), EMPTY)
    assert (outcome.code, outcome.warnings) == (Code.CLIENT, [Code.BUILT_IN])
    assert outcome.env().items() >= declared.items()


def test_derived_values_follow_what_the_built_in_level_keeps() -> None:
    env = run(pod("client", env={"RAY_HOST": "own", "RAY_PORT": "7"}), EMPTY).env()
    assert (env["RAY_ADDRESS"], env["RAY_SERVE_URL"]) == ("ray://own:7", "http://own:8000")


def test_of_the_built_in_level_only_its_values_act_as_keep() -> None:
    """The role's name, removals and a wrong RAY_ADDRESS follow on-conflict; envFrom's explicit values are added."""
    declared = {"SEEDCORE_RAY_ROLE": "x", "RAY_SERVE_ADDRESS": "http://x", "RAY_ADDRESS": "ray://x:1", "RAY_HOST": "x"}
    env = run(pod("head", env=declared), EMPTY).env()
    assert (env["SEEDCORE_RAY_ROLE"], env["RAY_ADDRESS"], env["RAY_HOST"]) == ("head", "auto", "x")
    assert "RAY_SERVE_ADDRESS" not in env
    from_elsewhere = pod("worker", env_from=[{"secretRef": {"name": "s"}}])
    assert run(from_elsewhere, EMPTY).env()["RAY_ADDRESS"] == "auto"


@pytest.mark.parametrize("name", ["SEEDCORE_RAY_ROLE", "RAY_ADDRESS", "RAY_SERVE_ADDRESS"])
def test_deny_refuses_on_the_built_in_level_what_does_not_act_as_keep(name: str) -> None:
    outcome = run(pod("head", env={name: "ray://x:1"}, annotations={"on-conflict": "deny"}), EMPTY)
    assert outcome.code is Code.CONFLICT
    assert name in outcome.message


def test_on_the_built_in_level_the_annotation_ray_namespace_still_beats_a_declared_value() -> None:
    whole = pod("client", env={"RAY_NAMESPACE": "declared"}, annotations={"ray-namespace": "mine"})
    assert run(whole, EMPTY).env()["RAY_NAMESPACE"] == "mine"


# Tokens.


@pytest.mark.parametrize(
    ("data", "reference"),
    [
        ({"RAY_AUTH_SECRET": "tok"}, {"name": "tok", "key": "auth_token"}),
        ({"RAY_AUTH_SECRET": "tok", "RAY_AUTH_SECRET_KEY": "k"}, {"name": "tok", "key": "k"}),
    ],
)
def test_a_client_gets_the_token_of_its_settings(data: dict[str, str], reference: dict[str, str]) -> None:
    known = snapshot({"RAY_HOST": HOST, "RAY_NAMESPACE": "seedcore-dev"} | data)
    outcome = run(pod("client"), known)
    assert outcome.env() == CLIENT_ENV | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": {"secretKeyRef": reference}}
    assert outcome.warnings == []


@pytest.mark.parametrize("role", ["head", "worker"])
def test_only_clients_get_a_token(role: str) -> None:
    assert "RAY_AUTH_MODE" not in run(pod(role), snapshot({"RAY_HOST": HOST, "RAY_AUTH_SECRET": "tok"})).env()


@pytest.mark.parametrize("mode", ["override", "keep", "deny"])
@pytest.mark.parametrize("declared", [{"RAY_AUTH_MODE": "disabled"}, {"RAY_AUTH_TOKEN": "x"}, {"RAY_AUTH_MODE": ""}])
def test_each_part_of_the_token_is_set_only_where_absent(mode: str, declared: dict[str, str]) -> None:
    whole = pod("client", env=declared, annotations={"on-conflict": mode})
    env = run(whole, snapshot({"RAY_HOST": HOST, "RAY_AUTH_SECRET": "tok"})).env()
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": {"secretKeyRef": {"name": "tok", "key": "auth_token"}}}
    assert {name: env[name] for name in token} == token | declared


def test_a_named_cluster_gives_its_own_token_or_none() -> None:
    settings_with_token = {"RAY_HOST": HOST, "RAY_AUTH_SECRET": "tok"}
    with_token = RayTarget(head_service="train-head-svc", auth_secret="train-token", auth_key="k")  # noqa: S106  a Secret's name
    own = run(_named(), snapshot(settings_with_token, targets={"cluster:apps/train": with_token})).env()
    assert own["RAY_AUTH_TOKEN"] == {"secretKeyRef": {"name": "train-token", "key": "k"}}
    none = run(_named(), snapshot(settings_with_token, targets={"cluster:apps/train": CLUSTER})).env()
    assert "RAY_AUTH_MODE" not in none


def test_for_a_cluster_elsewhere_no_token_is_injected_and_a_warning_says_what_to_copy() -> None:
    target = RayTarget(head_service="train-head-svc", auth_secret="train-token")  # noqa: S106  a Secret's name
    data = {"RAY_HOST": HOST, "RAY_ALLOWED_REFERENCES": "apps -> other/train"}
    outcome = run(_named(value="other/train"), snapshot(data, targets={"cluster:other/train": target}))
    assert not {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN"} & outcome.env().keys()
    assert outcome.warnings == [Code.TOKEN_ELSEWHERE]
    assert "train-token" in outcome.texts[0]


def test_the_token_belongs_to_the_level_that_names_the_host() -> None:
    known = snapshot({"RAY_HOST": HOST, "RAY_AUTH_SECRET": "tok"}, own={"RAY_HOST": "own"})
    assert "RAY_AUTH_MODE" not in run(pod("client"), known).env()
    single = snapshot({"RAY_HOST": HOST}, own={"RAY_AUTH_SECRET": "tok"})
    assert run(pod("client"), single).env()["RAY_AUTH_MODE"] == "token"


# Broken settings.


@pytest.mark.parametrize(
    "broken",
    [
        {"RAY_HOST": "a b"},
        {"RAY_PORT": "0"},
        {"RAY_SERVE_URL": "$(X)"},
        {"RAY_DASHBOARD_URL": "a\x07b"},
        {"RAY_NAMESPACE": "a b"},
        {"RAY_AUTH_SECRET": "a b"},
        {"RAY_AUTH_SECRET_KEY": "$(K)"},
    ],
)
@pytest.mark.parametrize("mode", ["override", "keep"])
def test_a_client_that_needs_a_broken_key_is_denied_even_where_it_declares_it(
    broken: dict[str, str], mode: str
) -> None:
    key = next(iter(broken))
    data = {"RAY_HOST": HOST, "RAY_AUTH_SECRET": "tok"} | broken
    for known in (snapshot(data), snapshot(own=data)):
        outcome = run(pod("client", env={key: "fine"}, annotations={"on-conflict": mode}), known)
        assert (outcome.code, outcome.allowed) == (Code.BROKEN_SETTINGS, False)
        assert key in outcome.message
        assert run_default(pod(), known).code is Code.BROKEN_SETTINGS


def test_a_broken_host_never_falls_through_to_a_lower_level() -> None:
    known = snapshot(own={"RAY_HOST": "a b", "RAY_NAMESPACE": "mine"})
    assert run(pod("client"), known).code is Code.BROKEN_SETTINGS
    env = run(pod("worker"), known).env()
    assert env == {"RAY_NAMESPACE": "mine", "SEEDCORE_RAY_ROLE": "worker"}


@pytest.mark.parametrize("key", ["RAY_SERVE_URL", "RAY_DASHBOARD_URL", "RAY_NAMESPACE"])
def test_heads_and_workers_get_the_valid_keys_of_a_broken_level(key: str) -> None:
    data = {"RAY_HOST": HOST, "RAY_NAMESPACE": "seedcore-dev"} | {key: "a b"}
    outcome = run(pod("head"), snapshot(data))
    assert (outcome.code, outcome.warnings) == (Code.HEAD, [Code.SETTINGS_KEY_BROKEN])
    names = {"RAY_HOST", "RAY_SERVE_URL", "RAY_DASHBOARD_URL", "RAY_NAMESPACE"}
    assert outcome.env().keys() & names == names - {key}


def test_a_single_broken_key_of_a_level_without_host_does_not_fall_through() -> None:
    outcome = run(pod("worker"), snapshot(own={"RAY_NAMESPACE": "a b"}))
    assert "RAY_NAMESPACE" not in outcome.env()
    assert outcome.env()["RAY_HOST"] == HOST
    assert run(pod("client"), snapshot(own={"RAY_NAMESPACE": "a b"})).code is Code.BROKEN_SETTINGS


def test_a_broken_lower_level_is_nobodys_concern_where_a_higher_one_names_a_host() -> None:
    known = snapshot({"RAY_HOST": "a b", "RAY_PORT": "0"}, own={"RAY_HOST": "own"})
    outcome = run(pod("client"), known)
    assert (outcome.code, outcome.env()["RAY_HOST"], outcome.warnings) == (Code.CLIENT, "own", [])


def test_a_named_cluster_needs_no_token_of_the_settings() -> None:
    known = snapshot(own={"RAY_AUTH_SECRET": "a b"}, targets={"cluster:apps/train": CLUSTER})
    assert run(_named(), known).code is Code.CLIENT


def test_a_named_cluster_needs_the_namespaces_ray_namespace() -> None:
    known = snapshot(own={"RAY_NAMESPACE": "a b"}, targets={"cluster:apps/train": CLUSTER})
    assert run(_named(), known).code is Code.BROKEN_SETTINGS


@pytest.mark.parametrize("key", ["RAY_ALIASES", "RAY_ALLOWED_REFERENCES"])
def test_of_broken_lines_the_good_ones_hold_and_nobody_is_denied(key: str) -> None:
    lines = {"RAY_ALIASES": "RAY_IP=RAY_HOST\nGATEWAY=RAY_SERVE_URL", "RAY_ALLOWED_REFERENCES": "rubbish\napps -> x/y"}
    outcome = run(pod("client"), snapshot({"RAY_HOST": HOST, key: lines[key]}))
    assert outcome.code is Code.CLIENT
    assert ("GATEWAY" in outcome.env()) is (key == "RAY_ALIASES")
    if key == "RAY_ALLOWED_REFERENCES":
        assert run(_named(value="x/y"), snapshot({"RAY_HOST": HOST, key: lines[key]})).allowed


# Aliases.


def test_aliases_of_all_levels_are_merged_by_name() -> None:
    known = snapshot(
        {"RAY_HOST": HOST, "RAY_ALIASES": "A=RAY_HOST\nB=RAY_HOST"},
        own={"RAY_HOST": "own", "RAY_ALIASES": "B=RAY_PORT;C=RAY_NAMESPACE;D=RAY_ADDRESS"},
    )
    env = run(pod("client"), known).env()
    assert {name: env.get(name) for name in "ABCD"} == {"A": "own", "B": "10001", "C": None, "D": "ray://own:10001"}


def test_aliases_hold_with_a_named_cluster_too() -> None:
    known = snapshot({"RAY_ALIASES": "GATEWAY=RAY_SERVE_URL"}, targets={"cluster:apps/train": CLUSTER})
    assert run(_named(), known).env()["GATEWAY"] == f"http://{TRAIN}:8000"


@pytest.mark.parametrize(
    ("role", "key", "value"),
    [
        ("client", "RAY_HOST", HOST),
        ("client", "RAY_PORT", "10001"),
        ("client", "SEEDCORE_RAY_ROLE", "client"),
        ("client", "RAY_ADDRESS", f"ray://{HOST}:10001"),
        ("client", "RAY_API_SERVER_ADDRESS", f"http://{HOST}:8265"),
        ("client", "GRPC_ENABLE_FORK_SUPPORT", None),
        ("head", "RAY_HOST", HOST),
        ("head", "RAY_PORT", None),
        ("head", "RAY_ADDRESS", None),
        ("head", "RAY_SERVE_ADDRESS", None),
        ("head", "GRPC_ENABLE_FORK_SUPPORT", "0"),
        ("worker", "RAY_DASHBOARD_URL", f"http://{HOST}:8265"),
        ("worker", "RAY_ADDRESS", None),
        ("worker", "RAY_DASHBOARD_ADDRESS", None),
    ],
)
def test_an_alias_is_injected_with_its_key(role: str, key: str, value: str | None) -> None:
    known = snapshot({"RAY_HOST": HOST, "RAY_ALIASES": f"OURS={key}"})
    assert run(pod(role), known).env().get("OURS") == value


def test_an_alias_is_removed_with_its_key() -> None:
    known = snapshot({"RAY_HOST": HOST, "RAY_ALIASES": "OURS=RAY_SERVE_ADDRESS"})
    assert "OURS" not in run(pod("worker", env={"OURS": "x"}), known).env()
    kept = run(pod("worker", env={"OURS": "x"}, annotations={"on-conflict": "keep"}), known)
    assert kept.env()["OURS"] == "x"
    denied = run(pod("worker", env={"OURS": "x"}, annotations={"on-conflict": "deny"}), known)
    assert denied.code is Code.CONFLICT


@pytest.mark.parametrize(("mode", "value"), [("override", HOST), ("keep", "x"), ("deny", None)])
def test_an_alias_follows_on_conflict(mode: str, value: str | None) -> None:
    known = snapshot({"RAY_HOST": HOST, "RAY_ALIASES": "OURS=RAY_HOST"})
    outcome = run(pod("client", env={"OURS": "x"}, annotations={"on-conflict": mode}), known)
    assert outcome.allowed is (value is not None)
    if value is not None:
        assert outcome.env()["OURS"] == value


def test_an_alias_whose_key_is_not_known_is_not_set() -> None:
    known = snapshot({"RAY_HOST": HOST, "RAY_ALIASES": "NS=RAY_NAMESPACE"})
    assert "NS" not in run(pod("client", container("app")), known).env()


def test_settings_are_literals() -> None:
    """The value of a key is not expanded, and a port is written as the settings write it."""
    assert settings({"RAY_HOST": "h", "RAY_PORT": "10001"}).values == {"RAY_HOST": "h", "RAY_PORT": "10001"}
