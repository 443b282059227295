"""``ray-webhook settings``: every fault with its place, by the parsers of the service."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service import SETTINGS, run_command

CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: %s, namespace: %s}
data: {RAY_HOST: head, %s}
"""


def test_good_settings_are_one_line_and_status_0() -> None:
    ended = run_command("settings", str(SETTINGS))

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "1 checked, all good\n", "")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "RAY_ADDRESS=ray://a:1",
            "RAY706 {}, line 3, RAY_ADDRESS is ignored: it is derived from RAY_HOST and RAY_PORT",
        ),
        ("RAY_ADDRESS=", "RAY706 {}, line 3, RAY_ADDRESS is ignored"),
        ("RAY_PORT=99999", 'RAY705 {}, line 3, RAY_PORT is "99999"; allowed: a port of 1-65535'),
        ("RAY_SERVE_URL=ftp://a", 'RAY705 {}, line 3, RAY_SERVE_URL is "ftp://a"; allowed: http://HOST[:PORT]'),
        ("nonsense", 'RAY705 {}, line 3 is "nonsense"; allowed: KEY=VALUE'),
        ("RAY_HOST=again", "RAY705 {}, line 3 has the key RAY_HOST again, after line 2"),
    ],
)
def test_a_settings_files_fault_is_told_with_line_and_key_and_status_1(tmp_path: Path, line: str, told: str) -> None:
    file = tmp_path / "settings.env"
    file.write_text(f"# ours\nRAY_HOST=head\n{line}\n")
    ended = run_command("settings", str(SETTINGS), str(file))

    assert (ended.returncode, ended.stdout.count("\n"), ended.stderr) == (1, 1, "")
    assert ended.stdout.startswith(told.format(f'file "{file}"'))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ('RAY_PORT: "0"', 'RAY705 ConfigMap apps/ray-settings, RAY_PORT is "0"; allowed: a port of 1-65535'),
        ("RAY_ADDRESS: auto", "RAY706 ConfigMap apps/ray-settings, RAY_ADDRESS is ignored"),
    ],
)
def test_a_configmaps_fault_is_told_with_its_key(data: str, told: str) -> None:
    manifest = CONFIG_MAP % ("other", "apps", "RAY_PORT: x") + "---\n" + CONFIG_MAP % ("ray-settings", "apps", data)
    ended = run_command("settings", "-f", "-", stdin=manifest)

    assert (ended.returncode, ended.stdout.count("\n")) == (1, 1)
    assert ended.stdout.startswith(told)


def test_references_count_in_the_webhooks_own_namespace_alone() -> None:
    manifest = CONFIG_MAP % ("ray-settings", "own", "RAY_ALLOWED_REFERENCES: nonsense")

    assert run_command("settings", "-f", "-", stdin=manifest).returncode == 0
    assert run_command("settings", "-f", "-", "--webhook-namespace", "own", stdin=manifest).returncode == 1


def test_the_configmaps_name_is_the_one_given() -> None:
    manifest = CONFIG_MAP % ("ray-settings-dev", "apps", "RAY_PORT: x")

    assert run_command("settings", "-f", "-", stdin=manifest).stdout == "0 checked, all good\n"
    assert run_command("settings", "-f", "-", "--settings-name", "ray-settings-dev", stdin=manifest).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "RAY801: nothing to check is given; allowed: FILE, or --manifest FILE"),
        (("/no/such",), 'RAY802: file "/no/such" cannot be read'),
        (("-f", "-"), "RAY802: standard input"),
    ],
)
def test_what_cannot_be_checked_is_status_2(arguments: tuple[str, ...], told: str) -> None:
    ended = run_command("settings", *arguments, stdin="5")

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith(f"ray-webhook: {told}")
