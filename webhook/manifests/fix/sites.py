"""Where files declare Ray settings: pod templates and patches of them, ConfigMaps, generators and their env files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from webhook import contract
from webhook.manifests.fix import envfiles
from webhook.manifests.fix.acts import Act, Removal, TextChange
from webhook.manifests.fix.effect import Effect
from webhook.manifests.fix.kustomization import GENERATOR, Kustomization, env_paths
from webhook.manifests.fix.references import config_maps, containers_of
from webhook.manifests.fix.world import Key, Template, World
from webhook.manifests.workloads import Path, Workload, value_at, workloads_of

CLIENT_VARIABLES: Final = contract.ROLE_VARIABLES - {contract.GRPC_ENABLE_FORK_SUPPORT}
"""What is of no use but to clients, or given to them by their role."""

Effects = Mapping[Key, tuple[Template, Effect]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A pod template, or a patch of one, as it stands in a file; and the pod templates that it becomes a part of."""

    file: str
    document: int
    path: Path
    workload: Workload
    is_patch: bool
    keys: tuple[Key, ...]

    def entries(self) -> Iterator[tuple[str, Path, Mapping[str, Any]]]:
        """Each entry of an env, with its container's name and its path in the document."""
        for field, index, container in containers_of(self.workload.pod):
            listed = container.get("env")
            for number, entry in enumerate(listed if isinstance(listed, list) else ()):
                if isinstance(entry, dict):
                    path = (*self.path, "spec", field, index, "env", number)
                    yield str(container.get("name")), path, entry

    def env_from(self, name: str) -> Iterator[Path]:
        """The paths of the entries of envFrom that take the whole ConfigMap `name`."""
        for field, index, container in containers_of(self.workload.pod):
            listed = container.get("envFrom")
            for number, entry in enumerate(listed if isinstance(listed, list) else ()):
                reference = entry.get("configMapRef") if isinstance(entry, dict) else None
                if isinstance(reference, dict) and reference.get("name") == name:
                    yield (*self.path, "spec", field, index, "envFrom", number)


def sites(world: World, effects: Effects) -> list[Site]:
    """All pod templates and patches of them in the files."""
    return list(_sites(world, effects))


def _sites(world: World, effects: Effects) -> Iterator[Site]:
    by_file: dict[str, list[Template]] = {}
    for template, _ in effects.values():
        for file in dict.fromkeys(template.files):
            by_file.setdefault(file, []).append(template)
    for file in sorted(by_file):
        outer = len(list(world.texts.documents(file)))
        for number, document in enumerate(world.texts.written(file)):
            for path, value in _objects(document.value, ()):
                for workload in workloads_of(value):
                    keys = tuple(template.key for template in by_file[file] if _is_of(template, workload))
                    yield Site(
                        file=file,
                        document=number,
                        path=(*path, *workload.path),
                        workload=workload,
                        is_patch=file in world.patch_files or number >= outer,
                        keys=keys,
                    )


def _objects(value: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The objects in a document, each with its path."""
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        return
    items = value.get("items")
    if value["kind"].endswith("List") and isinstance(items, list):
        for index, item in enumerate(items):
            yield from _objects(item, (*path, "items", index))
    else:
        yield path, value


def _is_of(template: Template, workload: Workload) -> bool:
    """Whether `workload` is a part of `template`, of one file; kustomize may have made its name longer."""
    other = template.workload
    return (workload.kind, workload.part, workload.group) == (other.kind, other.part, other.group) and (
        workload.name == "unnamed" or workload.name in other.name
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One key with its value, in a source of a ConfigMap.

    Attributes:
        path: of the item or key in its document; empty in an env file.
        span: the line in an env file.
    """

    key: str
    value: str
    path: Path = ()
    span: tuple[int, int] = (0, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSite:
    """A source of a ConfigMap's data: its document, the literals of a generator, or an env file that one reads.

    Attributes:
        name: the ConfigMap's, as it is written.
        path: of the data or the literals; empty in an env file.
        kustomization: the one that has the generator, and ``generator`` its index there.
        only: whether the ConfigMap has no other source.
    """

    file: str
    document: int
    path: Path
    name: str
    settings: tuple[Setting, ...]
    kustomization: Kustomization | None = None
    generator: int | None = None
    only: bool = True

    @property
    def is_for_clients(self) -> bool:
        """Whether all its keys are Ray settings."""
        return bool(self.settings) and all(setting.key in CLIENT_VARIABLES for setting in self.settings)

    def removal(self, setting: Setting) -> Act:
        """What takes a setting out."""
        if self.path:
            return Removal(file=self.file, document=self.document, path=setting.path)
        return TextChange(file=self.file, start=setting.span[0], end=setting.span[1], text="")


def data_sites(world: World) -> list[DataSite]:
    """The sources of all ConfigMaps in the files."""
    return [
        *_config_maps(world),
        *(site for found in world.kustomizations.values() for site in _generators(found, world)),
    ]


def _config_maps(world: World) -> Iterator[DataSite]:
    for file in sorted(world.texts.paths):
        for number, document in enumerate(world.texts.documents(file)):
            for path, value in _objects(document.value, ()):
                data = value.get("data")
                if value["kind"] != "ConfigMap" or not isinstance(data, dict):
                    continue
                inner = (*path, "data")
                settings = tuple(
                    Setting(key=key, value=text, path=(*inner, key))
                    for key, text in data.items()
                    if isinstance(text, str)
                )
                name = str(value_at(value, ("metadata", "name")))
                yield DataSite(file=file, document=number, path=inner, name=name, settings=settings)


def _generators(kustomization: Kustomization, world: World) -> Iterator[DataSite]:
    for index, generator in kustomization.mappings(GENERATOR):
        literals, paths = generator.get("literals"), env_paths(generator, kustomization)
        sources = len(paths) + bool(literals) + bool(generator.get("files"))
        only = sources == 1 and generator.get("behavior") in (None, "create")
        name = str(generator.get("name"))
        shared: dict[str, Any] = {"name": name, "kustomization": kustomization, "generator": index, "only": only}
        if isinstance(literals, list):
            inner = (GENERATOR, index, "literals")
            settings = tuple(_literals(literals, inner))
            yield DataSite(file=kustomization.path, document=0, path=inner, settings=settings, **shared)
        for path in paths:
            if path in world.texts.paths:
                found = envfiles.lines(world.texts.text(path))
                settings = tuple(Setting(key=line.key, value=line.value, span=(line.start, line.end)) for line in found)
                yield DataSite(file=path, document=0, path=(), settings=settings, **shared)


def _literals(literals: list[Any], path: Path) -> Iterator[Setting]:
    for number, item in enumerate(literals):
        if isinstance(item, str):
            key, value = envfiles.literal(item)
            yield Setting(key=key, value=value, path=(*path, number))


class Readers:
    """Which pod templates take something from which sources of ConfigMaps."""

    def __init__(self, effects: Effects, sites: Iterable[Site]) -> None:
        """Look once at what each takes."""
        self._by_file: dict[str, list[tuple[Key, str]]] = {}
        self._sites: dict[Key, list[Site]] = {}
        for template, _ in effects.values():
            for name in {str(reference.get("name")) for reference in config_maps(template.workload.pod)}:
                placed = template.config_maps.get(name)
                for file in dict.fromkeys(placed.files if placed else ()):
                    self._by_file.setdefault(file, []).append((template.key, name))
        for site in sites:
            for key in site.keys:
                self._sites.setdefault(key, []).append(site)

    def keys(self, source: DataSite) -> frozenset[Key]:
        """The pod templates that take something from the ConfigMap of `source`."""
        return frozenset(key for key, name in self._by_file.get(source.file, ()) if source.name in name)

    def sites(self, source: DataSite) -> list[Site]:
        """Where those are written, in the order of the files."""
        found = {id(site): site for key in self.keys(source) for site in self._sites.get(key, ())}
        return sorted(found.values(), key=lambda site: (site.file, site.document, str(site.path)))
