"""The rows are the rule book's answers, with a place for each thing that is known only when a pod comes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.injection.support import CLIENT_ENV, HEAD_ENV, WORKER_ENV, container, pod, run, snapshot
from webhook.injection.connection import resolve
from webhook.manifests.policy.rows import Row, Tables, tables


def made(data: Mapping[str, str] | None = None) -> Tables:
    return tables(resolve(snapshot(data), "apps"))


def row(name: str, kind: str, data: Mapping[str, str] | None = None) -> Row:
    (found,) = [row for row in made(data).rows[kind] if row.name == name]
    return found


@pytest.mark.parametrize(("kind", "env"), [("client", CLIENT_ENV), ("head", HEAD_ENV), ("worker", WORKER_ENV)])
def test_what_is_missing_is_added_as_by_the_rules(kind: str, env: Mapping[str, str]) -> None:
    tables_made = made()
    added = {row.name: row.value for row in tables_made.rows[kind] if row.missing == "add"}
    assert added == {**env, "RAY_NAMESPACE": "$(ray-namespace)"}
    assert tables_made.ray_namespace == env["RAY_NAMESPACE"]


def test_under_keep_values_follow_those_that_may_be_kept() -> None:
    assert row("RAY_ADDRESS", "client keep").value == "ray://$(RAY_HOST):$(RAY_PORT)"
    assert row("RAY_ADDRESS", "jobs keep").value == "$(RAY_DASHBOARD_URL)"
    assert row("RAY_SERVE_URL", "worker keep").value == "http://$(RAY_HOST):8000"
    assert row("RAY_SERVE_ADDRESS", "client keep").value == "$(RAY_SERVE_URL)"


def test_a_url_of_the_settings_follows_no_host() -> None:
    data = {"RAY_HOST": "h", "RAY_SERVE_URL": "http://serve:10000/10001/h"}
    assert row("RAY_SERVE_URL", "client keep", data).value == "http://serve:10000/10001/h"


def test_an_alias_follows_what_it_stands_for() -> None:
    data = {"RAY_HOST": "h", "RAY_ALIASES": "A=RAY_ADDRESS;N=RAY_NAMESPACE;R=SEEDCORE_RAY_ROLE"}
    assert row("A", "client keep", data).value == "$(RAY_ADDRESS)"
    assert row("A", "client", data).value == "ray://h:10001"
    assert (row("A", "head", data).missing, row("A", "head", data).right) == ("leave", "direct")
    assert row("N", "worker", data).value == "$(ray-namespace)"
    assert row("R", "worker", data).value == "worker"


def test_without_a_ray_namespace_there_is_none() -> None:
    assert made({"RAY_HOST": "h"}).ray_namespace == ""


def test_a_token_is_told_by_its_secret_and_only_where_it_is_missing() -> None:
    data = {"RAY_HOST": "h", "RAY_AUTH_SECRET": "s", "RAY_AUTH_SECRET_KEY": "k"}
    assert made(data).secret == ("s", "k")
    assert row("RAY_AUTH_TOKEN", "client", data)[2:] == ("add", "replace", "any", "declared", "stay")
    assert made().secret is None


def test_explicit_values_are_for_containers_with_env_from() -> None:
    assert row("RAY_API_SERVER_ADDRESS", "worker envFrom")[1:4] == ("", "add", "replace")
    assert row("RAY_API_SERVER_ADDRESS", "worker")[2:4] == ("leave", "remove")
    assert row("RAY_API_SERVER_ADDRESS", "worker envFrom keep")[2:4] == ("leave", "leave")
    assert row("RAY_DASHBOARD_ADDRESS", "head envFrom").value == "http://127.0.0.1:8265"


def test_of_kuberays_containers_only_the_address_is_looked_at() -> None:
    rows = made().rows
    assert rows["kuberay"] == (Row("RAY_ADDRESS", "$(kuberay)", "leave", "replace", "direct", "declared", "stay"),)
    assert rows["kuberay-wait"] == (Row("RAY_ADDRESS", "", "leave", "remove", "direct", "declared", "stay"),)
    assert rows["kuberay keep"][0].wrong == "leave"


def test_every_variable_that_a_pod_may_get_is_named() -> None:
    data = {"RAY_HOST": "h", "RAY_NAMESPACE": "n", "RAY_AUTH_SECRET": "s", "RAY_ALIASES": "A=RAY_HOST"}
    found: set[str] = set()
    for role in ("client", "head", "worker"):
        whole = pod(role, container("app"), container("fed", envFrom=[{"secretRef": {"name": "s"}}]))
        found |= {name for item in ("app", "fed") for name in run(whole, snapshot(data)).env(item)}
    assert found == set(made(data).names)
