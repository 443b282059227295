"""What the documentation shows of the benchmarks is what was recorded."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHART, PAGE = "docs/images/cost.svg", "docs/PERFORMANCE.md"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The committed results and what shows them, to be changed."""
    shutil.copytree(ROOT / "bench" / "recorded", tmp_path / "bench" / "recorded")
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "README.md", tmp_path)
    return tmp_path


def pages(root: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.pages", *flags, str(root)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def double_the_first_figure(root: Path) -> None:
    file = root / "bench" / "recorded" / "cost.json"
    document = json.loads(file.read_text())
    document["figures"][0]["median"] *= 2
    file.write_text(json.dumps(document))


def test_chart_and_tables_show_what_is_recorded() -> None:
    checked = pages(ROOT, "--check")

    assert (checked.stdout, checked.returncode) == ("", 0)


def test_a_changed_result_is_found_in_the_chart_and_in_the_tables_and_mended(tree: Path) -> None:
    double_the_first_figure(tree)
    found = pages(tree, "--check")
    assert found.returncode == 1
    assert f"{CHART} is not what bench/recorded says" in found.stdout
    assert f"{PAGE} is not what bench/recorded says" in found.stdout

    assert pages(tree).returncode == 0
    assert pages(tree, "--check").returncode == 0


def test_a_figure_that_is_changed_by_hand_is_found(tree: Path) -> None:
    page = tree / PAGE
    page.write_text(page.read_text().replace(" µs ", " ms ", 1))

    assert pages(tree, "--check").stdout.startswith(f"{PAGE} is not")


def test_a_page_that_asks_for_an_unknown_table_is_told_which_there_are(tree: Path) -> None:
    (tree / "docs" / "new.md").write_text("<!-- measured: costs -->\n<!-- end -->\n")

    told = pages(tree, "--check").stderr
    assert told.startswith("new.md: <!-- measured: costs --> is none of bars, capacity, cost,")


def test_the_chart_tells_its_figures_to_those_who_do_not_see_it() -> None:
    text = (ROOT / CHART).read_text(encoding="utf-8")
    cost = json.loads((ROOT / "bench" / "recorded" / "cost.json").read_text())
    ours = next(item["median"] for item in cost["figures"] if item["name"].startswith("client (3.8 KB): ray-webhook"))

    assert 'aria-labelledby="title description"' in text
    assert f"ray-webhook {ours:,.0f} µs" in text.partition('<desc id="description">')[2].partition("</desc>")[0]
