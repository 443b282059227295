"""The on-conflict table: a declared value that differs, one that the role removes, and what follows a kept value."""

from __future__ import annotations

from typing import Any

import pytest

from tests.injection.support import (
    ADDRESS,
    CLIENT_ENV,
    FROM_FIELD,
    HOST,
    P,
    container,
    pod,
    run,
    snapshot,
)
from webhook.injection.reasons import Code
from webhook.injection.snapshot import RayTarget

REMOVABLE = ["RAY_SERVE_ADDRESS", "RAY_DASHBOARD_ADDRESS", "RAY_API_SERVER_ADDRESS"]


def _pod(role: str, mode: str, env: Any, **annotations: str) -> dict[str, Any]:
    return pod(role, env=env, annotations={"on-conflict": mode} | annotations)


@pytest.mark.parametrize("value", ["other", "", "$(OTHER)", FROM_FIELD])
@pytest.mark.parametrize("name", sorted(CLIENT_ENV.keys() - {"RAY_ADDRESS"}))
class TestADeclaredValueThatDiffers:
    def test_is_replaced_under_override(self, name: str, value: Any) -> None:
        assert run(_pod("client", "override", [(name, value)])).env() == CLIENT_ENV

    def test_stays_under_keep(self, name: str, value: Any) -> None:
        outcome = run(_pod("client", "keep", [(name, value)]))
        assert outcome.env()[name] == value
        assert outcome.warnings == []

    def test_is_refused_under_deny_naming_container_variable_value_and_what_is_wanted(
        self, name: str, value: Any
    ) -> None:
        outcome = run(_pod("client", "deny", [(name, value)]))
        assert (outcome.code, outcome.allowed) == (Code.CONFLICT, False)
        parts = ["app", name, CLIENT_ENV[name], *([value] if isinstance(value, str) else [])]
        assert [part for part in parts if part not in outcome.message] == []
        assert f"{P}on-conflict" in outcome.message


def test_override_is_the_default() -> None:
    assert run(pod("client", env={"RAY_HOST": "other"})).env() == CLIENT_ENV


@pytest.mark.parametrize("mode", ["override", "keep", "deny"])
def test_identical_values_yield_nothing(mode: str) -> None:
    outcome = run(_pod("client", mode, CLIENT_ENV))
    assert (outcome.code, outcome.unchanged, outcome.warnings) == (Code.ALREADY_RIGHT, True, [])


@pytest.mark.parametrize("role", ["head", "worker"])
@pytest.mark.parametrize("name", REMOVABLE)
@pytest.mark.parametrize("value", ["http://h:1", "", FROM_FIELD])
def test_a_declared_variable_that_the_role_removes(role: str, name: str, value: Any) -> None:
    assert name not in run(_pod(role, "override", [(name, value)])).env()
    assert run(_pod(role, "keep", [(name, value)])).env()[name] == value
    denied = run(_pod(role, "deny", [(name, value)]))
    assert denied.code is Code.CONFLICT
    assert name in denied.message


@pytest.mark.parametrize(
    ("declared", "follows"),
    [
        (
            {"RAY_HOST": "own"},
            {
                "RAY_SERVE_URL": "http://own:8000",
                "RAY_DASHBOARD_URL": "http://own:8265",
                "RAY_ADDRESS": "ray://own:10001",
                "RAY_SERVE_ADDRESS": "http://own:8000",
                "RAY_DASHBOARD_ADDRESS": "http://own:8265",
                "RAY_API_SERVER_ADDRESS": "http://own:8265",
            },
        ),
        ({"RAY_PORT": "20001"}, {"RAY_ADDRESS": f"ray://{HOST}:20001"}),
        ({"RAY_SERVE_URL": "http://own"}, {"RAY_SERVE_ADDRESS": "http://own"}),
        (
            {"RAY_DASHBOARD_URL": "http://own"},
            {"RAY_DASHBOARD_ADDRESS": "http://own", "RAY_API_SERVER_ADDRESS": "http://own"},
        ),
        ({"RAY_NAMESPACE": "own"}, {}),
        ({"RAY_ADDRESS": "ray://own:7"}, {}),
        ({"RAY_SERVE_ADDRESS": "http://own"}, {}),
    ],
)
def test_derived_values_follow_a_kept_value(declared: dict[str, str], follows: dict[str, str]) -> None:
    assert run(_pod("client", "keep", declared)).env() == CLIENT_ENV | declared | follows


def test_the_jobs_address_follows_a_kept_dashboard_url() -> None:
    env = run(_pod("client", "keep", {"RAY_DASHBOARD_URL": "http://own"}, connect="jobs")).env()
    assert env["RAY_ADDRESS"] == "http://own"
    env = run(_pod("client", "keep", {"RAY_HOST": "own"}, connect="jobs")).env()
    assert env["RAY_ADDRESS"] == "http://own:8265"


@pytest.mark.parametrize("port", ["0", "65536", "abc", "tcp://10.0.0.1:10001", "-1", "1.5"])
def test_a_kept_port_outside_1_to_65535_is_none(port: str) -> None:
    env = run(_pod("client", "keep", {"RAY_PORT": port})).env()
    assert (env["RAY_PORT"], env["RAY_ADDRESS"]) == (port, ADDRESS)


@pytest.mark.parametrize("value", ["", "$(OTHER)", "a b", "a\tb", "a\x01b", "x$(Y)z", FROM_FIELD])
@pytest.mark.parametrize("name", ["RAY_HOST", "RAY_PORT", "RAY_SERVE_URL", "RAY_DASHBOARD_URL"])
def test_nothing_follows_a_kept_value_that_is_no_readable_literal(name: str, value: Any) -> None:
    assert run(_pod("client", "keep", [(name, value)])).env() == CLIENT_ENV | {name: value}


def test_what_heads_get_follows_a_kept_host_too() -> None:
    env = run(_pod("head", "keep", {"RAY_HOST": "own"})).env()
    assert (env["RAY_SERVE_URL"], env["RAY_DASHBOARD_URL"]) == ("http://own:8000", "http://own:8265")


def test_of_duplicates_that_are_kept_derived_values_follow_the_last() -> None:
    outcome = run(_pod("client", "keep", [("RAY_HOST", "first"), ("RAY_HOST", "last")]))
    values = [entry["value"] for entry in outcome.entries() if entry["name"] == "RAY_ADDRESS"]
    assert values == ["ray://last:10001"]


def test_with_a_kept_host_a_rayclusters_urls_follow_with_the_ports_of_the_spec() -> None:
    target = RayTarget(head_service="train-head-svc", client_port=1, serve_port=2, dashboard_port=3)
    known = snapshot(targets={"cluster:apps/train": target})
    env = run(_pod("client", "keep", {"RAY_HOST": "own"}, cluster="train"), known).env()
    assert (env["RAY_ADDRESS"], env["RAY_SERVE_URL"], env["RAY_DASHBOARD_URL"]) == (
        "ray://own:1",
        "http://own:2",
        "http://own:3",
    )


def test_with_a_kept_host_a_rayservices_serve_url_does_not_follow() -> None:
    target = RayTarget(head_service="chat-head-svc", serve_service="chat-serve-svc")
    known = snapshot(targets={"service:apps/chat": target})
    env = run(_pod("client", "keep", {"RAY_HOST": "own"}, service="chat"), known).env()
    assert env["RAY_SERVE_URL"] == "http://chat-serve-svc.apps.svc.cluster.local:8000"
    assert env["RAY_DASHBOARD_URL"] == "http://own:8265"


@pytest.mark.parametrize(("mode", "value"), [("override", "mine"), ("keep", "declared")])
def test_keep_beats_ray_namespace(mode: str, value: str) -> None:
    whole = pod("client", env={"RAY_NAMESPACE": "declared"}, annotations={"ray-namespace": "mine", "on-conflict": mode})
    assert run(whole).env()["RAY_NAMESPACE"] == value


def test_deny_is_met_in_any_treated_container_and_only_there() -> None:
    bad = container("side", {"RAY_HOST": "other"})
    assert run(pod("client", container("main"), bad, annotations={"on-conflict": "deny"})).code is Code.CONFLICT
    assert run(pod("client", container("main"), init=[bad], annotations={"on-conflict": "deny"})).code is Code.CONFLICT
    skipped = {"on-conflict": "deny", "skip-containers": "side"}
    assert run(pod("client", container("main"), bad, annotations=skipped)).code is Code.CLIENT


@pytest.mark.parametrize("mode", ["override", "keep", "deny"])
def test_absent_variables_are_set_in_every_mode(mode: str) -> None:
    assert run(_pod("client", mode, {"OTHER": "x"})).env() == CLIENT_ENV | {"OTHER": "x"}
