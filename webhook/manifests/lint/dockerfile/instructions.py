"""A Dockerfile's instructions and their places.

Own code, for of what there is for Python dockerfile-parse tells no columns, and tree-sitter-dockerfile gives up at a
blank line in an instruction. What a shell reads is left to the shell's grammar, and so are ENV's arguments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_DIRECTIVE: Final = re.compile(r"#\s*(\w+)\s*=\s*(\S+)\s*")
_NAME: Final = re.compile(r"\s*(?:ONBUILD\s+)*([A-Za-z]+)(?=\s|$)", re.IGNORECASE)
_HEREDOC: Final = re.compile(r"<<(-?)([\"']?)(\w+)\2")
_WITH_HEREDOCS: Final = frozenset({"ADD", "COPY", "RUN"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Heredoc:
    """The content of a here-document; `tabs` and `literal` as ``Document`` has them."""

    start: int
    end: int
    tabs: bool
    literal: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """An instruction: its `name` in upper case, the place of its arguments, and the here-documents behind it."""

    name: str
    start: int
    end: int
    heredocs: tuple[Heredoc, ...] = ()


class Dockerfile:
    """Reads a Dockerfile.

    Attributes:
        text: the file's, as long as it was, but without comments and blank lines inside of continued instructions, and
            with backslashes where they are continued, so that a shell's parser reads their arguments.
    """

    def __init__(self, text: str) -> None:
        self._lines: list[str] = re.findall(r"[^\n]*\n|[^\n]+", text)
        self._next = 0
        self._at = 0
        self._escape = _escape(self._lines)
        self._text: list[str] = []
        self.instructions = list(self._read())
        self.text = "".join(self._text)

    def _take(self, shown: str | None = None) -> str:
        """The next line, which is `shown` in the text instead."""
        line = self._lines[self._next]
        self._next += 1
        self._at += len(line)
        self._text.append(line if shown is None else shown)
        return line

    def _peek(self) -> str | None:
        return self._lines[self._next] if self._next < len(self._lines) else None

    def _read(self) -> Iterator[Instruction]:
        while (line := self._peek()) is not None:
            if _says_nothing(line):
                self._take()
                continue
            start = self._at
            whole = "".join(self._continued())
            match = _NAME.match(whole)
            if match is not None:
                name, arguments = match[1].upper(), start + match.end()
                end = self._at
                heredocs = tuple(self._heredocs(whole)) if name in _WITH_HEREDOCS else ()
                yield Instruction(name=name, start=arguments, end=end, heredocs=heredocs)

    def _continued(self) -> Iterator[str]:
        """The lines of one instruction, as they are shown."""
        continues = True
        while continues and (line := self._peek()) is not None:
            if _says_nothing(line):
                shown = " " * len(line)
            else:
                bare = line.rstrip()
                continues = bare.endswith(self._escape)
                # The escape goes to the line's end, whatever blanks follow it.
                shown = (bare[:-1] + " " * (len(line) - len(bare) - 1) + "\\\n") if continues else line
                shown = shown if len(shown) == len(line) else line
            self._take(shown)
            yield shown

    def _heredocs(self, whole: str) -> Iterator[Heredoc]:
        for match in _HEREDOC.finditer(whole):
            start = end = self._at
            while (line := self._peek()) is not None:
                bare = line.rstrip("\r\n")
                if (bare.lstrip("\t") if match[1] else bare) == match[3]:
                    self._take()
                    break
                self._take()
                end = self._at
            yield Heredoc(start=start, end=end, tabs=bool(match[1]), literal=bool(match[2]))


def _says_nothing(line: str) -> bool:
    bare = line.strip()
    return not bare or bare.startswith("#")


def _escape(lines: list[str]) -> str:
    """What continues a line, from the directives at the top."""
    for line in lines:
        match = _DIRECTIVE.fullmatch(line.strip())
        if match is None:
            break
        if match[1].lower() == "escape":
            return match[2]
    return "\\"
