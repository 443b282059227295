"""A unified diff, as ``patch -p0`` and ``git apply -p0`` read it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Final

_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_FIRST, _LAST = ord(" "), ord("~")
_NO_NEWLINE: Final = "\n\\ No newline at end of file\n"


def unified(path: str, before: str, after: str) -> Iterator[str]:
    """The lines of the diff, each with its line break; none where nothing differs."""
    old, new = _LINE.findall(before), _LINE.findall(after)
    name = _name(path)
    for line in difflib.unified_diff(old, new, name, name):
        yield line if line.endswith("\n") else line + _NO_NEWLINE


def _name(path: str) -> str:
    """The name as ``patch`` and ``git`` write it: in C's quotes where it has characters that are not for reading."""
    if path.isprintable() and not {'"', "\\"} & {*path}:
        # Behind a tab there may be a date: it ends a name with blanks in it.
        return f"{path}\t" if " " in path else path
    return '"' + "".join(map(_quoted, path.encode(errors="surrogateescape"))) + '"'


def _quoted(byte: int) -> str:
    is_plain = _FIRST <= byte <= _LAST and chr(byte) not in '"\\'
    return chr(byte) if is_plain else f"\\{byte:03o}"


def counts(before: str, after: str) -> tuple[int, int]:
    """How many lines are added, and how many are taken away."""
    lines = list(unified("", before, after))[2:]
    return sum(line.startswith("+") for line in lines), sum(line.startswith("-") for line in lines)
