"""A YAML file's objects as parts that know where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from yaml.nodes import Node

from webhook.injection.codes import ReasonCode
from webhook.manifests.lint.finding import Declared, File, FileKind, Finding, Level
from webhook.manifests.lint.placeholders import is_template, masked
from webhook.manifests.source import Document, Source, key_at, node_at
from webhook.manifests.workloads import Path, value_at

Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part of a document.

    Attributes:
        document: the number of its document in the file, from 0.
        root: the document's node.
        path: from there to the part.
        value: what kubectl reads there.
    """

    file: File
    document: int
    root: Node
    path: Path
    value: Any

    def get(self, *steps: str | int) -> Any:
        """The value below, or None where there is none."""
        return value_at(self.value, steps)

    def at(self, *steps: str | int) -> Part:
        """The part below, which may be missing: its value is None then."""
        return replace(self, path=(*self.path, *steps), value=self.get(*steps))

    def items(self, *steps: str | int) -> Iterator[Part]:
        """The mappings of the list below."""
        below = self.get(*steps)
        for index, item in enumerate(below if isinstance(below, list) else ()):
            if isinstance(item, dict):
                yield self.at(*steps, index)

    def texts(self, *steps: str | int) -> dict[str, str]:
        """The keys of the mapping below whose values are texts."""
        below = self.get(*steps)
        return {key: text for key, text in below.items() if isinstance(text, str)} if isinstance(below, dict) else {}

    def span(self, *steps: str | int) -> Span:
        """Where the value below stands, as far as its first line; of what is missing, where its parent stands."""
        path = (*self.path, *steps)
        try:
            return self._first_line(node_at(self.root, path))
        except LookupError:
            return self.at(*steps[:-1]).span() if steps else (0, 0)

    def key_span(self, *steps: str | int) -> Span:
        """Where the key of the value below stands; the value itself where it has none."""
        path = (*self.path, *steps)
        try:
            return self._first_line(key_at(self.root, path)) if path else self.span()
        except LookupError:
            return self.span(*steps)

    def _first_line(self, node: Node) -> Span:
        start, end = node.start_mark.index, node.end_mark.index
        first = self.file.text.find("\n", start, end)
        shown = self.file.text[start : end if first < 0 else first].rstrip()
        return start, start + max(len(shown), 1)

    def inside(self, *steps: str | int) -> File | None:
        """The YAML in the block of text below, at its own lines and columns; None where it is no block."""
        try:
            node = node_at(self.root, (*self.path, *steps))
        except LookupError:
            return None
        if getattr(node, "style", None) not in ("|", ">"):
            return None
        start = self.file.text.find("\n", node.start_mark.index) + 1
        return self.file.inside(start, node.end_mark.index, FileKind.YAML)

    def finding(
        self,
        code: ReasonCode,
        level: Level,
        message: str,
        *,
        span: Span | None = None,
        fix: str | None = None,
        declared: Declared | None = None,
    ) -> Finding:
        """A finding about the part, or about `span`."""
        return self.file.finding(
            code, level, self.span() if span is None else span, message, fix=fix, declared=declared
        )


def documents_of(file: File) -> list[Part]:
    """Each document of the file; of a List its items. A template's actions give way to placeholders.

    Raises:
        InputError: it is not YAML; says where.
    """
    if is_template(file.text) and not file.is_masked:
        file = replace(file, text=masked(file.text), is_masked=True)
    source = Source.parse_any(file.text, name=file.path)
    return [part for document in source.documents for part in _objects(_part(file, document))]


def _part(file: File, document: Document) -> Part:
    return Part(file=file, document=document.number, root=document.root, path=(), value=document.value)


def _objects(part: Part) -> Iterator[Part]:
    kind = part.get("kind")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(part.get("items"), list):
        for item in part.items("items"):
            yield from _objects(item)
    else:
        yield part
