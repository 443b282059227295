"""The command looks at programs, scripts and Dockerfiles beside manifests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service import run_command


def told(path: Path) -> str:
    return run_command("lint", str(path)).stdout


def test_only_folders_inside_of_what_is_linted_make_a_program_a_test(tmp_path: Path) -> None:
    checkout = tmp_path / "tests" / "checkout"
    (checkout / "tests").mkdir(parents=True)
    for folder in (checkout, checkout / "tests"):
        (folder / "app.py").write_text('import ray\nray.init("ray://head:10001")\n')

    assert "1 warning, 1 note" in told(checkout)
    assert "RAY650" in told(checkout / "app.py")
    assert "2 notes" in told(tmp_path)


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
        (b"# coding: rot13\nimport ray\n", "RAY690"),
        (b"import ray\nprint 'ray'\n", "RAY695"),
    ],
)
def test_a_program_is_read_in_its_own_encoding(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "app.py").write_bytes(content)

    assert expected in told(tmp_path)
    assert run_command("lint", str(tmp_path)).returncode == (1 if expected == "RAY650" else 2)
    assert "Traceback" not in told(tmp_path)


def test_texts_that_double_and_double_end_soon_and_fill_no_memory(tmp_path: Path) -> None:
    """A pull request may hold anything: each of these would come to more than any machine has."""
    doubled = "".join(f"ENV A{number + 1}=$A{number}$A{number}\n" for number in range(60))
    (tmp_path / "Dockerfile").write_text(f"FROM a\nARG A0=ray\n{doubled}ENV RAY_ADDRESS=ray://head:10001\n")
    summed = "".join(f"a{number + 1} = a{number}" + f" + a{number}" * 9 + "\n" for number in range(12))
    (tmp_path / "app.py").write_text(f'import ray\na0 = "ray://head"\n{summed}ray.init("ray://head:10001")\n')
    (tmp_path / "run.sh").write_text("if true; then " * 20_000 + "\nexport RAY_HOST=head\n")

    assert [code for code in ("RAY650", "RAY656", "RAY658") if code in told(tmp_path)] == ["RAY650", "RAY656", "RAY658"]


def test_a_token_that_is_written_out_is_not_printed(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\nENV RAY_AUTH_TOKEN=hunter2\n")
    (tmp_path / "run.sh").write_text("export RAY_AUTH_TOKEN=hunter2\n")
    (tmp_path / "app.py").write_text('import os, ray\nos.environ["RAY_AUTH_TOKEN"] = "hunter2"\n')

    for form in ("text", "json", "sarif"):
        text = run_command("lint", str(tmp_path), "-o", form).stdout
        assert "RAY660" in text
        assert "hunter2" not in text
