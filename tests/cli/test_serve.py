"""Flags of `serve` that are wrong end it before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service import SETTINGS, run_command


@pytest.mark.parametrize(
    ("flag", "value", "told"),
    [
        ("--namespace", "bad ns$(", "'bad ns$(' is no DNS name"),
        ("--cluster-domain", "x y$(", "'x y$(' is no DNS name"),
        ("--cluster-domain", "", "'' is no DNS name"),
        ("--self-signed", "", "the path is empty"),
        ("--tls-key", "", "the path is empty"),
    ],
)
def test_value_that_is_not_allowed_is_one_line_and_status_2(tmp_path: Path, flag: str, value: str, told: str) -> None:
    ended = run_command("serve", "--settings", str(SETTINGS), "--self-signed", str(tmp_path / "tls"), flag, value)

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert f"RAY801: Invalid value for '{flag}': {told}" in ended.stderr
    assert not (tmp_path / "tls").exists()
