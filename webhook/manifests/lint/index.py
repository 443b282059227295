"""What the files that are linted together say of each other: ConfigMaps, clusters, kustomizations.

Only values are kept, so that the index of a large tree is small.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from webhook.manifests.lint.kustomization import FILE_NAMES, Generator, Kustomization
from webhook.manifests.workloads import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class DataOf:
    """The data of a ConfigMap, or of a generator of one.

    Attributes:
        where: the file that has the data.
        path: the file that has the ConfigMap or the generator.
    """

    where: str
    path: str
    namespace: str | None
    data: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A RayCluster, RayService or RayJob; `path` is the file that has it."""

    kind: str
    name: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Naming:
    """An annotation `key` of a workload that names a target; `name` is as it is written, `path` the workload's file."""

    key: str
    kind: str
    name: str
    workload: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotated:
    """A workload: the file that has it, and each of its pod templates' path to the template's annotations."""

    path: str
    templates: Mapping[Path, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Index:
    """What the files say of each other.

    Attributes:
        config_maps: name to the data of each ConfigMap that is called so.
        targets: what KubeRay makes clusters of.
        services: names of Services that are written out, and the files that have them.
        workloads: their kind and name to each that is called so.
        namings: the annotations that name targets.
        client_namespaces: whose pods are clients by default.
        kustomizations: by the path of their file.
        compose_env_files: the paths of files that services of Compose name as their env_file.
    """

    config_maps: Mapping[str, tuple[DataOf, ...]] = field(default_factory=lambda: MappingProxyType({}))
    targets: tuple[Target, ...] = ()
    services: tuple[tuple[str, str], ...] = ()
    workloads: Mapping[tuple[str, str], tuple[Annotated, ...]] = field(default_factory=lambda: MappingProxyType({}))
    namings: tuple[Naming, ...] = ()
    client_namespaces: frozenset[str] = frozenset()
    kustomizations: Mapping[str, Kustomization] = field(default_factory=lambda: MappingProxyType({}))
    compose_env_files: frozenset[str] = frozenset()

    def targets_near(self, path: str, *kinds: str) -> frozenset[tuple[str, str]]:
        """Kind and name of the targets that go with the file at `path`, by all names that kustomizations give them."""
        place = self._place(path)
        if (place, kinds) not in self._near:
            near = [target for target in self.targets if self.go_together(path, target.path)]
            names = {(target.kind, target.name) for target in near if target.kind in kinds}
            renamed = {(kind, one.renamed(name)) for one in self.kustomizations.values() for kind, name in names}
            self._near[place, kinds] = frozenset(names | renamed)
        return self._near[place, kinds]

    def data_near(self, path: str, name: str, namespace: str | None) -> Iterator[DataOf]:
        """The data of ConfigMaps called `name` that go with the file at `path`, which has a pod of `namespace`."""
        for data in self.config_maps.get(name, ()):
            known = namespace is not None and data.namespace is not None
            if (not known or namespace == data.namespace) and (known or self.go_together(path, data.path)):
                yield data

    def annotations_near(self, path: str, kind: str, name: str) -> Mapping[Path, Mapping[str, str]]:
        """The annotations of a workload's templates, where a file has it that goes with the one at `path`."""
        for workload in self.workloads.get((kind, name), ()):
            if workload.path not in self.patches and self.go_together(path, workload.path):
                return workload.templates
        return {}

    def go_together(self, path: str, other: str) -> bool:
        """Whether two files are of one installation: of one kustomization, or of none and in one line of folders."""
        first, second = self._place(path), self._place(other)
        if isinstance(first, str) and isinstance(second, str):
            return first.startswith(second) or second.startswith(first) or "/" in (first, second)
        return not isinstance(first, str) and not isinstance(second, str) and not first.isdisjoint(second)

    def _place(self, path: str) -> frozenset[str] | str:
        """What decides which files go with the one at `path`: the kustomizations that it is behind, or its folder."""
        return self._groups.get(path) or f"{posixpath.dirname(path)}/"

    @cached_property
    def _near(self) -> dict[tuple[frozenset[str] | str, tuple[str, ...]], frozenset[tuple[str, str]]]:
        """What was asked already."""
        return {}

    @cached_property
    def _groups(self) -> Mapping[str, frozenset[str]]:
        """For each file the kustomizations that it is behind."""
        groups: dict[str, set[str]] = {}
        for one in self.kustomizations.values():
            for path in self.behind(one):
                groups.setdefault(path, set()).add(one.path)
        return {path: frozenset(found) for path, found in groups.items()}

    def makes_clients(self, namespace: str | None) -> bool:
        """Whether the pods of `namespace` are clients by default."""
        return namespace in self.client_namespaces

    @cached_property
    def patches(self) -> frozenset[str]:
        """The files that are patches."""
        return frozenset(path for one in self.kustomizations.values() for path in one.patch_files)

    @cached_property
    def env_files(self) -> frozenset[str]:
        """The env files of generators and of services of Compose."""
        return self.compose_env_files.union(*(generator.env_files for generator in self._generators))

    def settings_files(self, names: frozenset[str]) -> frozenset[str]:
        """The env files of which ConfigMaps called one of `names` are made."""
        return frozenset(path for one in self._generators if one.name in names for path in one.env_files)

    @cached_property
    def _generators(self) -> tuple[Generator, ...]:
        return tuple(generator for one in self.kustomizations.values() for generator in one.generators)

    def patch_target(self, path: str) -> Mapping[str, Any]:
        """The target that a kustomization gives to the patch in the file at `path`."""
        for one in self.kustomizations.values():
            if path in one.patch_targets:
                return one.patch_targets[path]
        return {}

    def behind(self, one: Kustomization) -> frozenset[str]:
        """The files whose objects the kustomization `one` takes in, its own and those of others behind it."""
        found: set[str] = set()
        ahead = [one]
        while ahead:
            current = ahead.pop()
            found |= {current.path, *current.patch_files}
            for path in current.sources:
                folders = [f"{path}/{name}" for name in FILE_NAMES if f"{path}/{name}" in self.kustomizations]
                ahead += [self.kustomizations[file] for file in folders if file not in found]
                found.add(path)
        return frozenset(found)
