"""Here-documents: what they are is told by who gets them, or by what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from webhook.injection.findings import LintCode
from webhook.manifests.lint import placeholders
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import Family, File, FileKind, Finding, Level

_SUFFIXES: Final = {
    ".yaml": FileKind.YAML,
    ".yml": FileKind.YAML,
    ".json": FileKind.YAML,
    ".sh": FileKind.SHELL,
    ".bash": FileKind.SHELL,
    ".bashrc": FileKind.SHELL,
    ".profile": FileKind.SHELL,
    ".env": FileKind.ENV,
    ".py": FileKind.PYTHON,
    "Dockerfile": FileKind.DOCKERFILE,
}
_READERS: Final = (
    (re.compile(r"\b(?:kubectl|oc|helm)\b"), FileKind.YAML),
    (re.compile(r"\b(?:docker|podman)\s+build\b"), FileKind.DOCKERFILE),
    (re.compile(r"\bpython[0-9.]*\b"), FileKind.PYTHON),
    (re.compile(r"(?:^|[\s/;|&])(?:ba|da|k|z)?sh\b|\bssh\b"), FileKind.SHELL),
)
_WORD: Final = re.compile(r"[^\s\"'<>|;&]+")
_MANIFEST: Final = re.compile(r"^[\s{\"-]*(?:apiVersion|kind)\"? *:", re.MULTILINE)
_TABS: Final = re.compile(r"^\t+", re.MULTILINE)
_UNREAD: Final = frozenset({LintCode.NOT_YAML, LintCode.NOT_PYTHON})
_EXPANSION: Final = re.compile(r"(?<!\\)(?:\$\w+|\$\{[^}]*\}|\$\((?:[^()]|\([^()]*\))*\)|`[^`]*`)")
_EXPANSION_ALONE: Final = re.compile(rf"(?m)^[ \t]*{_EXPANSION.pattern}[ \t]*$")


def kind_of(line: str, content: str) -> FileKind | None:
    """What the here-document `content` of the command `line` is, or None where it is nothing that is linted."""
    is_manifest = _MANIFEST.search(content) is not None
    kind = _kind_by(line) or (FileKind.YAML if is_manifest else None)
    # YAML may be a piece of a file, or of anything.
    return None if kind is FileKind.YAML and not is_manifest else kind


def _kind_by(line: str) -> FileKind | None:
    for word in _WORD.findall(line):
        for suffix, kind in _SUFFIXES.items():
            if word.endswith(suffix):
                return kind
    return next((kind for reader, kind in _READERS if reader.search(line)), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A here-document.

    Attributes:
        span: the characters of its content.
        kind: what it is linted as.
        tabs: whether the shell takes tabs from the beginnings of its lines.
        literal: whether nothing in it is expanded.
    """

    span: tuple[int, int]
    kind: FileKind
    tabs: bool
    literal: bool


def document_findings(file: File, context: Context, document: Document, inner: Family) -> Iterator[Finding]:
    """What `inner` finds in a here-document, which it gets as a file of its own, at the same lines and columns."""
    start, end = document.span
    content = file.text[start:end]
    expanded = not document.literal and _EXPANSION.search(content) is not None
    text = _TABS.sub(_blanks, content) if document.tabs else content
    masked = expanded and document.kind is FileKind.YAML
    text = _masked(text) if masked else text
    whole = replace(file, text=file.text[:start] + text + file.text[end:], is_masked=masked)
    for finding in inner(whole.inside(start, end, document.kind), context):
        told = _templated(finding, whole, document.kind) if expanded and finding.code in _UNREAD else finding
        yield replace(told, declared=None, edits=())  # what is inside another file is for people to mend


def _masked(text: str) -> str:
    """A manifest with what the shell, or a template, puts in as placeholders."""
    blank = _EXPANSION_ALONE.sub(_blanks, text)
    return placeholders.masked(_EXPANSION.sub(lambda match: placeholders.placeholder(match[0]), blank))


def _blanks(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _templated(finding: Finding, file: File, kind: FileKind) -> Finding:
    """What cannot be read before the shell has put its variables in."""
    message = f"a here-document is no {kind} before the shell has put its variables in"
    fix = "lint what comes of it as well"
    return file.finding(LintCode.TEMPLATED, Level.NOTE, (finding.start, finding.end), message, fix=fix)
