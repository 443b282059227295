"""A named text, and places in it for people."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from webhook.errors import InputError

_LINE_END: Final = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text that was read.

    Attributes:
        name: what to call it in a message.
    """

    name: str
    text: str

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def place(self, index: int) -> tuple[int, int]:
        """Line and column of the character at the offset `index`, both from 1."""
        line = bisect_right(self._lines, index)
        return line, index - self._lines[line - 1] + 1

    def line_span(self, number: int) -> tuple[int, int]:
        """Where the line `number`, from 1, begins and ends, without what ends it."""
        start, *following = self._lines[number - 1 : number + 1]
        rest = self.text[start : following[0] if following else None]
        return start, start + len(rest.rstrip("\r\n"))

    def error(self, index: int, problem: str, *, fix: str) -> InputError:
        """The error that the text has `problem` at the offset `index`."""
        return InputError(f"{self.where(index)} {problem}", fix=fix)

    def where(self, index: int) -> str:
        """The place at the offset `index`, as compilers write it."""
        line, column = self.place(index)
        return f"{self.name}:{line}:{column}"
