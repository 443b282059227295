"""Which containers are treated."""

from __future__ import annotations

import pytest

from tests.injection.support import (
    CLIENT_ENV,
    HEAD_ENV,
    Outcome,
    container,
    kuberay_pod,
    pod,
    run,
    run_ephemeral,
)
from webhook.injection.reasons import Code

ALL = ["setup", "main", "side"]


def _treated(outcome: Outcome) -> list[str]:
    return [name for name in ALL if outcome.env(name) == CLIENT_ENV]


@pytest.mark.parametrize(
    ("annotations", "treated", "warnings"),
    [
        ({}, ALL, []),
        ({"containers": "main"}, ["main"], []),
        ({"containers": "setup,side"}, ["setup", "side"], []),
        ({"skip-containers": "main"}, ["setup", "side"], []),
        ({"skip-containers": "setup, main"}, ["side"], []),
        ({"containers": "main", "skip-containers": "side"}, ["main"], []),
        ({"containers": "main,ghost"}, ["main"], [Code.UNKNOWN_CONTAINER]),
        ({"skip-containers": "ghost"}, ALL, [Code.UNKNOWN_CONTAINER]),
    ],
)
def test_lists_select_containers_and_init_containers(
    annotations: dict[str, str], treated: list[str], warnings: list[Code]
) -> None:
    whole = pod("client", container("main"), container("side"), init=[container("setup")], annotations=annotations)
    outcome = run(whole)
    assert (outcome.code, _treated(outcome), outcome.warnings) == (Code.CLIENT, treated, warnings)
    assert all(outcome.env(name) == {} for name in ALL if name not in treated)


@pytest.mark.parametrize(
    ("annotations", "warnings"),
    [({"containers": "ghost"}, [Code.UNKNOWN_CONTAINER]), ({"skip-containers": "app"}, [])],
)
def test_where_nothing_is_selected_nothing_is_patched(annotations: dict[str, str], warnings: list[Code]) -> None:
    outcome = run(pod("client", annotations=annotations))
    assert (outcome.code, outcome.unchanged, outcome.warnings) == (Code.NOTHING_SELECTED, True, warnings)


@pytest.mark.parametrize("name", ["wait-gcs-ready", "ray-job-submitter"])
def test_names_of_kuberays_containers_mean_nothing_in_other_pods(name: str) -> None:
    outcome = run(pod("client", container(name), annotations={"containers": name}))
    assert (outcome.env(name), outcome.warnings) == (CLIENT_ENV, [])


def test_each_container_follows_its_own_env() -> None:
    whole = pod(
        "client",
        container("main", {"RAY_HOST": "kept"}),
        container("side"),
        annotations={"on-conflict": "keep"},
    )
    outcome = run(whole)
    assert outcome.env("main")["RAY_ADDRESS"] == "ray://kept:10001"
    assert outcome.env("side") == CLIENT_ENV


def test_of_an_ephemeral_update_only_the_new_container_is_treated() -> None:
    old = pod("client", container("app"), init=[container("setup")], ephemeral=[container("old-debug")])
    outcome = run_ephemeral(old, [container("debug")])
    assert outcome.code is Code.CLIENT
    assert outcome.env("debug") == CLIENT_ENV
    assert [outcome.env(name) for name in ("app", "setup", "old-debug")] == [{}, {}, {}]
    assert outcome.status is None


def test_an_ephemeral_container_gets_what_its_pods_role_gets() -> None:
    assert run_ephemeral(pod("head"), [container("debug")]).env("debug") == HEAD_ENV


@pytest.mark.parametrize(
    ("annotations", "treated"),
    [
        ({}, True),
        ({"containers": "app"}, False),
        ({"containers": "app,debug"}, True),
        ({"skip-containers": "debug"}, False),
        ({"skip-containers": "app"}, True),
    ],
)
def test_the_lists_apply_by_name_to_ephemeral_containers(annotations: dict[str, str], treated: bool) -> None:
    outcome = run_ephemeral(pod("client", annotations=annotations), [container("debug")])
    assert outcome.env("debug") == (CLIENT_ENV if treated else {})
    assert outcome.env("app") == {}


def test_an_ephemeral_update_without_a_new_container_does_nothing() -> None:
    assert run_ephemeral(pod("client", ephemeral=[container("debug")]), []).unchanged


@pytest.mark.parametrize(
    "annotations",
    [{"connect": "bad"}, {"cluster": "a", "service": "b"}, {"cluster": "elsewhere/train"}, {"role": "bad"}],
)
def test_what_would_be_a_denial_is_a_warning_for_an_ephemeral_container(annotations: dict[str, str]) -> None:
    outcome = run_ephemeral(pod("client", annotations=annotations), [container("debug")])
    assert (outcome.code, outcome.unchanged) == (Code.EPHEMERAL_REFUSAL, True)
    assert Code.WOULD_BE_DENIED in outcome.warnings


def test_a_conflict_of_an_ephemeral_container_is_a_warning_and_no_patch() -> None:
    old = pod("client", annotations={"on-conflict": "deny"})
    outcome = run_ephemeral(old, [container("debug", {"RAY_HOST": "other"})])
    assert (outcome.code, outcome.unchanged, outcome.warnings) == (
        Code.EPHEMERAL_REFUSAL,
        True,
        [Code.WOULD_BE_DENIED],
    )


def test_a_conflict_in_a_container_that_is_there_already_is_nobodys_concern() -> None:
    old = pod("client", env={"RAY_HOST": "other"}, annotations={"on-conflict": "deny"})
    assert run_ephemeral(old, [container("debug")]).env("debug") == CLIENT_ENV


def test_on_a_kuberay_pod_an_ephemeral_container_is_treated_only_where_it_is_listed() -> None:
    assert run_ephemeral(kuberay_pod("head", "head"), [container("debug")]).unchanged
    listed = run_ephemeral(kuberay_pod("head", "head", annotations={"containers": "debug"}), [container("debug")])
    assert listed.env("debug")["RAY_ADDRESS"] == "ray://train-head-svc.apps.svc.cluster.local:10001"
    assert listed.status is None


def test_names_without_a_container_are_told_in_one_warning_however_many() -> None:
    """A pod arrives before its annotations' size is validated."""
    names = ",".join(f"absent-{number}" for number in range(10_000))

    outcome = run(pod("client", annotations={"skip-containers": names}))

    texts = [text for text in outcome.texts if text.startswith("RAY403")]
    assert len(texts) == 1
    assert '"absent-0" and 9999 more' in texts[0]
