"""The command looks at programs, scripts and Dockerfiles beside manifests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service import run_command


def told(path: Path) -> str:
    return run_command("lint", str(path)).stdout


def test_programs_scripts_and_dockerfiles_of_a_folder_are_linted(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text('import ray\nray.init("ray://head:10001")\n')
    (tmp_path / "run.sh").write_text("export RAY_HOST=head\n")
    (tmp_path / "Dockerfile").write_text("FROM a\nENV RAY_ADDRESS=ray://head:10001\n")

    assert [code for code in ("RAY650", "RAY656", "RAY658") if code in told(tmp_path)] == ["RAY650", "RAY656", "RAY658"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"# coding: latin-1\nimport ray\nx = '\xe9'; ray.init('ray://h:1')\n", "RAY650"),
        (b"import ray\nx = '\xe9'\n", "RAY690"),
        (b"# coding: no-such\nimport ray\n", "RAY690"),
        (b"import ray\nprint 'ray'\n", "RAY695"),
    ],
)
def test_a_program_is_read_in_its_own_encoding(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "app.py").write_bytes(content)

    assert expected in told(tmp_path)
    assert "Traceback" not in told(tmp_path)
