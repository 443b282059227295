"""The policies as one YAML stream, with a comment above that says what they are made of and cannot do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import yaml

from webhook import contract
from webhook.errors import InputError, SettingsError, escape
from webhook.injection.connection import Connection, resolve
from webhook.injection.findings import LimitCode
from webhook.injection.settings import BUILT_IN
from webhook.injection.snapshot import Snapshot
from webhook.manifests.policy.objects import Object, policies
from webhook.manifests.policy.rows import tables

MAX_NAMESPACES: Final = 100
"""With settings of their own; each gets policies, which the API server compiles and matches with every pod."""


def render(snapshot: Snapshot, *, name: str, origin: str, namespace: str | None = None) -> str:
    """The settings of `snapshot` as policies called `name`; `origin` says for people where they come from.

    Args:
        namespace: only for pods of this one.

    Raises:
        SettingsError: a key is broken.
        InputError: no settings for everybody name a host, or too many namespaces have settings of their own.
    """
    made = objects(snapshot, name=name, origin=origin, namespace=namespace)
    documents = yaml.dump_all(made, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
    return f"{_comment(origin)}\n{documents}"


def objects(snapshot: Snapshot, *, name: str, origin: str, namespace: str | None = None) -> list[Object]:
    """The same as objects."""
    if namespace is None:
        return _of_all(snapshot, name, origin)
    own = snapshot.namespaces.get(namespace)
    return _of_one(replace(snapshot, namespaces={namespace: own} if own else {}), name, origin, namespace)


def _of_all(snapshot: Snapshot, name: str, origin: str) -> list[Object]:
    _refuse_broken(snapshot)
    everybody = _named(resolve(replace(snapshot, namespaces={}), ""), origin, "everybody")
    own = dict(_own_connections(snapshot, everybody))
    if len(own) > MAX_NAMESPACES:
        thing = f"{len(own)} namespaces have settings of their own"
        raise InputError(thing, allowed=f"at most {MAX_NAMESPACES}", fix="run the webhook")
    excluded = [*sorted(contract.SYSTEM_NAMESPACES), snapshot.webhook_namespace]
    made = [*policies(name, everybody, operator="NotIn", namespaces=[*excluded, *own])]
    for namespace, connection in own.items():
        made += policies(f"{name}.{namespace}", connection, operator="In", namespaces=[namespace])
    return made


def _of_one(snapshot: Snapshot, name: str, origin: str, namespace: str) -> list[Object]:
    _refuse_broken(snapshot)
    connection = _named(resolve(snapshot, namespace), origin, namespace)
    return [*policies(f"{name}.{namespace}", connection, operator="In", namespaces=[namespace])]


def _named(connection: Connection, origin: str, whom: str) -> Connection:
    """The connection, if settings name its host."""
    if connection.source == BUILT_IN.source:
        raise InputError(
            f"{origin} names no host for {whom}, and of the built-in one the webhook would warn each pod",
            allowed=f"settings with {contract.RAY_HOST}",
            fix="set it",
        )
    return connection


def _refuse_broken(snapshot: Snapshot) -> None:
    levels = [snapshot.cluster_wide, *snapshot.namespaces.values()]
    faults = [f"{level.source}, {key} {text}" for level in levels if level for key, text in level.broken.items()]
    if faults:
        raise SettingsError(escape("; ".join(faults)), fix="mend it")


def _own_connections(snapshot: Snapshot, everybody: Connection) -> Iterator[tuple[str, Connection]]:
    """Those of the namespaces whose settings change anything."""
    usual = tables(everybody)
    for namespace in sorted(snapshot.namespaces.keys() - contract.SYSTEM_NAMESPACES - {snapshot.webhook_namespace}):
        connection = resolve(snapshot, namespace)
        if tables(connection) != usual:
            yield namespace, connection


def limit_lines() -> list[str]:
    """What the policies cannot do, a line each."""
    return [f"{code} {code.summary}: {code.meaning} {code.fix}" for code in LimitCode]


def _comment(origin: str) -> str:
    first = (
        f"Made by `ray-webhook render policy` from {origin}, for Kubernetes 1.36 or newer. "
        "Where its pods differ from the webhook's:"
    )
    lines = textwrap.wrap(first, 116)
    for line in limit_lines():
        lines += textwrap.wrap(line, 116, subsequent_indent="  ")
    return "\n".join(f"# {line}" for line in lines)


class _Dumper(yaml.SafeDumper):
    """Lists and maps in full, each time, and a text of several lines as it is."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  as PyYAML calls it
        """None is shared."""
        return True


def _literal(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _literal)
