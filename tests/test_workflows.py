"""What is in .github, which runs nowhere but there: checked against GitHub's schemas, and by zizmor."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / program, *arguments], capture_output=True, text=True, check=False)


def jobs(workflow: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(workflow.read_text())["jobs"]
    return found


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-workflows", "workflows/*.yml"),
        ("dependabot", "dependabot.yml"),
        ("github-issue-forms", "ISSUE_TEMPLATE/[!c]*.yml"),
        ("github-issue-config", "ISSUE_TEMPLATE/config.yml"),
    ],
)
def test_every_file_is_of_its_schema(schema: str, files: str) -> None:
    ended = run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, GITHUB.glob(files)))

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_zizmor_finds_no_right_too_many_no_injection_and_no_version_left_open() -> None:
    ended = run("zizmor", "--offline", "--quiet", "--no-progress", "--color=never", str(GITHUB))

    assert ended.returncode == 0, ended.stdout


def test_ci_runs_all_that_a_change_has_to_pass() -> None:
    """The jobs run side by side what .ci/run runs in turn."""
    run = {line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line.startswith("make ")}
    steps = [step for job in jobs(GITHUB / "workflows" / "ci.yml").values() for step in job["steps"]]

    assert run <= {step.get("run") for step in steps}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_no_job_can_hang_for_hours(workflow: Path) -> None:
    assert all(job["timeout-minutes"] <= 40 for job in jobs(workflow).values())
