"""The files that are linted together, by their paths, each read once."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, Final

from yaml.nodes import ScalarNode

from webhook.errors import InputError
from webhook.manifests.lint.finding import File, FileKind
from webhook.manifests.source import Document, Source, node_at
from webhook.manifests.workloads import Path, value_at

_ACTION: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
KUSTOMIZATIONS: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_PATCHES: Final = {"patches": "patch", "patchesJson6902": "patch", "patchesStrategicMerge": ""}
_RUNTIME_ENVS: Final[dict[str, Path]] = {
    "RayService": ("spec", "serveConfigV2"),
    "RayJob": ("spec", "runtimeEnvYAML"),
    "RayCronJob": ("spec", "jobTemplate", "runtimeEnvYAML"),
}
_YAML: Final = (".yaml", ".yml", ".json")


class Texts:
    """Paths, with ``/`` between their folders, and texts; what is no YAML has no documents."""

    def __init__(self, texts: Mapping[str, str], parsed: Mapping[str, Source | None] | None = None) -> None:
        """Keep `texts`; those in `parsed` were read before."""
        self._texts = dict(texts)
        self._parsed = dict(parsed or {})
        self._written: dict[str, list[Document]] = {}

    @cached_property
    def paths(self) -> frozenset[str]:
        """Where there is a text."""
        return frozenset(self._texts)

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

    def written(self, path: str) -> list[Document]:
        """The documents at `path`, and behind them those in its blocks of text; all have their places in the file."""
        if path not in self._written:
            outer = list(self.documents(path))
            self._written[path] = [*outer, *(inner for document in outer for inner in self._inner(path, document))]
        return self._written[path]

    def _inner(self, path: str, document: Document) -> Iterator[Document]:
        for at in _blocks(document.value, posixpath.basename(path)):
            node = node_at(document.root, at)
            if isinstance(node, ScalarNode) and node.style == "|":
                start = self.text(path).find("\n", node.start_mark.index) + 1
                file = File(path=path, text=self.text(path), kind=FileKind.YAML)
                inside = file.inside(start, node.end_mark.index, FileKind.YAML)
                with suppress(InputError):
                    yield from Source.parse_any(inside.text, name=path).documents

    def values(self, path: str) -> list[Any]:
        """What kubectl reads at `path`."""
        return [document.value for document in self.documents(path)]

    def changed(self, texts: Mapping[str, str]) -> Texts:
        """The same with other texts at some paths, or more of them."""
        new = {**self._texts, **texts}
        kept = {path: source for path, source in self._parsed.items() if new.get(path) == self._texts.get(path)}
        return Texts(new, kept)


def _blocks(value: Any, name: str) -> Iterator[Path]:
    """Where a document may have others inside: patches of a kustomization, what a RayService or RayJob runs."""
    if not isinstance(value, dict):
        return
    for field, key in _PATCHES.items() if name in KUSTOMIZATIONS else ():
        listed = value.get(field)
        for index, item in enumerate(listed if isinstance(listed, list) else ()):
            at: Path = (field, index, key) if key else (field, index)
            if isinstance(item, dict if key else str) and isinstance(value_at(value, at), str):
                yield at
    block = _RUNTIME_ENVS.get(str(value.get("kind")))
    if block is not None and isinstance(value_at(value, block), str):
        yield block


def is_template(text: str) -> bool:
    """Whether a template (Helm's) makes the file, so that what it says is not known."""
    return _ACTION.search(text) is not None


def parsed(text: str) -> list[Any]:
    """The values in a text inside a file; none where it is not YAML."""
    try:
        return [document.value for document in Source.parse_any(text, name="text").documents]
    except InputError:
        return []
