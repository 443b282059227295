"""The files as what is applied together: kustomizations that no other one includes, and the manifests beside them."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from webhook import contract
from webhook.contract import Role
from webhook.injection.settings import Settings, parse_settings
from webhook.injection.snapshot import RayTarget, Reference, Snapshot
from webhook.manifests.decisions import targets_of
from webhook.manifests.fix.kustomization import Kustomization, env_paths, kustomizations, roots
from webhook.manifests.fix.merging import is_known
from webhook.manifests.fix.render import Placed, objects_in, patches, render
from webhook.manifests.fix.texts import Texts
from webhook.manifests.lint.context import Context
from webhook.manifests.workloads import Path, Workload, workloads_of

NO_NAMESPACE = "default"
"""Where a manifest says none: that of whoever applies it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """Which pod template it is, the same before a fix and after it; `number` tells those of one name apart."""

    group: str
    namespace: str
    title: str
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """A pod template with what it is given: the ConfigMaps of its namespace, and its namespace's default role."""

    key: Key
    workload: Workload
    files: tuple[str, ...]
    config_maps: Mapping[str, Placed]
    default_role: Role | None


@dataclass(frozen=True, kw_only=True)
class Group:
    """What is applied together.

    Attributes:
        key: the kustomization's path; else ``namespace NAME``, or a folder with a ``/`` at its end where none is named.
        kustomization: None for manifests that no kustomization reads.
        objects: what it is made into.
        unknown: what about it cannot be known here.
    """

    key: str
    kustomization: Kustomization | None
    objects: tuple[Placed, ...]
    unknown: tuple[str, ...] = ()

    @cached_property
    def config_maps(self) -> dict[str, dict[str, Placed]]:
        """The ConfigMaps by namespace and name."""
        found: dict[str, dict[str, Placed]] = {}
        for placed in self.objects:
            if placed.kind == "ConfigMap":
                found.setdefault(placed.namespace or NO_NAMESPACE, {})[placed.name] = placed
        return found

    @cached_property
    def templates(self) -> tuple[Template, ...]:
        """The pod templates."""
        return tuple(self._templates())

    def _templates(self) -> Iterator[Template]:
        clients = {placed.name for placed in self.objects if _is_client_by_default(placed)}
        seen: Counter[str] = Counter()
        for placed in self.objects:
            namespace = placed.namespace or NO_NAMESPACE
            for workload in workloads_of(placed.value):
                title = workload.title(namespace)
                seen[title] += 1
                yield Template(
                    key=Key(group=self.key, namespace=namespace, title=title, number=seen[title]),
                    workload=workload,
                    files=placed.files,
                    config_maps=self._known_to(placed, namespace),
                    default_role=Role.CLIENT if namespace in clients else None,
                )

    def _known_to(self, placed: Placed, namespace: str) -> dict[str, Placed]:
        """The ConfigMaps that an object can name: in a custom resource kustomize writes no hash behind a name."""
        found = self.config_maps.get(namespace, {})
        return {name: one for name, one in found.items() if not one.hashed or is_known(placed.value)}


def _is_client_by_default(placed: Placed) -> bool:
    labels = placed.metadata.get("labels")
    return placed.kind == "Namespace" and isinstance(labels, dict) and labels.get(contract.DEFAULT_ROLE) == Role.CLIENT


@dataclass(frozen=True, kw_only=True)
class World:
    """All files together."""

    texts: Texts
    context: Context

    @cached_property
    def kustomizations(self) -> dict[str, Kustomization]:
        """By folder."""
        return kustomizations(self.texts)

    @cached_property
    def patch_files(self) -> frozenset[str]:
        """The files that are patches, which describe no object of their own."""
        return frozenset(
            path
            for kustomization in self.kustomizations.values()
            for path, _, _ in patches(kustomization, self.texts)
            if path is not None
        )

    @cached_property
    def additions(self) -> frozenset[tuple[str | None, Path]]:
        """The lists that JSON Patches add to at the end, with the kind that they are for."""
        return frozenset(
            (target.get("kind"), tuple(int(part) if part.isdigit() else part for part in path.split("/")[1:-1]))
            for kustomization in self.kustomizations.values()
            for _, patch, target in patches(kustomization, self.texts)
            if isinstance(patch, list) and target is not None
            for operation in patch
            if isinstance(operation, dict) and (path := str(operation.get("path"))).endswith("/-")
        )

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """What is applied together: kustomizations, then the manifests that none of them reads."""
        found = tuple(self._kustomized())
        read = {path for kustomization in self.kustomizations.values() for path in self._read_by(kustomization)}
        return (*found, *self._plain(read))

    def _kustomized(self) -> Iterator[Group]:
        for root in roots(self.kustomizations):
            made = render(root, self.kustomizations, self.texts)
            yield Group(
                key=root.path,
                kustomization=root,
                objects=tuple(made.objects),
                unknown=tuple(dict.fromkeys(made.unknown)),
            )

    def _read_by(self, kustomization: Kustomization) -> Iterator[str]:
        yield kustomization.path
        yield from (kustomization.join(path) for path in kustomization.listed("resources", "bases"))
        yield from (path for path, _, _ in patches(kustomization, self.texts) if path is not None)
        for _, generator in kustomization.mappings("configMapGenerator"):
            yield from env_paths(generator, kustomization)

    def _plain(self, read: set[str]) -> Iterator[Group]:
        together: dict[str, list[Placed]] = {}
        for path in sorted(self.texts.paths - read):
            for placed in objects_in(path, self.texts):
                namespace = placed.name if placed.kind == "Namespace" else placed.namespace
                key = f"namespace {namespace}" if namespace else f"{posixpath.dirname(path)}/"
                together.setdefault(key, []).append(placed)
        yield from (Group(key=key, kustomization=None, objects=tuple(found)) for key, found in together.items())

    @cached_property
    def cluster_wide(self) -> Settings | None:
        """The settings for everybody: those that were given, or those of the webhook's own namespace in the files."""
        if self.context.settings is not None:
            return self.context.settings
        return next(
            (
                self._settings(placed, cluster_wide=True)
                for group in self.groups
                for placed in group.config_maps.get(self.context.webhook_namespace, {}).values()
                if self.is_settings(placed)
            ),
            None,
        )

    def is_settings(self, placed: Placed) -> bool:
        """Whether a ConfigMap is one whose name the webhook follows."""
        return placed.name in self.context.settings_names and not placed.hashed

    def own(self, group: Group, namespace: str) -> Placed | None:
        """The ConfigMap with the settings of a namespace."""
        found = group.config_maps.get(namespace, {})
        return next((placed for placed in found.values() if self.is_settings(placed)), None)

    def _settings(self, placed: Placed, *, cluster_wide: bool) -> Settings:
        source = f"ConfigMap {placed.namespace or NO_NAMESPACE}/{placed.name}"
        return parse_settings(placed.data, source=source, cluster_wide=cluster_wide)

    def snapshot(self, group: Group, namespace: str) -> Snapshot:
        """What the rule book is asked with for a pod of `namespace`."""
        own = self.own(group, namespace)
        mine = {} if own is None else {namespace: self._settings(own, cluster_wide=False)}
        return Snapshot(
            namespaces=mine,
            cluster_wide=self.cluster_wide,
            targets=self._targets,
            webhook_namespace=self.context.webhook_namespace,
        )

    @cached_property
    def _targets(self) -> dict[Reference, RayTarget]:
        documents = (placed.value for group in self.groups for placed in group.objects)
        return targets_of(documents, namespace=NO_NAMESPACE)
