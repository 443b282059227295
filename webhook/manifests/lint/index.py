"""What the files that are linted together say of each other: ConfigMaps, clusters, kustomizations.

Only values are kept, so that the index of a large tree is small.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from webhook.manifests.lint.kustomization import Generator, Kustomization
from webhook.manifests.workloads import Path

Annotations = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class DataOf:
    """The data of a ConfigMap, or of a generator of one; `where` is the file that has it."""

    where: str
    namespace: str | None
    data: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Index:
    """What the files say of each other.

    Attributes:
        config_maps: name to the data of each ConfigMap that is called so.
        targets: kind and name of each RayCluster, RayService and RayJob.
        services: names of Services: those of the targets' heads and of Serve, and all that are written out.
        annotations: kind and name of a workload to those of each of its pod templates, by the path of the template.
        client_namespaces: whose pods are clients by default.
        kustomizations: by the path of their file.
    """

    config_maps: Mapping[str, tuple[DataOf, ...]] = field(default_factory=lambda: MappingProxyType({}))
    targets: frozenset[tuple[str, str]] = frozenset()
    services: frozenset[str] = frozenset()
    annotations: Mapping[tuple[str, str], Mapping[Path, Annotations]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    client_namespaces: frozenset[str] = frozenset()
    kustomizations: Mapping[str, Kustomization] = field(default_factory=lambda: MappingProxyType({}))

    def names_of(self, kind: str) -> frozenset[str]:
        """The names of the objects of `kind`, those that kustomizations give them among them."""
        names = {name for other, name in self.targets if other == kind}
        renamed = {one.renamed(name) for one in self.kustomizations.values() for name in names}
        return frozenset(names | renamed)

    def makes_clients(self, namespace: str | None) -> bool:
        """Whether the pods of `namespace` are clients by default."""
        return namespace in self.client_namespaces

    @cached_property
    def patches(self) -> frozenset[str]:
        """The files that are patches."""
        return frozenset(path for one in self.kustomizations.values() for path in one.patch_files)

    @cached_property
    def env_files(self) -> frozenset[str]:
        """The env files of generators."""
        return frozenset(path for generator in self._generators for path in generator.env_files)

    def settings_files(self, names: frozenset[str]) -> frozenset[str]:
        """The env files of which ConfigMaps called one of `names` are made."""
        return frozenset(path for one in self._generators if one.name in names for path in one.env_files)

    @cached_property
    def _generators(self) -> tuple[Generator, ...]:
        return tuple(generator for one in self.kustomizations.values() for generator in one.generators)
