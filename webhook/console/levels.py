"""The settings in force, each key with where it comes from: by the rule book's own resolution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from webhook import contract
from webhook.injection.connection import resolve
from webhook.injection.settings import Settings
from webhook.injection.snapshot import Snapshot

MAX_NAMESPACES: Final = 50
"""Shown at a time, of those that have settings of their own."""
EVERY: Final = ""
"""Stands for all namespaces without settings of their own; no namespace is called so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A key in force; `fault` says what is wrong with it where there is no good value."""

    name: str
    value: str
    source: str
    fault: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """What the pods of one namespace get; the `source` is that of the host, and so of the connection."""

    namespace: str
    source: str
    keys: Sequence[Key]


def levels(snapshot: Snapshot, namespace: str | None) -> tuple[list[Level], int]:
    """The settings of one namespace, or of all; and how many of these are not shown."""
    if namespace:
        return [_level(snapshot, namespace)], 0
    names = sorted(snapshot.namespaces)
    shown = [EVERY, *names[:MAX_NAMESPACES]]
    return [_level(snapshot, name) for name in shown], max(len(names) - MAX_NAMESPACES, 0)


def _level(snapshot: Snapshot, namespace: str) -> Level:
    found = resolve(snapshot, namespace)
    keys = [Key(name=key, value=value.text, source=value.source) for key, value in found.values.items()]
    keys += [Key(name=key, value="", source="", fault=fault) for key, fault in found.broken.items()]
    if found.token:
        # The names of a Secret and of its key; what it holds is never looked at.
        named = zip(contract.AUTH_KEYS, (found.token.name, found.token.key), strict=True)
        keys += [Key(name=name, value=text, source=found.token.source) for name, text in named]
    keys += _aliases(snapshot, namespace, found.aliases)
    if not namespace:
        keys += _references(snapshot.cluster_wide)
    return Level(namespace=namespace, source=found.source, keys=keys)


def _aliases(snapshot: Snapshot, namespace: str, aliases: Mapping[str, str]) -> Iterator[Key]:
    own, wide = snapshot.namespaces.get(namespace), snapshot.cluster_wide
    for name, variable in aliases.items():
        level = own if own and name in own.aliases else wide
        yield Key(name=contract.RAY_ALIASES, value=f"{name}={variable}", source=level.source if level else "")


def _references(wide: Settings | None) -> Iterator[Key]:
    for line in wide.allowed_references if wide else ():
        text = f"{line.from_namespace} -> {line.to_namespace}/{line.name}"
        yield Key(name=contract.RAY_ALLOWED_REFERENCES, value=text, source=wide.source if wide else "")
