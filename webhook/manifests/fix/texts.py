"""The files that are linted together, by their paths, each read once."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Final

from webhook.errors import InputError
from webhook.manifests.source import Document, Source

_ACTION: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_YAML: Final = (".yaml", ".yml", ".json")


class Texts:
    """Paths, with ``/`` between their folders, and texts; what is no YAML has no documents."""

    def __init__(self, texts: Mapping[str, str], parsed: Mapping[str, Source | None] | None = None) -> None:
        """Keep `texts`; those in `parsed` were read before."""
        self._texts = dict(texts)
        self._parsed = dict(parsed or {})

    @cached_property
    def paths(self) -> frozenset[str]:
        """Where there is a text."""
        return frozenset(self._texts)

    @cached_property
    def folders(self) -> frozenset[str]:
        """The folders of the files."""
        return frozenset(map(posixpath.dirname, self._texts))

    def text(self, path: str) -> str:
        """The text at `path`."""
        return self._texts[path]

    def source(self, path: str) -> Source | None:
        """The documents at `path`, or None where there is nothing that can be read as YAML."""
        if path not in self._parsed:
            self._parsed[path] = self._read(path)
        return self._parsed[path]

    def _read(self, path: str) -> Source | None:
        text = self._texts.get(path)
        name = posixpath.basename(path)
        if text is None or not (name.endswith(_YAML) or name == "Kustomization") or is_template(text):
            return None
        try:
            return Source.parse_any(text, name=path)
        except InputError:
            return None

    def documents(self, path: str) -> Iterable[Document]:
        """The documents at `path`, as they stand there; a List is one."""
        source = self.source(path)
        return source.documents if source else ()

    def values(self, path: str) -> list[Any]:
        """What kubectl reads at `path`."""
        return [document.value for document in self.documents(path)]

    def changed(self, texts: Mapping[str, str]) -> Texts:
        """The same with other texts at some paths, or more of them."""
        new = {**self._texts, **texts}
        kept = {path: source for path, source in self._parsed.items() if new.get(path) == self._texts.get(path)}
        return Texts(new, kept)


def is_template(text: str) -> bool:
    """Whether a template (Helm's) makes the file, so that what it says is not known."""
    return _ACTION.search(text) is not None


def parsed(text: str) -> list[Any]:
    """The values in a text inside a file; none where it is not YAML."""
    try:
        return [document.value for document in Source.parse_any(text, name="text").documents]
    except InputError:
        return []
