"""What holds for every page, so that none of its commands is overlooked."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePath
from typing import Final

import pytest

from tests.docs.page import RUNS, Page, all_pages

PAGES: Final = all_pages()
REASONS: Final = {
    "it compares times, for which the tests' machine is too busy": 1,
    "it takes as long as all other tests together": 1,
    "needs a container engine": 3,
    "needs cert-manager": 2,
    "needs nodes": 3,
    "needs pre-commit": 1,
    "would replace what is served": 1,
    "opens an editor": 2,
}
"""Why commands are not run, and how many fences may say so."""


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_page_with_commands_says_what_they_need(page: Page) -> None:
    needs_none = not page.consoles
    assert needs_none or page.runs in RUNS, f"{page}: write `runs:` with one of {RUNS} into its front matter"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_what_a_page_says_of_its_cluster_is_known(page: Page) -> None:
    """Anything else would leave the page out of the tests."""
    said = {name: page.fields[name] for name in ("cluster", "webhook") if name in page.fields}
    assert said in ({}, {"cluster": "own"}, {"webhook": "absent"})


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_console_fence_is_found_and_begins_with_a_command(page: Page) -> None:
    """An indented one, or one with a lone prompt, would be passed over."""
    assert len(page.consoles) == len(re.findall(r"^\s*```+ *console\b", page.text, re.MULTILINE))
    for fence in page.consoles:
        assert fence.content.startswith("$ "), f"{page}:{fence.line} does not begin with a command"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_comment_about_a_fence_stands_before_one(page: Page) -> None:
    found = re.findall(r"^<!-- (?:file|terminal|pod|not run):", page.text, re.MULTILINE)
    assert len(found) == sum(len(fence.said) for fence in page.fences)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_command_that_runs_on_shows_by_what_its_reader_goes_on(page: Page) -> None:
    for fence in page.consoles:
        assert "terminal" not in fence.said or fence.commands[-1].expected, f"{page}:{fence.line} prints nothing"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_files_are_written_below_the_readers_folder(page: Page) -> None:
    for name in (PurePath(fence.said["file"]) for fence in page.fences if "file" in fence.said):
        assert not name.is_absolute()
        assert ".." not in name.parts


def test_few_commands_are_not_run_and_each_for_a_reason_of_these() -> None:
    said = Counter(fence.said["not run"] for page in PAGES for fence in page.consoles if "not run" in fence.said)
    assert said <= Counter(REASONS), said
