"""One tree, stable reasons, one line."""

from __future__ import annotations

import pytest

from ray_config.errors import (
    BadValueError,
    ConfigurationError,
    ConnectError,
    NotConfiguredError,
    RayConfigError,
    RefusedError,
    all_reasons,
)


def test_the_reasons_are_stable_labels() -> None:
    assert all_reasons() == [
        "bad_value", "closed", "deadline", "dns", "dropped", "failed", "jobs_only", "no_cluster", "no_raylet",
        "not_configured", "not_dashboard", "not_ray_client", "python_version", "ray_missing", "ray_version", "refused",
        "rejected", "session_differs", "session_failed", "silent", "tls", "token_missing", "token_wrong",
        "unavailable",
    ]  # fmt: skip


def test_a_message_names_reason_variable_value_allowed_and_fix_in_this_order() -> None:
    error = BadValueError("it is wrong", variable="RAY_HOST", value="a\nb\u00e9", allowed="a host", fix="correct it")

    assert str(error) == 'bad_value: RAY_HOST is "a\\nb\\u00e9"; it is wrong; allowed: a host; correct it'
    assert (error.variable, error.allowed, error.fix) == ("RAY_HOST", "a host", "correct it")


def test_a_variable_without_a_value_is_not_set() -> None:
    assert "RAY_ADDRESS is not set" in str(NotConfiguredError("x", variable="RAY_ADDRESS", fix="set it"))


def test_a_long_value_is_cut() -> None:
    assert len(str(BadValueError("x", variable="V", value="y" * 10_000, fix="z"))) < 300


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("http://admin:hunter2@dash:8265", "http://***@dash:8265"),
        ("http://admin:hunter2/hunter2@x@dash:8265", "http://***@dash:8265"),
        ("ray://hunter2@h:10001", "ray://***@h:10001"),
        ("admin:hunter2@h:10001", "***@h:10001"),
        ("http://h:8265/a?token=hunter2&b=hunter2", "http://h:8265/a?***"),
        ("http://h:8265", "http://h:8265"),
        ("team@seedcore", "team@seedcore"),
    ],
)
def test_passwords_are_masked(value: str, told: str) -> None:
    error = BadValueError("x", variable="V", value=value, fix="z")

    assert error.value == told
    assert f'V is "{told}"' in str(error)


@pytest.mark.parametrize(
    ("error", "builtin", "base", "status"),
    [
        (NotConfiguredError("x", fix="y"), ValueError, ConfigurationError, 2),
        (RefusedError("x", fix="y"), ConnectionError, ConnectError, 3),
    ],
)
def test_programs_for_a_bare_ray_init_still_catch_it(
    error: RayConfigError, builtin: type[Exception], base: type[RayConfigError], status: int
) -> None:
    assert isinstance(error, builtin)
    assert isinstance(error, base)
    assert error.exit_status == status
    assert error.transient is (status == 3)
