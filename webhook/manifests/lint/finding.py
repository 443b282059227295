"""A finding, the file it is in, and what a family of findings is given.

A text inside another file (a manifest in a here-document, YAML in a string) is linted by handing on the file with all
else blanked, :meth:`File.inside`: offsets, lines and columns then need no mapping.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final

from webhook.contract import Role
from webhook.errors import escape
from webhook.injection.codes import ReasonCode
from webhook.manifests.edits import Edit
from webhook.manifests.lint.context import Context
from webhook.manifests.places import Text
from webhook.manifests.workloads import Path

_NOT_A_BREAK: Final = re.compile(r"[^\r\n]")


class Level(StrEnum):
    """How bad a finding is; notes fail nothing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class FileKind(StrEnum):
    """What a file is read as."""

    YAML = "YAML"
    ENV = "env file"
    COMPOSE = "Compose file"
    DOCKERFILE = "Dockerfile"
    SHELL = "shell script"
    PYTHON = "Python"


@dataclass(frozen=True, kw_only=True)
class File:
    """A file, or a text inside one.

    Attributes:
        path: as people are told it and, its folders being parts, as other files are found from it; ``/`` between parts.
        text: its content.
        is_masked: whether it is a template whose actions gave way to placeholders of the same length.
        root: the part of `path` that says nothing about the file, only where it was put.
    """

    path: str
    text: str
    kind: FileKind
    is_masked: bool = False
    root: str = ""

    @cached_property
    def _text(self) -> Text:
        return Text(name=self.path, text=self.text)

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of the character at `offset`, both from 1."""
        return self._text.place(offset)

    def line(self, number: int) -> str:
        """The line `number`, from 1, without its end."""
        start, end = self.line_span(number)
        return self.text[start:end]

    def line_span(self, number: int) -> tuple[int, int]:
        """Where the line `number`, from 1, begins and ends."""
        return self._text.line_span(number)

    def inside(self, start: int, end: int, kind: FileKind) -> File:
        """The text from `start` to before `end` as a file of `kind`, at the same lines and columns."""
        before, after = (_NOT_A_BREAK.sub(" ", part) for part in (self.text[:start], self.text[end:]))
        return replace(self, text=before + self.text[start:end] + after, kind=kind)

    def finding(
        self,
        code: ReasonCode,
        level: Level,
        span: tuple[int, int],
        message: str,
        *,
        fix: str | None = None,
        declared: Declared | None = None,
    ) -> Finding:
        """A finding about the characters from ``span[0]`` to before ``span[1]``; `fix` is the code's unless given."""
        (line, column), (end_line, end_column) = map(self.place, span)
        return Finding(
            code=code,
            level=level,
            path=self.path,
            start=span[0],
            end=span[1],
            line=line,
            column=column,
            end_line=end_line,
            end_column=end_column,
            message=escape(message),
            fix=escape(fix or code.advice).removesuffix("."),
            declared=declared,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """The setting that a finding is about: what ``--fix`` has to know to take it out.

    Attributes:
        name: the variable's.
        value: its literal; None where there is none to read (a valueFrom, a template).
        role: of the pod that it is declared for, where that is known.
        workload, container: where it is declared, for people: ``Deployment shop/api``, ``api``.
        document: the index of its document among those of the file, or None where the file is no YAML.
        entry: the path of the whole entry there (an item of an env, a key of a mapping).
    """

    name: str
    value: str | None
    role: Role | None = None
    workload: str | None = None
    container: str | None = None
    document: int | None = None
    entry: Path = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        code: of :class:`~webhook.injection.findings.LintCode`, or the decision's that the webhook would give.
        path: the file's.
        start, end: the characters that it is about, as offsets into the file's text; the end does not belong to them.
        line, column, end_line, end_column: the same for people, from 1, in characters.
        message: the thing, its value and what is allowed.
        fix: what to do.
        edits: what ``--fix`` does, where that is known already.
    """

    code: ReasonCode
    level: Level
    path: str
    start: int
    end: int
    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    fix: str
    declared: Declared | None = None
    edits: tuple[Edit, ...] = ()


Family = Callable[[File, Context], Iterator[Finding]]
"""A family: its findings in one file. It never raises for what a file may hold; what it cannot read is a finding."""
