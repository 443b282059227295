"""A page of the documentation as its tests read it: what its commands need, and its fences.

A fence of the language ``console`` holds commands (``$ ``, continued by a trailing backslash or by ``> ``) and their
real output, in which ``...`` on a line of its own stands for any lines, and within a line for any text. A comment just
before a fence says more of it:

    <!-- file: NAME -->      whatever its language, the reader writes it to NAME
    <!-- terminal: NAME -->  its commands run in another terminal, where the last one runs on, until Ctrl-C at the end
    <!-- pod: ROLE -->       its commands run in a pod of that role (pages of ``runs: ray``)
    <!-- not run: REASON --> nothing here can run it
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
RUNS: Final = ("local", "cluster", "ray")
"""What the commands of a page may need: a shell, that and a cluster, or a real Ray."""

_FRONT: Final = re.compile(r"\A---\n(?P<fields>.*?)^---$|\A<!-- (?P<field>runs: .*?) -->$", re.DOTALL | re.MULTILINE)
_FENCE: Final = re.compile(
    r"^(?:<!-- (?P<word>file|terminal|pod|not run): (?P<value>[^\n]*?) -->\n+)?"
    r"(?P<ticks>```+)(?P<language>[\w-]*)[^\n]*\n(?P<content>.*?)^(?P=ticks)$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One command of a console fence."""

    shown: str
    """Its lines, prompts and all."""
    text: str
    """What the shell gets."""
    expected: str
    """The lines of output below it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fence:
    """One fence, and what the comment before it says."""

    language: str
    content: str
    line: int
    """Of its first line of content in the page, from 1."""
    span: tuple[int, int]
    """Of its content in the page's text."""
    said: dict[str, str] = field(default_factory=dict)

    @property
    def commands(self) -> tuple[Command, ...]:
        """Those of a console fence."""
        return tuple(_commands(self.content.splitlines()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page's text, and what is read of it."""

    path: Path
    text: str = field(repr=False)

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT)) if self.path.is_relative_to(ROOT) else self.path.name

    @property
    def fields(self) -> dict[str, Any]:
        """The front matter; of a README, which code hosts show whole, the comment ``<!-- runs: WHAT -->`` in line 1."""
        found = _FRONT.match(self.text)
        fields: dict[str, Any] = yaml.safe_load(found["fields"] or found["field"] or "") if found else {}
        return fields or {}

    @property
    def runs(self) -> str | None:
        """What its commands need; one of ``RUNS``, if the page is right."""
        return self.fields.get("runs")

    @property
    def fences(self) -> tuple[Fence, ...]:
        """All of them, in their order."""
        return tuple(_fence(self.text, found) for found in _FENCE.finditer(self.text))

    @property
    def consoles(self) -> tuple[Fence, ...]:
        """Those with commands."""
        return tuple(fence for fence in self.fences if fence.language == "console")

    @property
    def files(self) -> dict[str, str]:
        """What the reader writes, by its name."""
        return {fence.said["file"]: fence.content for fence in self.fences if "file" in fence.said}


def read(path: Path) -> Page:
    """The page in a file."""
    return Page(path=path, text=path.read_text(encoding="utf-8"))


def all_pages() -> list[Page]:
    """Every page whose commands are tested."""
    found = [ROOT / "README.md", ROOT / "certs" / "README.md"]
    found += [*(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("README.md")]
    return [read(path) for path in sorted(found)]


def pages_of(runs: str) -> list[Page]:
    """The pages whose commands need that, and of which at least one can be run."""
    return [page for page in all_pages() if page.runs == runs and page.consoles]


def _fence(text: str, found: re.Match[str]) -> Fence:
    return Fence(
        language=found["language"],
        content=found["content"],
        line=text.count("\n", 0, found.start("content")) + 1,
        span=found.span("content"),
        said={found["word"]: found["value"]} if found["word"] else {},
    )


def _commands(lines: list[str]) -> Iterator[Command]:
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        after = start + 1
        while after < end and (lines[after - 1].endswith("\\") or lines[after].startswith("> ") or lines[after] == ">"):
            after += 1
        first, *more = lines[start:after]
        text = [first.removeprefix("$ "), *(re.sub(r"\A> ?", "", line) for line in more)]
        yield Command(shown="\n".join((first, *more)), text="\n".join(text), expected="\n".join(lines[after:end]))
