"""What lint found in which files: each file is read, told by its kind, and handed to the families that know it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from webhook.cli.lint_files import MAX_LINTED, STANDARD_INPUT, Candidate, is_binary
from webhook.cli.output import read_input
from webhook.errors import InputError
from webhook.injection.findings import LintCode
from webhook.manifests.lint.context import Context, Tree
from webhook.manifests.lint.finding import File, FileKind, Finding, Level
from webhook.manifests.lint.indexing import index_of
from webhook.manifests.lint.kinds import may_be_manifest
from webhook.manifests.lint.python.source import decode
from webhook.manifests.lint.registry import FAMILIES, findings

_INDEXED: Final = (FileKind.YAML, FileKind.COMPOSE)
_UNREAD: Final = frozenset({LintCode.UNREADABLE, LintCode.NOT_YAML, LintCode.NOT_PYTHON})


@dataclass(frozen=True, kw_only=True, slots=True)
class Linted:
    """A file in which something was found, in the order in which it stands there."""

    file: File
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was found.

    Attributes:
        files: how many were looked at.
        linted: those of them in which something was found.
    """

    files: int
    linted: tuple[Linted, ...]

    @property
    def findings(self) -> Iterator[Finding]:
        """All findings, file by file."""
        return (finding for linted in self.linted for finding in linted.findings)

    @property
    def counts(self) -> Counter[Level]:
        """How many findings there are of each level."""
        return Counter(finding.level for finding in self.findings)

    @property
    def exit_status(self) -> int:
        """2 if a file could not be read, 1 if something is wrong that is no note, else 0."""
        failed = [finding for finding in self.findings if finding.level is not Level.NOTE]
        return 2 if any(finding.code in _UNREAD for finding in failed) else int(bool(failed))


def report_on(candidates: Sequence[Candidate], context: Context, given: Mapping[str, str] | None = None) -> Report:
    """Lint the files; a second reading of each finds what the first of all has to be known for.

    Args:
        given: by path, texts that stand for what is in the files.
    """
    texts = _Texts(given or {})
    context = replace(context, tree=_GivenTree(given, context.tree)) if given else context
    index = index_of(_yaml_files(candidates, texts), context.tree.read)
    context = replace(context, index=index)
    files, linted = 0, []
    for candidate in candidates:
        kind = candidate.kind or (FileKind.ENV if candidate.path in index.env_files else None)
        if kind is None or not FAMILIES[kind]:
            continue
        found = _lint(candidate, kind, texts, context)
        files += found is not None
        if found is not None and found.findings:
            linted.append(found)
    return Report(files=files, linted=tuple(linted))


class _GivenTree:
    """Texts in the places of files, and the files around them."""

    def __init__(self, given: Mapping[str, str], tree: Tree) -> None:
        self._given = given
        self._tree = tree

    def exists(self, path: str) -> bool:
        return path in self._given or self._tree.exists(path)

    def read(self, path: str) -> str | None:
        return self._given[path] if path in self._given else self._tree.read(path)


class _Texts:
    """Reads files, the standard input but once."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._standard_input: str | None = None

    def read(self, path: str, kind: FileKind = FileKind.YAML) -> str:
        if path in self._given:
            return self._given[path]
        if path != STANDARD_INPUT:
            decoder = decode if kind is FileKind.PYTHON else bytes.decode
            return read_input(path, limit=MAX_LINTED, decode=decoder)
        if self._standard_input is None:
            self._standard_input = read_input(path, limit=MAX_LINTED)
        return self._standard_input


def _yaml_files(candidates: Sequence[Candidate], texts: _Texts) -> Iterator[File]:
    for candidate in candidates:
        if candidate.kind not in _INDEXED or candidate.fault:
            continue
        try:
            text = texts.read(candidate.path)
        except InputError:  # a finding of the second reading
            continue
        if may_be_manifest(candidate.path, text):
            yield File(path=candidate.path, text=text, kind=candidate.kind)


def _lint(candidate: Candidate, kind: FileKind, texts: _Texts, context: Context) -> Linted | None:
    """What is found in a file; None if it is none that is looked at."""
    file = File(path=candidate.path, text="", kind=kind, root=candidate.root)
    if candidate.fault:
        return _unreadable(file, candidate.fault, "make it readable, or leave it out")
    try:
        file = replace(file, text=texts.read(candidate.path, kind))
    except InputError as error:
        if not candidate.is_named and is_binary(candidate.path):
            return None
        return _unreadable(file, error.message.removesuffix(f"; {error.fix}"), error.fix)
    if "\0" in file.text:
        return _unreadable(replace(file, text=""), "it is binary", "give a text") if candidate.is_named else None
    if kind is FileKind.YAML and not may_be_manifest(file.path, file.text):
        return Linted(file=file, findings=()) if candidate.is_named else None
    # What two templates share by an alias stands in one place, and is told once.
    found = {(one.start, one.end, one.code, one.message): one for one in findings(file, context)}
    return Linted(file=file, findings=tuple(one for _, one in sorted(found.items(), key=lambda pair: pair[0])))


def _unreadable(file: File, message: str, fix: str) -> Linted:
    return Linted(file=file, findings=(file.finding(LintCode.UNREADABLE, Level.ERROR, (0, 0), message, fix=fix),))
