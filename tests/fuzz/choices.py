"""A fuzzer's bytes read as a row of choices, so that most of what it tries is well-formed where it should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

_T = TypeVar("_T")

_FREE: Final = 0xC0
"""A byte from here on says that text is written out, else it is an index."""
_LONGEST: Final = 64


class Choices:
    """Choices made by `data`, front to back; where it ends, each is the first one."""

    def __init__(self, data: bytes) -> None:
        """Start at the front."""
        self._data = data
        self._at = 0

    def byte(self) -> int:
        """The next byte."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def one_of(self, options: Sequence[_T]) -> _T:
        """One of `options`."""
        return options[self.byte() % len(options)]

    def count(self, most: int) -> int:
        """A number from 0 to `most`."""
        return self.byte() % (most + 1)

    def text(self, usual: Sequence[str]) -> str:
        """One of the `usual` texts, or one that is written out: its length, then UTF-8."""
        kind = self.byte()
        if kind < _FREE:
            return usual[kind % len(usual)]
        start, length = self._at, self.byte() % _LONGEST
        self._at = start + 1 + length
        return self._data[start + 1 : self._at].decode(errors="replace")
