"""The index of files that are linted together, made of those that may say something about another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from webhook import contract
from webhook.contract import Role
from webhook.errors import InputError
from webhook.manifests.compose.file import is_compose
from webhook.manifests.lint.compose_env_files import env_file_paths
from webhook.manifests.lint.env_file import env_values
from webhook.manifests.lint.finding import File
from webhook.manifests.lint.index import Annotated, DataOf, Index, Naming, Target
from webhook.manifests.lint.kustomization import FILE_NAMES, Kustomization, is_kustomization
from webhook.manifests.lint.parts import Part, documents_of
from webhook.manifests.workloads import RAY_CLUSTERS, workloads_of

_WORDS: Final = ("env_file", "ConfigMap", "Namespace", "Service", "RayCluster", "RayJob", contract.PREFIX)
Read = Callable[[str], str | None]


def index_of(files: Iterable[File], read: Read) -> Index:
    """The index of `files`; `read` gives the env files that generators name."""
    builder = _Builder()
    for file in filter(_says_something, files):
        try:
            parts = documents_of(file)
        except InputError:  # a finding about the file itself
            continue
        for part in parts:
            builder.add(part)
    return builder.index(read)


def _says_something(file: File) -> bool:
    """Whether `file` may say something about another; a word can hide only where something is escaped."""
    return "\\" in file.text or file.path.endswith(FILE_NAMES) or any(word in file.text for word in _WORDS)


class _Builder:
    def __init__(self) -> None:
        self._config_maps: dict[str, list[DataOf]] = {}
        self._targets: list[Target] = []
        self._services: list[tuple[str, str]] = []
        self._workloads: dict[tuple[str, str], list[Annotated]] = {}
        self._namings: list[Naming] = []
        self._client_namespaces: set[str] = set()
        self._kustomizations: dict[str, Kustomization] = {}
        self._compose_env_files: set[str] = set()

    def add(self, part: Part) -> None:
        """Take in a document."""
        kind, name = part.get("kind"), part.get("metadata", "name")
        if is_compose(part.value):
            self._compose_env_files |= env_file_paths(part)
        elif is_kustomization(part.file.path, part.value):
            self._kustomizations[part.file.path] = Kustomization(path=part.file.path, content=part.value)
        elif not isinstance(kind, str) or not isinstance(name, str):
            return
        elif kind == "ConfigMap":
            namespace = part.get("metadata", "namespace")
            self._add_data(
                name, DataOf(where=part.file.path, path=part.file.path, namespace=namespace, data=part.texts("data"))
            )
        elif kind == "Namespace":
            if part.get("metadata", "labels", contract.DEFAULT_ROLE) == Role.CLIENT:
                self._client_namespaces.add(name)
        elif kind == "Service":
            self._services.append((name, part.file.path))
        else:
            self._add_workload(kind, name, part)

    def _add_data(self, name: str, data: DataOf) -> None:
        self._config_maps.setdefault(name, []).append(data)

    def _add_workload(self, kind: str, name: str, part: Part) -> None:
        path = part.file.path
        if kind in RAY_CLUSTERS:
            self._targets.append(Target(kind=kind, name=name, path=path))
            given = part.get(*RAY_CLUSTERS[kind], "headGroupSpec", "headService", "metadata", "name")
            self._services += [(given, path)] if isinstance(given, str) else []
        written = {one.path: part.at(*one.path).texts("metadata", "annotations") for one in workloads_of(part.value)}
        if written:
            self._workloads.setdefault((kind, name), []).append(Annotated(path=path, templates=written))
        for found in written.values():
            for key, target in ((contract.CLUSTER, "RayCluster"), (contract.SERVICE, "RayService")):
                if key in found:
                    naming = Naming(key=key, kind=target, name=found[key], workload=f"{kind} {name}", path=path)
                    self._namings.append(naming)

    def index(self, read: Read) -> Index:
        """The index of all documents that were added."""
        for one in self._kustomizations.values():
            for generator in one.generators:
                literals = {key: value for key, (value, _) in generator.literals.items()}
                found = {one.path: literals} | {path: env_values(read(path) or "") for path in generator.env_files}
                for where, data in found.items():
                    namespace = generator.namespace
                    self._add_data(generator.name, DataOf(where=where, path=one.path, namespace=namespace, data=data))
        return Index(
            config_maps={name: tuple(found) for name, found in self._config_maps.items()},
            targets=tuple(self._targets),
            services=tuple(self._services),
            workloads={key: tuple(found) for key, found in self._workloads.items()},
            namings=tuple(self._namings),
            client_namespaces=frozenset(self._client_namespaces),
            kustomizations=self._kustomizations,
            compose_env_files=frozenset(self._compose_env_files),
        )
