"""Where the settings of a namespace go: into those that are there, into a ConfigMap that had nothing else, or anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from webhook import contract
from webhook.manifests import layout, rendering
from webhook.manifests.fix.acts import Act, Addition, Replacement, TextChange
from webhook.manifests.fix.kustomization import GENERATOR, Kustomization, env_paths
from webhook.manifests.fix.references import config_maps, containers_of, env_from
from webhook.manifests.fix.sites import DataSite, Setting
from webhook.manifests.fix.votes import KEY_OF
from webhook.manifests.fix.world import NO_NAMESPACE, Group, World
from webhook.manifests.workloads import Path

_BECOMES: Final = {contract.RAY_ADDRESS: contract.RAY_HOST, **KEY_OF}
"""What a client's variable becomes where a ConfigMap of them becomes the settings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placing:
    """What writes the settings, where that is, and the ConfigMap that becomes them."""

    acts: tuple[Act, ...]
    file: str
    became: DataSite | None = None


class NoPlaceError(ValueError):
    """There is no place for settings; says why."""


def place(
    world: World,
    group: Group,
    namespace: str,
    values: Mapping[str, str],
    data: Sequence[DataSite],
    voters: Sequence[str],
) -> Placing:
    """What writes `values` into the settings of `namespace`.

    Args:
        voters: the files of the pods whose values they were; a new document goes to the first of them.

    Raises:
        NoPlaceError: kustomize would rename them, or the only files are JSON.
    """
    own = world.own(group, namespace)
    if own is not None:
        return _into(own.files, own.name, values, data, world)
    for site in data:
        if _can_become(site, group, namespace, world):
            return _becoming(site, values, world)
    if group.kustomization is not None:
        return _generated(group.kustomization, namespace, values, world)
    return _appended(namespace, values, voters, world)


def _into(
    files: Sequence[str], name: str, values: Mapping[str, str], data: Sequence[DataSite], world: World
) -> Placing:
    """The keys that the settings have not yet."""
    site = next((site for site in data if site.file in files and site.name in name), None)
    if site is None:
        raise NoPlaceError("the settings that there are have no literals, env file or data")
    missing = {key: value for key, value in values.items() if all(key != found.key for found in site.settings)}
    wrong = [found for found in site.settings if found.key == contract.RAY_ADDRESS]
    if wrong and contract.RAY_HOST in missing:
        return Placing(acts=tuple(_turned(site, values, world)), file=site.file, became=site)
    acts = [site.removal(setting) for setting in wrong]
    return Placing(acts=(*acts, *_more(site, missing, world)), file=site.file)


def _can_become(site: DataSite, group: Group, namespace: str, world: World) -> bool:
    """Whether a ConfigMap of client variables alone can be renamed: its readers only take it whole, by envFrom."""
    if not site.is_for_clients or not site.only or all(s.key != contract.RAY_ADDRESS for s in site.settings):
        return False
    if site.kustomization != group.kustomization:
        return False
    if site.kustomization is not None and not site.path and _readers(site.file, world) > 1:
        return False
    placed = next(
        (
            placed
            for placed in group.config_maps.get(namespace, {}).values()
            if site.file in placed.files and site.name in placed.name
        ),
        None,
    )
    return placed is not None and all(_only_whole(template.workload.pod, placed.name) for template in group.templates)


def _readers(path: str, world: World) -> int:
    return sum(
        path in env_paths(generator, found)
        for found in world.kustomizations.values()
        for _, generator in found.mappings(GENERATOR)
    )


def _only_whole(pod: dict[str, Any], name: str) -> bool:
    whole = [ref.get("name") for _, _, container in containers_of(pod) for ref in env_from(container)]
    return whole.count(name) == [ref.get("name") for ref in config_maps(pod)].count(name)


def _becoming(site: DataSite, values: Mapping[str, str], world: World) -> Placing:
    acts = [*_turned(site, values, world)]
    if site.kustomization is None:
        path: Path = (*site.path[:-1], "metadata", "name")
        name = min(world.context.settings_names)
        acts.append(Replacement(file=site.file, document=site.document, path=path, text=name))
    else:
        at = (GENERATOR, site.generator or 0)
        name = _name(site.kustomization, world)
        acts.append(Replacement(file=site.kustomization.path, document=0, path=(*at, "name"), text=name))
        generator = dict(site.kustomization.mappings(GENERATOR))[site.generator or 0]
        if not site.kustomization.keeps_name(generator):
            options = {"disableNameSuffixHash": True}
            acts.append(Addition(file=site.kustomization.path, document=0, path=(*at, "options"), values=options))
    return Placing(acts=tuple(acts), file=site.file, became=site)


def _turned(site: DataSite, values: Mapping[str, str], world: World) -> Iterator[Act]:
    """Each client variable becomes the setting that it comes from; what is over goes, what is missing is added."""
    left = dict(values)
    for setting in site.settings:
        key = _BECOMES.get(setting.key)
        if key in left:
            yield from _turned_into(site, setting, key, left.pop(key), world)
        elif setting.key in _BECOMES:
            yield site.removal(setting)
    yield from _more(site, left, world)


def _turned_into(site: DataSite, setting: Setting, key: str, value: str, world: World) -> Iterator[Act]:
    where: dict[str, Any] = {"file": site.file, "document": site.document}
    if not site.path:
        line = world.texts.text(site.file)[slice(*setting.span)]
        end = line[len(line.rstrip("\r\n")) :]
        yield TextChange(file=site.file, start=setting.span[0], end=setting.span[1], text=f"{key}={value}{end}")
    elif site.path[-1] == "literals":
        yield Replacement(**where, path=setting.path, text=f"{key}={value}")
    else:
        if key != setting.key:
            yield Replacement(**where, path=setting.path, text=key, renames=True)
        if value != setting.value:
            yield Replacement(**where, path=setting.path, text=value)


def _more(site: DataSite, values: Mapping[str, str], world: World) -> Iterator[Act]:
    """Further settings in the same place."""
    if not values:
        return
    if not site.path:
        text = world.texts.text(site.file)
        newline = layout.newline(text)
        lines = "".join(f"{key}={value}{newline}" for key, value in values.items())
        lead = "" if text.endswith(("\n", "\r")) or not text else newline
        yield TextChange(file=site.file, start=len(text), end=len(text), text=lead + lines)
    elif site.path[-1] == "literals":
        literals = tuple(f"{key}={value}" for key, value in values.items())
        yield Addition(file=site.file, document=site.document, path=site.path, values=literals)
    else:
        yield Addition(file=site.file, document=site.document, path=site.path, values=dict(values))


def _name(kustomization: Kustomization, world: World) -> str:
    """What a generator is to call the settings, so that they have a name that the webhook follows.

    Raises:
        NoPlaceError: the prefix and suffix of names allow none.
    """
    prefix, suffix = (str(kustomization.content.get(key) or "") for key in ("namePrefix", "nameSuffix"))
    for name in sorted(world.context.settings_names):
        if name.startswith(prefix) and name.endswith(suffix) and len(name) > len(prefix) + len(suffix):
            return name[len(prefix) : len(name) - len(suffix)]
    renamed = f"{prefix}{contract.SETTINGS_NAME}{suffix}"
    raise NoPlaceError(
        f"{kustomization.path} renames what it makes; give --settings-name {renamed}, here and to the webhook"
    )


def _generated(kustomization: Kustomization, namespace: str, values: Mapping[str, str], world: World) -> Placing:
    entry: dict[str, Any] = {"name": _name(kustomization, world)}
    if not kustomization.content.get("namespace") and namespace != NO_NAMESPACE:
        entry["namespace"] = namespace
    if not kustomization.keeps_name({}):
        entry["options"] = {"disableNameSuffixHash": True}
    entry["literals"] = [f"{key}={value}" for key, value in values.items()]
    act = Addition(file=kustomization.path, document=0, path=(GENERATOR,), values=(entry,))
    return Placing(acts=(act,), file=kustomization.path)


def _appended(namespace: str, values: Mapping[str, str], voters: Sequence[str], world: World) -> Placing:
    """A document of its own, at the end of a file."""
    file = next((file for file in voters if not file.endswith(".json")), None)
    if file is None:
        raise NoPlaceError("the files are JSON, which holds one object each")
    metadata = {"name": min(world.context.settings_names)}
    metadata |= {} if namespace == NO_NAMESPACE else {"namespace": namespace}
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(values)}
    text = world.texts.text(file)
    newline = layout.newline(text)
    lines = ["---", *rendering.block(document, indent=0)]
    lead = "" if text.endswith(("\n", "\r")) else newline
    act = TextChange(file=file, start=len(text), end=len(text), text=lead + newline.join(lines) + newline)
    return Placing(acts=(act,), file=file)
