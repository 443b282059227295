"""What each role gets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.injection.support import (
    ADDRESS,
    CLIENT_ENV,
    DASHBOARD,
    ENV_FROM,
    FROM_FIELD,
    HEAD_ENV,
    SERVE,
    WORKER_ENV,
    container,
    pod,
    run,
    snapshot,
)
from webhook.injection.reasons import Code

REMOVED = {"RAY_SERVE_ADDRESS": "http://h:8000", "RAY_DASHBOARD_ADDRESS": "http://h:8265", "RAY_API_SERVER_ADDRESS": ""}
RIGHT: list[Any] = ["auto", "", None, "h:6379", "head.example.:1", "10.0.0.1:65535", "[::1]:6379", "[fd00::a]:1"]
WRONG: list[Any] = [
    "ray://h:10001",
    "ray://",
    "http://h:8265",
    "https://h:8265",
    "local",
    "h",
    "10.0.0.1",
    "[::1]",
    "::1:6379",
    "[::g]:6379",
    "h:",
    ":6379",
    "h:0",
    "h:65536",
    "h:-1",
    "h:abc",
    "h:6379/",
    "h:6379 ",
    " auto",
    "AUTO",
    "Auto",
    " ",
    "a b:6379",
    "a,b:6379",
    "$(RAY_HOST):6379",
    "h:$(PORT)",
    "$(ADDRESS)",
    "-h:6379",
    "RAY://h:10001",
    "grpc://h:1",
    FROM_FIELD,
    {"configMapKeyRef": {"name": "m", "key": "k"}},
]


def _address(value: Any) -> list[Any]:
    return [{"name": "RAY_ADDRESS"}] if value is None else [("RAY_ADDRESS", value)]


@pytest.mark.parametrize("address", RIGHT)
@pytest.mark.parametrize(("role", "env"), [("head", HEAD_ENV), ("worker", WORKER_ENV)])
@pytest.mark.parametrize("mode", ["override", "keep", "deny"])
def test_a_right_address_of_a_head_or_worker_stays(role: str, env: dict[str, str], address: Any, mode: str) -> None:
    for env_from in ([], ENV_FROM):
        whole = pod(role, env=_address(address), env_from=env_from, annotations={"on-conflict": mode})
        outcome = run(whole)
        assert outcome.allowed
        assert outcome.env()["RAY_ADDRESS"] == address
        assert outcome.entries()[[*outcome.env()].index("RAY_ADDRESS")] == whole["spec"]["containers"][0]["env"][0]


@pytest.mark.parametrize("address", WRONG)
def test_a_wrong_address_becomes_auto_on_a_head_and_is_removed_on_a_worker(address: Any) -> None:
    assert run(pod("head", env=_address(address))).env() == HEAD_ENV
    assert run(pod("worker", env=_address(address))).env() == WORKER_ENV


@pytest.mark.parametrize("address", WRONG)
@pytest.mark.parametrize("role", ["head", "worker"])
def test_keep_keeps_and_deny_refuses_a_wrong_address(role: str, address: Any) -> None:
    kept = run(pod(role, env=_address(address), annotations={"on-conflict": "keep"}))
    assert kept.env()["RAY_ADDRESS"] == address
    denied = run(pod(role, env=_address(address), annotations={"on-conflict": "deny"}))
    assert denied.code is Code.CONFLICT


@pytest.mark.parametrize(("role", "env"), [("head", HEAD_ENV), ("worker", WORKER_ENV)])
def test_heads_and_workers_lose_what_makes_them_clients(role: str, env: dict[str, str]) -> None:
    outcome = run(pod(role, env={"KEEP": "me"} | REMOVED))
    assert outcome.env() == env | {"KEEP": "me"}
    assert outcome.warnings == []


@pytest.mark.parametrize("role", ["head", "worker"])
@pytest.mark.parametrize("port", ["10001", "6379", "x"])
def test_ray_port_is_set_for_clients_only(role: str, port: str) -> None:
    assert "RAY_PORT" not in run(pod(role)).env()
    for mode in ("override", "keep", "deny"):
        outcome = run(pod(role, env={"RAY_PORT": port}, annotations={"on-conflict": mode}))
        assert outcome.env()["RAY_PORT"] == port


@pytest.mark.parametrize("value", ["0", "1", "", FROM_FIELD])
@pytest.mark.parametrize("mode", ["override", "keep", "deny"])
def test_grpc_fork_support_is_set_on_heads_where_absent(value: Any, mode: str) -> None:
    whole = pod("head", env=[("GRPC_ENABLE_FORK_SUPPORT", value)], annotations={"on-conflict": mode})
    assert run(whole).env()["GRPC_ENABLE_FORK_SUPPORT"] == value
    assert "GRPC_ENABLE_FORK_SUPPORT" not in run(pod("worker")).env()
    assert "GRPC_ENABLE_FORK_SUPPORT" not in run(pod("client")).env()


def test_urls_and_ports_of_the_settings_are_used_as_they_are() -> None:
    known = snapshot(
        {
            "RAY_HOST": "h",
            "RAY_PORT": "20001",
            "RAY_SERVE_URL": "https://serve.example",
            "RAY_DASHBOARD_URL": "https://dash.example/x",
            "RAY_NAMESPACE": "n",
        }
    )
    assert run(pod("client"), known).env() == {
        "RAY_HOST": "h",
        "RAY_PORT": "20001",
        "RAY_SERVE_URL": "https://serve.example",
        "RAY_DASHBOARD_URL": "https://dash.example/x",
        "RAY_NAMESPACE": "n",
        "SEEDCORE_RAY_ROLE": "client",
        "RAY_ADDRESS": "ray://h:20001",
        "RAY_SERVE_ADDRESS": "https://serve.example",
        "RAY_DASHBOARD_ADDRESS": "https://dash.example/x",
        "RAY_API_SERVER_ADDRESS": "https://dash.example/x",
    }


# A client's empty address.


@pytest.mark.parametrize("mode", ["override", "keep", "deny"])
@pytest.mark.parametrize("address", ["", None, "ray://", "ray://:10001"])
def test_a_clients_empty_address_counts_as_absent_with_a_warning(mode: str, address: str | None) -> None:
    outcome = run(pod("client", env=_address(address), annotations={"on-conflict": mode}))
    assert (outcome.code, outcome.warnings) == (Code.CLIENT, [Code.EMPTY_ADDRESS])
    assert outcome.env() == CLIENT_ENV


@pytest.mark.parametrize("address", ["ray://other:10001", "auto", "h:6379", "local", "http://h:8265", FROM_FIELD])
@pytest.mark.parametrize("mode", ["override", "keep", "deny"])
def test_any_other_address_of_a_client_is_a_declared_value(mode: str, address: Any) -> None:
    outcome = run(pod("client", env=_address(address), annotations={"on-conflict": mode}))
    if mode == "deny":
        assert outcome.code is Code.CONFLICT
    else:
        assert outcome.env() == CLIENT_ENV | {"RAY_ADDRESS": ADDRESS if mode == "override" else address}
        assert outcome.warnings == []


# envFrom.

EXPLICIT_HEAD = {
    "RAY_ADDRESS": "auto",
    "RAY_API_SERVER_ADDRESS": "",
    "RAY_SERVE_ADDRESS": SERVE,
    "RAY_DASHBOARD_ADDRESS": "http://127.0.0.1:8265",
}
EXPLICIT_WORKER = EXPLICIT_HEAD | {"RAY_DASHBOARD_ADDRESS": DASHBOARD}


@pytest.mark.parametrize("mode", ["override", "deny"])
@pytest.mark.parametrize(
    ("role", "env"), [("head", HEAD_ENV | EXPLICIT_HEAD), ("worker", WORKER_ENV | EXPLICIT_WORKER)]
)
@pytest.mark.parametrize(
    "env_from", [ENV_FROM, [{"secretRef": {"name": "s"}}], [{"prefix": "X_", "configMapRef": {"name": "m"}}]]
)
def test_with_env_from_heads_and_workers_get_explicit_values(
    mode: str, role: str, env: dict[str, str], env_from: object
) -> None:
    outcome = run(pod(role, env_from=env_from, annotations={"on-conflict": mode}))
    assert outcome.env() == env
    assert outcome.pod["spec"]["containers"][0]["envFrom"] == env_from


@pytest.mark.parametrize(("role", "explicit"), [("head", EXPLICIT_HEAD), ("worker", EXPLICIT_WORKER)])
def test_with_env_from_declared_values_become_the_explicit_ones(role: str, explicit: dict[str, str]) -> None:
    declared = dict.fromkeys(explicit, "ray://other:1")
    env = run(pod(role, env=declared, env_from=ENV_FROM)).env()
    assert {name: env[name] for name in explicit} == explicit
    assert run(pod(role, env=declared, env_from=ENV_FROM, annotations={"on-conflict": "deny"})).code is Code.CONFLICT


@pytest.mark.parametrize(("role", "env"), [("head", HEAD_ENV), ("worker", WORKER_ENV)])
def test_under_keep_no_explicit_value_is_added_because_of_env_from(role: str, env: dict[str, str]) -> None:
    outcome = run(pod(role, env_from=ENV_FROM, annotations={"on-conflict": "keep"}))
    assert outcome.env().keys() - {"RAY_ADDRESS"} == env.keys() - {"RAY_ADDRESS"}
    assert "RAY_ADDRESS" not in outcome.env(), "a head or worker with envFrom gets no explicit RAY_ADDRESS"
    declared = pod(role, env=REMOVED, env_from=ENV_FROM, annotations={"on-conflict": "keep"})
    assert run(declared).env().items() >= REMOVED.items()


def test_an_empty_api_server_address_without_a_value_key_is_already_right() -> None:
    whole = pod("worker", env=[{"name": "RAY_API_SERVER_ADDRESS"}], env_from=ENV_FROM)
    assert {"name": "RAY_API_SERVER_ADDRESS"} in run(whole).entries()


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://h:9265", 9265),
        ("https://h:9265/x", 9265),
        ("http://h", 8265),
        ("https://h/x", 8265),
        ("http://[fd00::1]:9265", 9265),
    ],
)
def test_the_dashboard_port_of_a_head_is_that_of_the_url_else_8265(url: str, port: int) -> None:
    known = snapshot({"RAY_HOST": "h", "RAY_DASHBOARD_URL": url})
    assert run(pod("head", env_from=ENV_FROM), known).env()["RAY_DASHBOARD_ADDRESS"] == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("env_from", [[], None])
@pytest.mark.parametrize(("role", "env"), [("head", HEAD_ENV), ("worker", WORKER_ENV), ("client", CLIENT_ENV)])
def test_no_entry_in_env_from_is_no_env_from(role: str, env: dict[str, str], env_from: object) -> None:
    assert run(pod(role, container(envFrom=env_from))).env() == env


def test_env_from_counts_for_its_own_container_alone() -> None:
    outcome = run(pod("worker", container("a", envFrom=ENV_FROM), container("b")))
    assert (outcome.env("a"), outcome.env("b")) == (WORKER_ENV | EXPLICIT_WORKER, WORKER_ENV)


@pytest.mark.parametrize(
    ("mode", "warnings"), [("override", []), ("keep", [Code.ENV_FROM_BEATEN]), ("deny", [Code.ENV_FROM_BEATEN])]
)
def test_a_clients_explicit_values_beat_env_from_which_keep_and_deny_are_told(mode: str, warnings: list[Code]) -> None:
    outcome = run(pod("client", env_from=ENV_FROM, annotations={"on-conflict": mode}))
    assert (outcome.code, outcome.env(), outcome.warnings) == (Code.CLIENT, CLIENT_ENV, warnings)
