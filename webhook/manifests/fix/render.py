"""What kustomize makes of a kustomization, as far as it decides the env of pods.

Resources, components, ConfigMap generators, patches, the namespace, prefix and suffix of names: the steps and their
order are those of accumulateTarget and runTransformers in kustomize's api/internal/target/kusttarget.go. Hashes are
not written into names; that a name has one is kept beside it.
"""

from __future__ import annotations

import copy
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from webhook.manifests.fix import envfiles
from webhook.manifests.fix.kustomization import GENERATOR, Kustomization, env_paths
from webhook.manifests.fix.merging import Object, PatchError, is_known, merged, patched, selects
from webhook.manifests.fix.references import config_maps
from webhook.manifests.fix.texts import Texts, parsed
from webhook.manifests.workloads import workloads_of

_CLUSTER_SCOPED: Final = ("ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Namespace")

Patch = tuple[str | None, Any, Mapping[str, Any] | None]
"""The file or None for one written in the kustomization, the patch or None for a missing file, its target or None."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """An object with what made it.

    Attributes:
        files: those that say something about it, its own first.
        hashed: whether its name ends in a hash of its content.
    """

    value: Object
    files: tuple[str, ...]
    hashed: bool = False

    @property
    def metadata(self) -> Object:
        """Its metadata, or an empty one."""
        found = self.value.get("metadata")
        return found if isinstance(found, dict) else {}

    @property
    def kind(self) -> str:
        """Its kind."""
        return str(self.value["kind"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.metadata.get("name") or self.metadata.get("generateName") or "unnamed")

    @property
    def namespace(self) -> str | None:
        """Its namespace, where it says one."""
        written = self.metadata.get("namespace")
        return str(written) if written else None

    @property
    def data(self) -> dict[str, str]:
        """A ConfigMap's data."""
        found = self.value.get("data")
        texts = found.items() if isinstance(found, dict) else ()
        return {str(key): value for key, value in texts if isinstance(value, str)}


@dataclass(kw_only=True, slots=True)
class Rendered:
    """What became of a kustomization, and what about it is not known here."""

    objects: list[Placed] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def render(kustomization: Kustomization, found: Mapping[str, Kustomization], texts: Texts) -> Rendered:
    """What kustomize makes of `kustomization`; `found` are all there are, by folder."""
    unknown: list[str] = []
    target = _Target(kustomization, found, texts, unknown, frozenset())
    return Rendered(objects=target.accumulated([]), unknown=unknown)


def objects_in(path: str, texts: Texts) -> Iterator[Placed]:
    """The objects in a file, the items of Lists among them."""
    for value in texts.values(path):
        yield from _items(value, path)


def _items(value: Any, path: str) -> Iterator[Placed]:
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        return
    items = value.get("items")
    if value["kind"].endswith("List") and isinstance(items, list):
        for item in items:
            yield from _items(item, path)
    else:
        yield Placed(value=value, files=(path,))


class _Target:
    """One kustomization being read."""

    def __init__(
        self,
        kustomization: Kustomization,
        found: Mapping[str, Kustomization],
        texts: Texts,
        unknown: list[str],
        outer: frozenset[str],
    ) -> None:
        self.kustomization = kustomization
        self.found = found
        self.texts = texts
        self.unknown = unknown
        self.outer = outer | {kustomization.path}

    def accumulated(self, objects: list[Placed]) -> list[Placed]:
        """What is made, together with the `objects` that are there already, which are those that a component meets."""
        for written in self.kustomization.listed("resources", "bases"):
            objects = [*objects, *self._resource(written)]
        for written in self.kustomization.listed("components"):
            inner = self._inner(written)
            objects = inner.accumulated(objects) if inner else objects
        self.unknown += [f"{self.kustomization.path} has {name}" for name in self.kustomization.opaque]
        for _, generator in self.kustomization.mappings(GENERATOR):
            objects = self._generated(generator, objects)
        return self._transformed(objects)

    def _resource(self, written: str) -> Sequence[Placed]:
        path = self.kustomization.join(written)
        if path in self.texts.paths:
            return list(objects_in(path, self.texts))
        inner = self._inner(written)
        return inner.accumulated([]) if inner else ()

    def _inner(self, written: str) -> _Target | None:
        other = self.found.get(self.kustomization.join(written))
        if other is None or other.path in self.outer:
            self.unknown.append(f"{self.kustomization.path} includes {written}, which is not among the files")
            return None
        return _Target(other, self.found, self.texts, self.unknown, self.outer)

    def _generated(self, generator: Mapping[str, Any], objects: list[Placed]) -> list[Placed]:
        """With the ConfigMap that is made, or changed where there is one (``behavior``)."""
        data: dict[str, str] = {}
        files = [self.kustomization.path]
        for source, read in generated(generator, self.kustomization, self.texts):
            data |= read
            files += [source] if source else []
        for path in env_paths(generator, self.kustomization):
            if path not in self.texts.paths:
                self.unknown.append(f"{self.kustomization.path} reads {path}, which is not among the files")
        name, behavior = str(generator.get("name")), generator.get("behavior")
        if behavior in ("merge", "replace"):
            return [_changed(placed, name, data, files, merge=behavior == "merge") for placed in objects]
        namespace = generator.get("namespace")
        metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
        value = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        hashed = not self.kustomization.keeps_name(generator)
        return [*objects, Placed(value=value, files=tuple(files), hashed=hashed)]

    def _transformed(self, objects: list[Placed]) -> list[Placed]:
        try:
            for patch in patches(self.kustomization, self.texts):
                objects = self._patched(patch, objects)
        except PatchError as error:
            self.unknown.append(f"a patch of {self.kustomization.path} does not apply ({error})")
        namespace = self.kustomization.content.get("namespace")
        if isinstance(namespace, str):
            objects = [_in_namespace(placed, namespace) for placed in objects]
        prefix, suffix = (str(self.kustomization.content.get(key) or "") for key in ("namePrefix", "nameSuffix"))
        if (prefix or suffix) and any(other.content.get("configurations") for other in self.found.values()):
            self.unknown.append(f"{self.kustomization.path} renames by configurations of its own")
        names = {placed.name: f"{prefix}{placed.name}{suffix}" for placed in objects if placed.kind == "ConfigMap"}
        return [_renamed(placed, prefix, suffix, names) for placed in objects] if prefix or suffix else objects

    def _patched(self, patch: Patch, objects: list[Placed]) -> list[Placed]:
        path, content, target = patch
        if content is None:
            self.unknown.append(f"{self.kustomization.path} has the patch {path}, which is not among the files")
            return objects
        changed = [
            _patch(placed, content, path or self.kustomization.path)
            if selects(target or _own_target(content), placed.value)
            else placed
            for placed in objects
        ]
        return [placed for placed in changed if placed is not None]


def generated(
    generator: Mapping[str, Any], kustomization: Kustomization, texts: Texts
) -> Iterator[tuple[str | None, dict[str, str]]]:
    """What the sources of a ConfigMap generator give, each with its file; None for the kustomization's own."""
    for path in env_paths(generator, kustomization):
        if path in texts.paths:
            yield path, {line.key: line.value for line in envfiles.lines(texts.text(path))}
    literals = generator.get("literals")
    if isinstance(literals, list):
        yield None, dict(envfiles.literal(item) for item in literals if isinstance(item, str))
    files = generator.get("files")
    for item in files if isinstance(files, list) else ():
        key, equals, path = str(item).partition("=")
        path = kustomization.join(path if equals else key)
        yield path, {key if equals else posixpath.basename(path): texts.text(path) if path in texts.paths else path}


def patches(kustomization: Kustomization, texts: Texts) -> Iterator[Patch]:
    """The patches of a kustomization, in the order in which they are applied."""
    strategic = kustomization.content.get("patchesStrategicMerge")
    for item in strategic if isinstance(strategic, list) else ():
        if kustomization.join(str(item)) in texts.paths or "\n" not in str(item).strip():
            yield from _from_file(kustomization.join(str(item)), None, texts)
        else:
            yield from ((None, value, None) for value in parsed(str(item)))
    for name in ("patches", "patchesJson6902"):
        for _, entry in kustomization.mappings(name):
            target = entry.get("target")
            target = target if isinstance(target, dict) else None
            if isinstance(entry.get("path"), str):
                yield from _from_file(kustomization.join(entry["path"]), target, texts)
            else:
                yield from ((None, value, target) for value in parsed(str(entry.get("patch") or "")))


def _from_file(path: str, target: Mapping[str, Any] | None, texts: Texts) -> Iterator[Patch]:
    values = texts.values(path)
    yield from ((path, value, target) for value in values or (None,))


def _own_target(patch: Any) -> Mapping[str, Any]:
    """The object that a strategic merge names itself."""
    if not isinstance(patch, dict):
        raise PatchError("it is a list without a target")
    metadata = patch.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return {"kind": patch.get("kind"), "name": metadata.get("name"), "namespace": metadata.get("namespace")}


def _patch(placed: Placed, patch: Any, path: str) -> Placed | None:
    value = patched(placed.value, patch) if isinstance(patch, list) else merged(placed.value, _nameless(patch))
    return None if value is None else replace(placed, value=value, files=(*placed.files, path))


def _nameless(patch: Mapping[str, Any]) -> Mapping[str, Any]:
    """The patch without what says which object it is for."""
    kept = {key: value for key, value in patch.items() if key not in ("apiVersion", "kind")}
    if isinstance(kept.get("metadata"), dict):
        kept["metadata"] = {key: value for key, value in kept["metadata"].items() if key not in ("name", "namespace")}
    return kept


def _changed(placed: Placed, name: str, data: dict[str, str], files: list[str], *, merge: bool) -> Placed:
    if placed.kind != "ConfigMap" or placed.name != name:
        return placed
    value = {**placed.value, "data": {**(placed.data if merge else {}), **data}}
    return replace(placed, value=value, files=(*placed.files, *files))


def _in_namespace(placed: Placed, namespace: str) -> Placed:
    if placed.kind in _CLUSTER_SCOPED:
        return placed
    return replace(placed, value={**placed.value, "metadata": {**placed.metadata, "namespace": namespace}})


def _renamed(placed: Placed, prefix: str, suffix: str, names: Mapping[str, str]) -> Placed:
    if placed.kind in ("Namespace", "CustomResourceDefinition"):
        return placed
    value = copy.deepcopy(placed.value)
    value["metadata"] = {**placed.metadata, "name": f"{prefix}{placed.name}{suffix}"}
    for workload in workloads_of(value) if is_known(value) else ():
        for reference in config_maps(workload.pod):
            reference["name"] = names.get(str(reference.get("name")), reference.get("name"))
    return replace(placed, value=value)
