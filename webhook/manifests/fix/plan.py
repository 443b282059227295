"""Everything that a fix might do, in units that can be left out one by one; nothing here is sure to be right."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webhook import contract
from webhook.contract import OnConflict, Role
from webhook.injection.review import EnvVar
from webhook.injection.variables import is_direct_address
from webhook.manifests.fix.acts import Act, Addition, Removal
from webhook.manifests.fix.effect import Effect
from webhook.manifests.fix.kustomization import GENERATOR
from webhook.manifests.fix.references import config_maps, containers_of, mappings
from webhook.manifests.fix.sites import CLIENT_VARIABLES, DataSite, Effects, Readers, Site
from webhook.manifests.fix.world import Key, Template, World
from webhook.manifests.workloads import Part, Path, value_at

_NODES = (Role.HEAD, Role.WORKER)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Unit:
    """Acts that belong together.

    Attributes:
        keys: the pod templates that may notice.
        names: the variables that it is about; empty where it is about all.
        settings: the group and namespace whose settings it writes, or None.
    """

    acts: tuple[Act, ...]
    keys: frozenset[Key]
    names: frozenset[str] = frozenset()
    settings: tuple[str, str] | None = None

    def acts_in(self, file: str) -> list[Act]:
        """The acts on one file."""
        return [act for act in self.acts if act.file == file]


def is_clear_client(template: Template, effect: Effect, data: Collection[DataSite]) -> bool:
    """Whether a pod without a role is a client beyond doubt: it declares a ray:// address, or takes clients' settings.

    What KubeRay makes pods of never is, and neither is what starts Ray itself.
    """
    if effect.role is not None or effect.annotated or effect.fault or effect.starts_ray:
        return False
    if template.workload.part is not Part.PLAIN:
        return False
    for_clients = {site.name for site in data if site.is_for_clients and site.only}
    taken = {str(reference.get("name")) for reference in config_maps(template.workload.pod)}
    addresses = [env.get(contract.RAY_ADDRESS, "") for env in effect.declared.values()]
    own = any(entry.get("name") == contract.RAY_ADDRESS for entry in _own_env(template))
    return any(address.startswith("ray://") for address in addresses) and (own or bool(for_clients & taken))


def _own_env(template: Template) -> Iterator[dict[str, object]]:
    for _, _, container in containers_of(template.workload.pod):
        yield from mappings(container.get("env"))


def in_sites(sites: Sequence[Site], effects: Effects, clear: Collection[Key]) -> Iterator[Unit]:
    """What pod templates and patches need not declare."""
    for site in sites:
        roles = {_kind(key, effects, clear) for key in site.keys}
        if len(roles) != 1:
            continue
        match roles.pop():
            case "client":
                yield from _client(site, effects)
            case "clear":
                yield from _clear(site)
            case "node":
                yield from _node(site, effects)
            case _:
                pass


def _kind(key: Key, effects: Effects, clear: Collection[Key]) -> str | None:
    _, effect = effects[key]
    if key in clear:
        return "clear"
    if effect.role is None or effect.fault or effect.mode is OnConflict.KEEP:
        return None
    return "node" if effect.role in _NODES else "client" if effect.role is Role.CLIENT else None


def _client(site: Site, effects: Effects) -> Iterator[Unit]:
    """A client needs none of what its role gives it."""
    for container, path, entry in site.entries():
        name = str(entry.get("name"))
        given = {variable for key in site.keys for variable in effects[key][1].given.get(container, ())}
        if given and name in (given | CLIENT_VARIABLES) - {contract.RAY_AUTH_MODE, contract.RAY_AUTH_TOKEN}:
            removal = Removal(file=site.file, document=site.document, path=path)
            yield Unit(acts=(removal,), keys=frozenset(site.keys), names=frozenset({name}))


def _clear(site: Site) -> Iterator[Unit]:
    """One that is a client beyond doubt says so, and the rest follows; all of it or nothing."""
    acts: list[Act] = [
        Removal(file=site.file, document=site.document, path=path)
        for _, path, entry in site.entries()
        if entry.get("name") in CLIENT_VARIABLES
    ]
    if not site.is_patch:
        path = (*site.path, "metadata", "annotations")
        values = {contract.ROLE: Role.CLIENT.value}
        acts.append(Addition(file=site.file, document=site.document, path=path, values=values))
    yield Unit(acts=tuple(acts), keys=frozenset(site.keys))


def _node(site: Site, effects: Effects) -> Iterator[Unit]:
    """A head or worker loses a wrong address, and what its role sets or removes."""
    for container, path, entry in site.entries():
        name = str(entry.get("name"))
        given = {variable for key in site.keys for variable in effects[key][1].given.get(container, ())}
        kept = {contract.GRPC_ENABLE_FORK_SUPPORT, contract.RAY_PORT}
        if name not in given - kept or (
            name == contract.RAY_ADDRESS and not _is_wrong(entry, container, site, effects)
        ):
            continue
        removal = Removal(file=site.file, document=site.document, path=path)
        yield Unit(acts=(removal,), keys=frozenset(site.keys), names=frozenset({name}))


def _is_wrong(entry: Mapping[str, Any], container: str, site: Site, effects: Effects) -> bool:
    """Whether a RAY_ADDRESS that can be read is wrong inside Ray."""
    values = [str(entry.get("value") or "")]
    if entry.get("valueFrom"):
        values = [effects[key][1].declared.get(container, {}).get(contract.RAY_ADDRESS, "") for key in site.keys]
    return all(
        not value.startswith("valueFrom ") and not is_direct_address(EnvVar(name=contract.RAY_ADDRESS, value=value))
        for value in values
    )


def in_data(data: Sequence[DataSite], readers: Readers, effects: Effects, world: World) -> Iterator[Unit]:
    """What ConfigMaps, generators and env files need not hold; settings and their files are left alone."""
    settled = {site.file for site in data if not site.path and site.name in world.context.settings_names}
    for site in data:
        if site.name in world.context.settings_names or (not site.path and site.file in settled):
            continue
        if site.is_for_clients and site.only:
            yield whole(site, readers, _gone(site))
            yield from _off_nodes(site, readers, effects)
            continue
        for setting in site.settings:
            if setting.key in CLIENT_VARIABLES:
                acts = (site.removal(setting),)
                yield Unit(acts=acts, keys=readers.keys(site), names=frozenset({setting.key}))


def whole(site: DataSite, readers: Readers, acts: Sequence[Act]) -> Unit:
    """A ConfigMap of client variables alone goes, or becomes what `acts` make of it; nobody takes it by envFrom."""
    references = [
        Removal(file=other.file, document=other.document, path=path)
        for other in readers.sites(site)
        for path in other.env_from(site.name)
    ]
    names = frozenset(setting.key for setting in site.settings)
    return Unit(acts=(*acts, *references), keys=readers.keys(site), names=names)


def _gone(site: DataSite) -> list[Act]:
    if site.kustomization is not None and site.path:
        path = (GENERATOR, site.generator or 0)
        return [Removal(file=site.kustomization.path, document=0, path=path)]
    return [site.removal(setting) for setting in site.settings]


def _off_nodes(site: DataSite, readers: Readers, effects: Effects) -> Iterator[Unit]:
    """Heads and workers have no use for it, even where clients still have."""
    names = frozenset(setting.key for setting in site.settings)
    for other in readers.sites(site):
        if all(effects[key][1].role in _NODES for key in other.keys):
            for path in other.env_from(site.name):
                removal = Removal(file=other.file, document=other.document, path=path)
                yield Unit(acts=(removal,), keys=frozenset(other.keys), names=names)


def in_patches(effects: Effects, world: World) -> Iterator[Unit]:
    """Operations of a JSON Patch that add one of a client's variables to an env."""
    files = {found.path for found in world.kustomizations.values()} | world.patch_files
    for file in sorted(files):
        keys = frozenset(key for key, (template, _) in effects.items() if file in template.files)
        for number, document in enumerate(world.texts.written(file)):
            operations = document.value if isinstance(document.value, list) else ()
            for index, operation in enumerate(operations):
                if (name := _added_variable(operation)) in CLIENT_VARIABLES:
                    removal = Removal(file=file, document=number, path=(index,))
                    yield Unit(acts=(removal,), keys=keys, names=frozenset({str(name)}))


def in_runtime_envs(effects: Effects, world: World) -> Iterator[Unit]:
    """A client's address in the env_vars of a runtime_env, which beat what tasks and replicas have by their pods."""
    for file in sorted({template.files[0] for template, _ in effects.values()}):
        outer = len(list(world.texts.documents(file)))
        for number, document in enumerate(world.texts.written(file)):
            for path in _env_vars(document.value) if number >= outer else ():
                address = value_at(document.value, (*path, contract.RAY_ADDRESS))
                if isinstance(address, str) and address.startswith("ray://"):
                    removal = Removal(file=file, document=number, path=(*path, contract.RAY_ADDRESS))
                    yield Unit(acts=(removal,), keys=frozenset())


def _env_vars(value: Any) -> Iterator[Path]:
    """Of a Serve config, or of a runtime_env itself."""
    yield ("env_vars",)
    applications = value_at(value, ("applications",))
    for index in range(len(applications) if isinstance(applications, list) else 0):
        yield ("applications", index, "runtime_env", "env_vars")


def _added_variable(operation: object) -> str | None:
    """The variable that an operation adds to an env, or puts in the place of another."""
    if not isinstance(operation, dict) or not isinstance(operation.get("value"), dict):
        return None
    is_entry = str(operation.get("path")).rpartition("/")[0].endswith("/env")
    return str(operation["value"].get("name")) if is_entry else None


def added_to(file: str, world: World) -> dict[int, frozenset[Path]]:
    """The lists in each document of a file to which a JSON Patch adds at the end, whatever the object's name."""
    return {
        number: frozenset(path for kind, path in world.additions if kind in (None, document.value.get("kind")))
        for number, document in enumerate(world.texts.documents(file))
        if isinstance(document.value, dict)
    }
