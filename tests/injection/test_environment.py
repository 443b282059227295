"""The rules about entries of env: comparison, references, order, duplicates, removals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.injection.support import CLIENT_ENV, FROM_FIELD, HOST, Env, container, entries, pod, run, snapshot
from webhook.injection.reasons import Code

ONLY_HOST = {name: value for name, value in CLIENT_ENV.items() if name != "RAY_HOST"}
"""What is right already, so that RAY_HOST alone is what a test is about."""


def _host_entries(env: Any, role: str = "client", mode: str = "override") -> tuple[list[Any], list[Code]]:
    """The entries about RAY_HOST and of one capital letter, after the patch, as (name, value)."""
    right = ONLY_HOST if role == "client" else {}
    outcome = run(pod(role, env=[*right.items(), *env], annotations={"on-conflict": mode}))
    seen = [
        (entry["name"], entry.get("value"))
        for entry in outcome.entries()
        if entry["name"] == "RAY_HOST" or len(entry["name"]) == 1
    ]
    return seen, outcome.warnings


@pytest.mark.parametrize(
    ("env", "after"),
    [
        ([], [("RAY_HOST", HOST)]),
        ([("X", "x")], [("X", "x"), ("RAY_HOST", HOST)]),
        ([("X", "$(RAY_HOST)")], [("RAY_HOST", HOST), ("X", "$(RAY_HOST)")]),
        (
            [("A", "a"), ("X", "http://$(RAY_HOST):1/$(A)"), ("Y", "$(RAY_HOST)")],
            [("A", "a"), ("RAY_HOST", HOST), ("X", "http://$(RAY_HOST):1/$(A)"), ("Y", "$(RAY_HOST)")],
        ),
        ([("X", "$$(RAY_HOST)")], [("X", "$$(RAY_HOST)"), ("RAY_HOST", HOST)]),
        ([("X", "$$$(RAY_HOST)")], [("RAY_HOST", HOST), ("X", "$$$(RAY_HOST)")]),
        ([("X", "$$$$(RAY_HOST)")], [("X", "$$$$(RAY_HOST)"), ("RAY_HOST", HOST)]),
        ([("X", "$RAY_HOST ${RAY_HOST}")], [("X", "$RAY_HOST ${RAY_HOST}"), ("RAY_HOST", HOST)]),
        ([("X", "$(RAY_HOST")], [("X", "$(RAY_HOST"), ("RAY_HOST", HOST)]),
        ([("X", "$(RAY_HOSTS)")], [("X", "$(RAY_HOSTS)"), ("RAY_HOST", HOST)]),
        ([("X", "$( RAY_HOST )")], [("X", "$( RAY_HOST )"), ("RAY_HOST", HOST)]),
    ],
)
def test_a_new_variable_goes_before_the_first_entry_that_refers_to_it_else_at_the_end(
    env: list[Any], after: list[Any]
) -> None:
    assert _host_entries(env) == (after, [])


def test_each_new_variable_goes_before_its_own_referrer() -> None:
    env = {"A": "$(RAY_NAMESPACE)", "B": "$(RAY_HOST)", "C": "$(RAY_ADDRESS)"}
    names = run(pod("client", env=env)).names()
    before = [("RAY_NAMESPACE", "A"), ("RAY_HOST", "B"), ("RAY_ADDRESS", "C"), ("A", "B"), ("B", "C")]
    assert [pair for pair in before if names.index(pair[0]) > names.index(pair[1])] == []
    assert names[-1] not in env


def test_an_env_that_is_absent_or_null_is_made() -> None:
    for whole in (container(), container(env=None), container() | {"env": None}, container(env=[])):
        assert run(pod("client", whole)).env() == CLIENT_ENV


@pytest.mark.parametrize(
    ("env", "warnings"),
    [
        ([("X", "$(RAY_HOST)"), ("RAY_HOST", HOST)], [Code.AFTER_REFERRER]),
        ([("RAY_HOST", HOST), ("X", "$(RAY_HOST)")], []),
        ([("X", "$$(RAY_HOST)"), ("RAY_HOST", HOST)], []),
    ],
)
def test_a_right_entry_after_its_referrer_stays_with_a_warning(env: list[Any], warnings: list[Code]) -> None:
    assert _host_entries(env) == (env, warnings)


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "RAY_HOST", "value": "x"},
        {"name": "RAY_HOST"},
        {"name": "RAY_HOST", "value": ""},
        {"name": "RAY_HOST", "value": f" {HOST}"},
        {"name": "RAY_HOST", "value": HOST.upper()},
        {"name": "RAY_HOST", "value": "$(H)"},
        {"name": "RAY_HOST", "valueFrom": FROM_FIELD},
        {"name": "RAY_HOST", "value": HOST, "valueFrom": FROM_FIELD},
    ],
)
def test_a_wrong_entry_is_replaced_whole_where_it_stands(entry: dict[str, Any]) -> None:
    outcome = run(pod("client", env=[("H", HOST), entry, ("Z", "z")]))
    assert outcome.entries()[:3] == [
        {"name": "H", "value": HOST},
        {"name": "RAY_HOST", "value": HOST},
        {"name": "Z", "value": "z"},
    ]


def test_a_null_value_from_is_absent() -> None:
    entry = {"name": "RAY_HOST", "value": HOST, "valueFrom": None}
    outcome = run(pod("client", env=[entry, *ONLY_HOST.items()]))
    assert (outcome.code, outcome.unchanged) == (Code.ALREADY_RIGHT, True)


@pytest.mark.parametrize("value", [f"$(H){HOST}", "$(RAY_HOST)"])
def test_comparison_is_literal_without_expansion(value: str) -> None:
    assert _host_entries([("H", ""), ("RAY_HOST", value)])[0] == [("H", ""), ("RAY_HOST", HOST)]


A, B, RIGHT, X = ("RAY_HOST", "a"), ("RAY_HOST", "b"), ("RAY_HOST", HOST), ("X", "$(RAY_HOST)")


@pytest.mark.parametrize(
    ("env", "after"),
    [
        ([A, B], [RIGHT]),
        ([A, RIGHT], [RIGHT]),
        ([RIGHT, A], [RIGHT]),
        ([RIGHT, RIGHT], [RIGHT]),
        ([A, B, A, B], [RIGHT]),
        ([A, ("Y", "y"), B], [("Y", "y"), RIGHT]),
        ([A, B, X], [RIGHT, X]),
        ([A, X, B], [RIGHT, X]),
        ([A, ("Y", "y"), B, X], [("Y", "y"), RIGHT, X]),
        ([A, X, RIGHT], [RIGHT, X]),
        ([RIGHT, X, A], [RIGHT, X]),
        ([A, B, X, A], [RIGHT, X]),
        ([A, X, B, A], [RIGHT, X]),
        ([A, ("Y", "$$(RAY_HOST)"), B], [("Y", "$$(RAY_HOST)"), RIGHT]),
    ],
)
def test_of_duplicates_the_last_counts_or_the_first_where_one_between_refers(env: list[Any], after: list[Any]) -> None:
    assert _host_entries(env) == (after, [])


def test_a_referrer_before_all_duplicates_does_not_stand_between_them() -> None:
    assert _host_entries([X, A, ("Y", "y"), B])[0] == [X, ("Y", "y"), RIGHT]


def test_keep_leaves_duplicates_untouched() -> None:
    for env in ([A, B], [A, X, B], [A, RIGHT], [RIGHT, A]):
        assert _host_entries(env, mode="keep")[0] == env


def test_duplicates_of_a_variable_that_is_removed_all_go() -> None:
    env: Env = [("RAY_SERVE_ADDRESS", "a"), ("X", "x"), ("RAY_SERVE_ADDRESS", "b"), ("RAY_SERVE_ADDRESS", "c")]
    outcome = run(pod("worker", env=env))
    assert "RAY_SERVE_ADDRESS" not in outcome.env()
    assert run(pod("worker", env=env, annotations={"on-conflict": "keep"})).entries()[:4] == entries(env)


@pytest.mark.parametrize(
    ("role", "values", "after"),
    [
        ("head", ["ray://a:1", "ray://b:1"], ["auto"]),
        ("head", ["ray://a:1", "h:6379"], ["h:6379"]),
        ("head", ["h:6379", "ray://a:1"], ["auto"]),
        ("worker", ["ray://a:1", "h:6379"], ["h:6379"]),
        ("worker", ["h:6379", "ray://a:1"], []),
        ("worker", ["ray://a:1", "ray://b:1"], []),
        ("worker", ["auto", "h:6379"], ["h:6379"]),
    ],
)
def test_of_duplicate_addresses_the_last_counts(role: str, values: list[str], after: list[str]) -> None:
    outcome = run(pod(role, env=[("RAY_ADDRESS", value) for value in values]))
    assert [entry["value"] for entry in outcome.entries() if entry["name"] == "RAY_ADDRESS"] == after


@pytest.mark.parametrize("name", ["GRPC_ENABLE_FORK_SUPPORT", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"])
def test_duplicates_of_what_is_only_set_where_absent_stay(name: str) -> None:
    env: Env = [(name, "a"), ("X", f"$({name})"), (name, "b")]
    role = "head" if name.startswith("GRPC") else "client"
    outcome = run(pod(role, env=env), snapshot({"RAY_HOST": HOST, "RAY_AUTH_SECRET": "tok"}))
    assert [entry["value"] for entry in outcome.entries() if entry["name"] == name] == ["a", "b"]


def test_duplicates_of_other_variables_are_nobodys_business() -> None:
    env: Env = [("OTHER", "a"), ("OTHER", "b")]
    assert run(pod("client", env=env)).names()[:2] == ["OTHER", "OTHER"]


@pytest.mark.parametrize(
    ("value", "warnings"),
    [
        ("$(RAY_SERVE_ADDRESS)/x", [Code.DANGLING_REFERENCE]),
        ("$$(RAY_SERVE_ADDRESS)/x", []),
        ("RAY_SERVE_ADDRESS", []),
        ("$(RAY_SERVE_ADDRESSES)", []),
    ],
)
def test_a_reference_that_a_removal_leaves_behind_is_told(value: str, warnings: list[Code]) -> None:
    outcome = run(pod("head", env={"RAY_SERVE_ADDRESS": "http://h:1", "X": value}))
    assert (outcome.env()["X"], outcome.warnings) == (value, warnings)


def test_no_reference_is_told_where_nothing_was_removed() -> None:
    assert run(pod("head", env={"X": "$(RAY_SERVE_ADDRESS)"})).warnings == []


def test_a_referrer_that_is_removed_itself_leaves_nothing_behind() -> None:
    env = {"RAY_SERVE_ADDRESS": "http://h:1", "RAY_DASHBOARD_ADDRESS": "$(RAY_SERVE_ADDRESS)"}
    assert run(pod("head", env=env)).warnings == []


def test_a_removed_address_that_another_entry_refers_to_is_told() -> None:
    outcome = run(pod("worker", env={"RAY_ADDRESS": "ray://h:1", "X": "$(RAY_ADDRESS)"}))
    assert outcome.warnings == [Code.DANGLING_REFERENCE]


def test_other_entries_keep_their_order_and_all_their_fields() -> None:
    newer = {"name": "NEW", "valueFrom": {"fileKeyRef": {"key": "k", "path": "p", "volumeName": "v"}}, "future": 1}
    env: Env = [("A", "1"), ("RAY_HOST", "x"), newer, ("RAY_SERVE_ADDRESS", "y"), {"name": "B"}]
    outcome = run(pod("head", env=env))
    kept = [entry for entry in outcome.entries() if entry["name"] in ("A", "NEW", "B", "RAY_HOST")]
    assert kept == [{"name": "A", "value": "1"}, {"name": "RAY_HOST", "value": HOST}, newer, {"name": "B"}]


def test_many_changes_in_one_container_apply_together() -> None:
    env: Env = [
        ("RAY_API_SERVER_ADDRESS", "1"),
        ("X", "$(RAY_NAMESPACE)$(RAY_HOST)"),
        ("RAY_HOST", "a"),
        ("RAY_SERVE_ADDRESS", "2"),
        ("RAY_HOST", "b"),
        ("RAY_DASHBOARD_ADDRESS", "3"),
        ("RAY_ADDRESS", "ray://"),
    ]
    outcome = run(pod("head", env=env))
    names = outcome.names()
    assert outcome.env()["RAY_HOST"] == HOST
    assert names.index("RAY_NAMESPACE") < names.index("X")
    assert not {"RAY_API_SERVER_ADDRESS", "RAY_SERVE_ADDRESS", "RAY_DASHBOARD_ADDRESS"} & set(names)
