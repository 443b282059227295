"""A kustomization, as far as it decides which files belong together and what objects are called in the end.

Read as https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/ tells. A wrong type counts as absent.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from webhook.manifests.workloads import Path

FILE_NAMES: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
KINDS: Final = ("Kustomization", "Component")

_LISTS: Final = (
    "resources",
    "bases",
    "components",
    "crds",
    "configurations",
    "transformers",
    "generators",
    "validators",
)
TARGETED: Final = ("patches", "patchesJson6902")
_REMOTE: Final = ("://", "git@", "?ref=", "?version=")
_REMOTE_HOSTS: Final = ("github.com/", "gitlab.com/", "bitbucket.org/")


@dataclass(frozen=True, kw_only=True, slots=True)
class Generator:
    """One entry of a configMapGenerator.

    Attributes:
        index: its index in the list.
        literals: key to value, with the index in the list of literals.
        env_files: paths of its env files.
        hashed: whether kustomize adds a hash to its name.
    """

    index: int
    name: str
    namespace: str | None
    literals: Mapping[str, tuple[str, int]]
    env_files: tuple[str, ...]
    hashed: bool


@dataclass(frozen=True, kw_only=True)
class Kustomization:
    """One kustomization file and what it says; `path` is the file's."""

    path: str
    content: Mapping[str, Any]

    def join(self, written: str) -> str:
        """The path that `written` means here."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(self.path), written))

    @cached_property
    def references(self) -> tuple[tuple[Path, str], ...]:
        """Each file or folder that has to be there: where it is written, and its path."""
        found = [*self._listed(), *self._patch_references(), *self._generator_references()]
        return tuple((path, self.join(written)) for path, written in found if _is_local(written))

    def _listed(self) -> Iterator[tuple[Path, str]]:
        for key in _LISTS:
            yield from (((key, index), text) for index, text in texts(self.content.get(key)))

    def _patch_references(self) -> Iterator[tuple[Path, str]]:
        for key in (*TARGETED, "replacements"):
            for index, entry in mappings(self.content.get(key)):
                if isinstance(entry.get("path"), str):
                    yield (key, index, "path"), entry["path"]
        for index, text in texts(self.content.get("patchesStrategicMerge")):
            yield ("patchesStrategicMerge", index), text

    def _generator_references(self) -> Iterator[tuple[Path, str]]:
        for index, entry in mappings(self.content.get("configMapGenerator")):
            at: Path = ("configMapGenerator", index)
            if isinstance(entry.get("env"), str):
                yield (*at, "env"), entry["env"]
            yield from (((*at, "envs", number), text) for number, text in texts(entry.get("envs")))
            for number, text in texts(entry.get("files")):
                yield (*at, "files", number), text.rpartition("=")[2]

    @cached_property
    def patch_files(self) -> frozenset[str]:
        """The files that are patches."""
        keys = (*TARGETED, "patchesStrategicMerge")
        return frozenset(path for at, path in self.references if at[0] in keys)

    @cached_property
    def patch_targets(self) -> Mapping[str, Mapping[str, Any]]:
        """The target of each patch that is a file, where it is written."""
        found = {}
        for key in TARGETED:
            for _, entry in mappings(self.content.get(key)):
                if isinstance(entry.get("path"), str) and isinstance(entry.get("target"), dict):
                    found[self.join(entry["path"])] = entry["target"]
        return found

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The files and folders whose objects it takes in."""
        return tuple(path for at, path in self.references if at[0] in ("resources", "bases", "components"))

    @cached_property
    def generators(self) -> tuple[Generator, ...]:
        """The ConfigMaps that it makes."""
        return tuple(self._generator(*pair) for pair in mappings(self.content.get("configMapGenerator")))

    def _generator(self, index: int, entry: Mapping[str, Any]) -> Generator:
        literals = {}
        for number, text in texts(entry.get("literals")):
            key, equals, value = text.partition("=")
            if equals:
                literals[key] = (_unquoted(value), number)
        envs = [
            *([entry["env"]] if isinstance(entry.get("env"), str) else []),
            *(t for _, t in texts(entry.get("envs"))),
        ]
        return Generator(
            index=index,
            name=str(entry.get("name")),
            namespace=entry.get("namespace") if isinstance(entry.get("namespace"), str) else None,
            literals=literals,
            env_files=tuple(map(self.join, envs)),
            hashed=entry.get("behavior") in (None, "create") and not self._keeps_name(entry),
        )

    def _keeps_name(self, entry: Mapping[str, Any]) -> bool:
        options = (self.content.get("generatorOptions"), entry.get("options"))
        return any(isinstance(one, dict) and one.get("disableNameSuffixHash") is True for one in options)

    def renamed(self, name: str) -> str:
        """What the object `name` is called behind this kustomization, but for the hash of a generated one."""
        prefix, suffix = (self.content.get(key) for key in ("namePrefix", "nameSuffix"))
        return f"{prefix if isinstance(prefix, str) else ''}{name}{suffix if isinstance(suffix, str) else ''}"


def is_kustomization(path: str, value: object) -> bool:
    """Whether the file at `path`, of which `value` is a document, is a kustomization."""
    named = posixpath.basename(path) in FILE_NAMES
    return isinstance(value, dict) and (value.get("kind") in KINDS or (named and "kind" not in value))


def _is_local(written: str) -> bool:
    remote = any(mark in written for mark in _REMOTE) or written.startswith(_REMOTE_HOSTS)
    return not remote and "\n" not in written


def texts(value: object) -> Iterator[tuple[int, str]]:
    """The texts in a list, each with its index."""
    yield from (
        (index, item) for index, item in enumerate(value if isinstance(value, list) else ()) if isinstance(item, str)
    )


def mappings(value: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The mappings in a list, each with its index."""
    yield from (
        (index, item) for index, item in enumerate(value if isinstance(value, list) else ()) if isinstance(item, dict)
    )


def _unquoted(value: str) -> str:
    """A literal's value, as kustomize strips quotes around it."""
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
