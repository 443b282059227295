"""The alerts by Prometheus' own tool: they are well formed, and each fires, is silent and ends when it must."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.monitoring import ALERTS_TEST, rules
from tests.e2e.monitoring.programs import Programs

pytestmark = pytest.mark.e2e


def promtool(programs: Programs, *arguments: str, cwd: Path) -> None:
    done = subprocess.run([programs.promtool, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_well_formed(programs: Programs, tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text(json.dumps(rules()))
    promtool(programs, "check", "rules", "--lint=all", "--lint-fatal", "alerts.yaml", cwd=tmp_path)


def test_each_fires_when_it_must_and_ends_with_its_cause(programs: Programs, tmp_path: Path) -> None:
    """The tool compares every annotation; the descriptions, which are long, are left out here."""
    tested = rules()
    for group in tested["groups"]:
        for rule in group["rules"]:
            del rule["annotations"]["description"]
    (tmp_path / "alerts.yaml").write_text(json.dumps(tested))
    shutil.copy(ALERTS_TEST, tmp_path)
    promtool(programs, "test", "rules", ALERTS_TEST.name, cwd=tmp_path)
