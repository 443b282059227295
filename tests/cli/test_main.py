"""Wrong usage and wrong input: one line that says what, where and what to do; exit status 2; never a traceback."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.service import COMMAND, SETTINGS, run_command

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
    (("explain",), "RAY801: both or none of --file and KIND/NAME are given"),
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


def redirected(redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``ray-webhook`` with the shell's `redirection`."""
    script = f'exec "$@" {redirection}'
    return subprocess.run(
        ["/bin/sh", "-c", script, "sh", COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


OUTPUTS = [("reasons",), ("reasons", "-o", "json"), ("--help",), ("--version",), ("demo",)]


@pytest.mark.parametrize("arguments", OUTPUTS, ids=[" ".join(arguments) for arguments in OUTPUTS])
@pytest.mark.parametrize(("redirection", "why"), [(">&-", "it is closed"), (">/dev/full", "No space left on device")])
def test_output_that_cannot_be_written_is_one_line_and_status_3(
    arguments: tuple[str, ...], redirection: str, why: str
) -> None:
    ended = redirected(redirection, *arguments)

    assert ended.returncode == 3
    assert ended.stderr == f"ray-webhook: RAY800: standard output cannot be written ({why}); give one that can\n"


def test_closed_standard_input_is_one_line_and_status_2() -> None:
    ended = redirected("<&-", "explain", "-f", "-")

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "RAY802: standard input cannot be read (it is closed" in ended.stderr


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_the_exit_status_tells_even_where_nothing_can_be_said(redirection: str) -> None:
    assert redirected(redirection, "nonsense").returncode == 2


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_reader_that_has_seen_enough_is_no_failure(tmp_path: Path, output: str) -> None:
    """A hundred pods are more than a pipe holds, so the command is still writing when its reader goes."""
    pod = "{kind: Pod, metadata: {annotations: {ray.seedcore.io/role: client}}, spec: {containers: [{name: c}]}}\n"
    manifest = tmp_path / "pods.yaml"
    manifest.write_text("---\n".join([pod] * 100))
    arguments = [COMMAND, "explain", "-f", str(manifest), "-o", output]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.read(1)
        process.stdout.close()
        told = process.stderr.read()

    assert (process.returncode, told) == (0, b"")


@pytest.mark.parametrize("arguments", [("reasons",), ("--help",), ("--version",)])
def test_a_reader_that_never_was_is_no_failure(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run([COMMAND, *arguments], stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        os.close(writing)

    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize("library", ["click", "msgspec"])
def test_a_wheel_without_its_extra_says_what_to_install(tmp_path: Path, library: str) -> None:
    """The library is hidden by a module that fails as one that is not there."""
    (tmp_path / f"{library}.py").write_text(f"raise ModuleNotFoundError(name={library!r})\n")

    ended = run_command("reasons", **{**os.environ, "PYTHONPATH": str(tmp_path)})

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"ray-webhook: RAY801: the library {library} of the extra server is missing;"
        " pip install 'ray-webhook[server]'\n"
    )
