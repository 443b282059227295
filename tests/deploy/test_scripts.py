"""Shell scripts: linted, and their usage is told without a cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service import COMMAND

ROOT = Path(__file__).parents[2]
APPLY = ROOT / "deploy" / "apply.sh"
SHELLCHECK = Path(sys.executable).parent / "shellcheck"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(APPLY), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "RAY_WEBHOOK": COMMAND, **environment},
    )


@pytest.mark.parametrize("script", [APPLY, ROOT / ".ci" / "run"], ids=lambda script: script.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    checked = subprocess.run([SHELLCHECK, script], capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stdout) == (0, "")


def test_help_is_a_result() -> None:
    ended = run("--help")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("usage: deploy/apply.sh NAMESPACE")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "no NAMESPACE is given"),
        (("A b",), "NAMESPACE is 'A b'; allowed: the name of a namespace"),
        (("apps", "more"), "more than one NAMESPACE is given: more"),
        (("apps", "--nonsense"), "no such option: --nonsense"),
        (("apps", "--overlay"), "--overlay has no value"),
        (("apps", "--timeout", "soon"), "--timeout is 'soon'; allowed: seconds as a whole number"),
    ],
)
def test_wrong_usage_is_told_with_what_to_do_and_status_2(arguments: tuple[str, ...], told: str) -> None:
    ended = run(*arguments)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"apply.sh: {told}\n  ")


def test_a_program_that_does_not_run_is_told(tmp_path: Path) -> None:
    (tmp_path / "kubectl").symlink_to("/bin/true")
    ended = run("apps", PATH=f"{tmp_path}:{os.environ['PATH']}", RAY_WEBHOOK="/no/such")

    assert ended.returncode == 2
    assert ended.stderr.startswith("apply.sh: the program ray-webhook does not run: /no/such\n")
    assert (
        f"  run make -C {ROOT} demo, which sets it up there, and unset RAY_WEBHOOK, and run this again" in ended.stderr
    )


def test_a_cluster_that_does_not_answer_is_status_3(tmp_path: Path) -> None:
    """The kubeconfig file is empty; without one kubectl asks localhost:8080, where nobody is."""
    (tmp_path / "kubectl").symlink_to(SHELLCHECK.parent / "kubectl")
    empty = tmp_path / "kubeconfig"
    empty.touch()
    ended = run("apps", PATH=f"{tmp_path}:{os.environ['PATH']}", KUBECONFIG=str(empty))

    assert ended.returncode == 3
    assert "apply.sh: the cluster does not answer\n  see kubectl's message above" in ended.stderr
