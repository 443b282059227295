"""Whether real output is what a page says, where ``...`` stands for what differs from run to run."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Final

ANY: Final = "..."


def matches(expected: str, real: str) -> bool:
    """Whether `real` is as `expected`; blanks at the end of lines and of the text do not count."""
    return (
        re.fullmatch("".join(map(_pattern, _lines(expected))), "".join(f"{line}\n" for line in _lines(real)))
        is not None
    )


def difference(expected: str, real: str) -> str:
    """What a reader is shown where the two differ: ``-`` is on the page, ``+`` is printed, ``...`` is filled in."""
    printed = _lines(real)
    filled_in = list(_filled_in(_lines(expected), printed))
    lines = difflib.unified_diff(filled_in, printed, lineterm="", n=len(filled_in))
    return "\n".join(f"{line[0]} {line[1:]}" for line in list(lines)[3:])  # without names and places


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().splitlines()]


def _pattern(line: str) -> str:
    if line.strip() == ANY:
        return r"(?:.*\n)*?"
    return ".*?".join(re.escape(part) for part in line.split(ANY)) + r"\n"


def _filled_in(wanted: Sequence[str], printed: Sequence[str]) -> Iterator[str]:
    """Each line with the text of the next printed one that it stands for, if there is one."""
    rest = iter(printed)
    for line in wanted:
        if ANY not in line or line.strip() == ANY:
            yield line
            continue
        yield next((text for text in rest if re.fullmatch(_pattern(line), f"{text}\n")), line)
