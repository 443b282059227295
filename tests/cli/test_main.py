"""Wrong usage and wrong input: one line that says what, where and what to do; exit status 2; never a traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.service import SETTINGS, run_command

PAIR = ("--settings", str(SETTINGS), "--self-signed", "unused")

WRONG: list[tuple[tuple[str, ...], str]] = [
    (("nonsense",), "RAY801: No such command 'nonsense'"),
    (("serve", "--nonsense"), "RAY801: No such option '--nonsense'"),
    (("serve", *PAIR, "--port", "http"), "RAY801: Invalid value for '--port'"),
    (("serve", *PAIR, "--port", "65536"), "RAY801: Invalid value for '--port'"),
    (("serve", *PAIR, "--mode", "shadow"), "RAY801: Invalid value for '--mode': 'shadow' is not one of"),
    (("serve", *PAIR, "extra"), "RAY801: Got unexpected extra argument (extra)"),
    (("serve", "--self-signed", "unused"), "RAY801: neither --settings nor --kubeconfig is given"),
    (("serve", *PAIR, "--kubeconfig", "a"), "RAY801: --settings and --kubeconfig exclude each other"),
    (("serve", *PAIR, "--settings-name", "a"), "RAY801: --settings and --settings-name exclude each other"),
    (("serve", "--self-signed", "unused", "--context", "a"), "RAY801: --context is given without --kubeconfig"),
    (("serve", "--settings", str(SETTINGS)), "RAY801: no certificate, or half of two"),
    (("serve", *PAIR, "--tls-cert", "a"), "RAY801: no certificate, or half of two"),
    (("serve", "--settings", str(SETTINGS), "--tls-cert", "a"), "RAY801: no certificate, or half of two"),
    (("serve", "--settings", "/no/such", "--self-signed", "unused"), 'RAY803: settings file "/no/such" cannot be read'),
    (
        ("serve", "--settings", str(SETTINGS), "--tls-cert", "/no/such", "--tls-key", "/no/such"),
        'RAY804: "/no/such" cannot be read',
    ),
    (("explain",), "RAY801: Missing option '--file'"),
    (("explain", "-f", "/no/such"), 'RAY802: file "/no/such" cannot be read (No such file or directory)'),
    (("explain", "-f", "/"), 'RAY802: file "/" cannot be read (Is a directory)'),
    (("reasons", "RAY000"), 'RAY801: CODE is "RAY000"; allowed: RAY and three digits'),
    (("reasons", "-o", "xml"), "RAY801: Invalid value for '--output'"),
]


@pytest.mark.parametrize(("arguments", "told"), WRONG, ids=[" ".join(row[0])[:60] for row in WRONG])
def test_wrong_usage_is_one_line_and_status_2(arguments: tuple[str, ...], told: str) -> None:
    ended = run_command(*arguments)

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith(f"ray-webhook: {told}")


def test_a_hostile_argument_cannot_break_out_of_its_line() -> None:
    ended = run_command("reasons", "RAY\n\x1b[31mforged")

    assert ended.stderr.count("\n") == 1
    assert "\x1b" not in ended.stderr


@pytest.mark.parametrize(
    "content", ["RAY_PORT=70000\n", "RAY_SERVE_URL=ftp://x\n", "RAY_HOST=ray://x\n", "RAY_AUTH_SECRET=A B\n", "=x\n"]
)
def test_settings_that_are_broken_at_the_start_end_it_with_line_and_status_2(tmp_path: Path, content: str) -> None:
    settings = tmp_path / "settings.env"
    settings.write_text(f"# comment\n{content}")

    ended = run_command("serve", "--settings", str(settings), "--self-signed", str(tmp_path / "tls"))

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert f'RAY803: settings file "{settings}", line 2' in ended.stderr


def test_no_command_shows_the_help_and_is_wrong_usage() -> None:
    ended = run_command()

    assert ended.returncode == 2
    assert "serve" in ended.stderr


@pytest.mark.parametrize("arguments", [("--help",), ("serve", "--help"), ("explain", "-h"), ("--version",)])
def test_help_and_version_are_results(arguments: tuple[str, ...]) -> None:
    ended = run_command(*arguments)

    assert ended.returncode == 0
    assert ended.stdout


def test_every_flag_can_come_from_the_environment() -> None:
    ended = run_command("reasons", **os.environ, RAY_WEBHOOK_OUTPUT="json")

    assert ended.stdout.startswith("[")


def test_a_wrong_value_from_the_environment_is_told_like_one_from_a_flag() -> None:
    ended = run_command("serve", **os.environ, RAY_WEBHOOK_PORT="http")

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "'http' is not a valid integer" in ended.stderr
