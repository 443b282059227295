"""A kustomization as far as it decides which files are read together, and what they are made into.

The fields and their meaning are those of https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from webhook.manifests.fix.texts import KUSTOMIZATIONS, Texts

GENERATOR: Final = "configMapGenerator"
_OPAQUE: Final = ("vars", "replacements", "transformers", "generators", "validators", "helmCharts")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kustomization:
    """One kustomization file.

    Attributes:
        path: the file's.
        content: what it says.
    """

    path: str
    content: Mapping[str, Any]

    @property
    def folder(self) -> str:
        """Where it is, which its paths start from."""
        return posixpath.dirname(self.path)

    def join(self, path: str) -> str:
        """A path that it names, from where all paths start."""
        return posixpath.normpath(posixpath.join(self.folder, path))

    def listed(self, *fields: str) -> Iterator[str]:
        """The texts in the lists `fields`."""
        for field in fields:
            value = self.content.get(field)
            yield from (item for item in value if isinstance(item, str)) if isinstance(value, list) else ()

    def mappings(self, field: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The mappings in the list `field`, each with its index."""
        value = self.content.get(field)
        for index, item in enumerate(value) if isinstance(value, list) else ():
            if isinstance(item, dict):
                yield index, item

    @property
    def opaque(self) -> tuple[str, ...]:
        """The fields whose effect is not known here."""
        return tuple(field for field in _OPAQUE if self.content.get(field))

    def keeps_name(self, generator: Mapping[str, Any]) -> bool:
        """Whether what `generator` makes has no hash in its name."""
        own, shared = generator.get("options"), self.content.get("generatorOptions")
        options = {**(shared if isinstance(shared, dict) else {}), **(own if isinstance(own, dict) else {})}
        return options.get("disableNameSuffixHash") is True


def kustomizations(texts: Texts) -> dict[str, Kustomization]:
    """Those in `texts`, by folder."""
    found = {}
    for path in texts.paths:
        if posixpath.basename(path) in KUSTOMIZATIONS:
            values = texts.values(path)
            if len(values) == 1 and isinstance(values[0], dict):
                found[posixpath.dirname(path)] = Kustomization(path=path, content=values[0])
    return found


def included(kustomization: Kustomization, found: Mapping[str, Kustomization]) -> Iterator[Kustomization]:
    """The kustomizations that `kustomization` includes itself."""
    for path in kustomization.listed("resources", "bases", "components"):
        other = found.get(kustomization.join(path))
        if other is not None and other is not kustomization:
            yield other


def roots(found: Mapping[str, Kustomization]) -> list[Kustomization]:
    """Those that no other one includes: what is applied. A component alone is nothing."""
    inner = {other.path for kustomization in found.values() for other in included(kustomization, found)}
    return [
        kustomization
        for kustomization in found.values()
        if kustomization.path not in inner and kustomization.content.get("kind") != "Component"
    ]


def named(texts: Texts) -> set[str]:
    """The paths of files that kustomizations name, or would find in a folder that they name, and that are not there."""
    found: set[str] = set()
    for kustomization in kustomizations(texts).values():
        for written in kustomization.listed("resources", "bases", "components", "patchesStrategicMerge"):
            path = kustomization.join(written)
            found |= {path, *(posixpath.join(path, name) for name in KUSTOMIZATIONS)}
        for field in ("patches", "patchesJson6902"):
            entries = (entry.get("path") for _, entry in kustomization.mappings(field))
            found |= {kustomization.join(path) for path in entries if isinstance(path, str)}
        for _, generator in kustomization.mappings(GENERATOR):
            found |= set(env_paths(generator, kustomization))
    return {path for path in found - texts.paths if "\n" not in path}


def env_paths(generator: Mapping[str, Any], kustomization: Kustomization) -> list[str]:
    """The env files that a ConfigMap generator reads."""
    listed, single = generator.get("envs"), generator.get("env")
    paths = [*(listed if isinstance(listed, list) else ()), *([single] if single else ())]
    return [kustomization.join(path) for path in paths if isinstance(path, str)]
