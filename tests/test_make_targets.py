"""Whoever follows the documentation or a workflow finds every target that it names."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z0-9-]+|\.venv/\w+/\w+):", MAKEFILE.replace("$(STAMPS)", ".venv/stamps"), re.MULTILINE))
PAGES = sorted(chain(ROOT.glob("*.md"), *(ROOT.glob(f"{top}/**/*.md") for top in ("docs", "certs", "deploy"))))
SCRIPTS = [ROOT / ".ci" / "run", *sorted(ROOT.glob(".github/workflows/*.yml"))]


def commands_of(page: str) -> list[str]:
    """What a page has in code: spans, and lines of fences."""
    fences = re.findall(r"^```\w*\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```\w*\n.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    return [*re.findall(r"`([^`]+)`", prose), *(line for fence in fences for line in fence.splitlines())]


def named(commands: list[str]) -> set[str]:
    """The targets of those commands that are make's; its variables are none."""
    parts = chain.from_iterable(re.split(r"&&|;", command.partition("#")[0]) for command in commands)
    made = [found[1].split() for part in parts if (found := re.match(r"\s*(?:\$ |(?:- )?run: )?make (.*)", part))]
    return {word for words in made for word in words if "=" not in word}


@pytest.mark.parametrize("page", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_target_that_a_page_names_is_there(page: Path) -> None:
    assert named(commands_of(page.read_text())) <= TARGETS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.name)
def test_every_target_that_ci_names_is_there(script: Path) -> None:
    found = named(script.read_text().splitlines())

    assert found
    assert found <= TARGETS


def test_targets_are_found_wherever_they_are_named() -> None:
    page = "`make test`, `make dist sbom`; make sense\n```sh\n$ make demo && make e2e  # make it\n```\n`make lock A=b`"

    assert named(commands_of(page)) == {"test", "dist", "sbom", "demo", "e2e", "lock"}
    assert named(["      - run: make docs", "        run: make release-check TAG=v1"]) == {"docs", "release-check"}


def test_every_target_says_what_it_is_for() -> None:
    phony = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split()
    told = re.findall(r"^([a-z0-9-]+):.*##", MAKEFILE, re.MULTILINE)

    assert set(phony) - {"FORCE"} == set(told)
