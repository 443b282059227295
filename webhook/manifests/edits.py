"""Changes of a text by position: what is not changed stays byte for byte."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """The characters from `start` to before `end` become `text`; offsets into the text as it was."""

    start: int
    end: int
    text: str


class OverlapError(ValueError):
    """Two edits change the same characters, or one inserts amid what another replaces."""


def apply(text: str, edits: Iterable[Edit]) -> str:
    """`text` with all `edits`, given in any order; insertions at one place come in the order given.

    Raises:
        OverlapError: two of them overlap.
    """
    parts: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if edit.start < done or edit.end < edit.start:
            raise OverlapError(f"{edit} begins before {done}")
        parts += [text[done : edit.start], edit.text]
        done = edit.end
    return "".join([*parts, text[done:]])
