"""Lines ``KEY=VALUE``, as kustomize reads them from an env file or from literals, each with its place.

As ``kv.go`` of kustomize's api does: blanks before a key do not count, a ``#`` there begins a comment, and nothing is
quoted or continued; a literal's quotes around the value are taken off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line with a key.

    Attributes:
        start, end: offsets of the line in the text; its line break stands before `end`.
    """

    key: str
    value: str
    start: int
    end: int


def lines(text: str) -> Iterator[Line]:
    """The lines of an env file that have a key."""
    for match in _LINE.finditer(text):
        content = match[0].rstrip("\r\n").removeprefix("\ufeff").lstrip()
        key, equals, value = content.partition("=")
        if equals and not content.startswith("#"):
            yield Line(key=key, value=value, start=match.start(), end=match.end())


def literal(text: str) -> tuple[str, str]:
    """Key and value of a literal."""
    key, _, value = text.partition("=")
    for quote in ('"', "'"):
        if len(value) > 1 and value[0] == value[-1] == quote:
            value = value[1:-1]
    return key, value
