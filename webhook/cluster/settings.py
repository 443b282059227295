"""The settings of every namespace, from ConfigMaps: what is in force where one is broken, changed or gone.

A broken ConfigMap changes nothing: its last good content stays. Where none is known, after a restart, its valid keys
hold. A namespace with several of the names that are looked for has one in force: the first in the order given.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from webhook.cluster.lists import Object
from webhook.injection.settings import Settings, parse_settings


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigMap:
    """A ConfigMap as the API server has it.

    Attributes:
        uid, version: which object it is, and which of its contents.
        data: keys and values; empty where there are none.
    """

    namespace: str
    name: str
    uid: str
    version: str
    data: Mapping[str, str]

    @property
    def source(self) -> str:
        """What people call it."""
        return f"ConfigMap {self.namespace}/{self.name}"


def config_map_of(item: Object) -> ConfigMap:
    """The ConfigMap that a list's or a watch's object is; what is no text is left out."""
    metadata, data = item["metadata"], item.get("data")
    return ConfigMap(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        version=metadata["resourceVersion"],
        data={key: text for key, text in data.items() if isinstance(text, str)} if isinstance(data, dict) else {},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What one ConfigMap says.

    Attributes:
        uid, version: those of the content that was read last.
        read: that content.
        good: the last content without a broken key, if one is known.
    """

    uid: str
    version: str
    read: Settings
    good: Settings | None

    @property
    def in_force(self) -> Settings:
        """What holds."""
        return self.good or self.read


class SettingsStore:
    """All ConfigMaps with settings; may be used by several threads.

    Args:
        names: of the ConfigMaps, the first being the strongest.
        webhook_namespace: the namespace whose settings are for everybody.
    """

    def __init__(self, names: Sequence[str], webhook_namespace: str) -> None:
        """Know nothing yet."""
        self._webhook_namespace = webhook_namespace
        self._entries: dict[str, dict[str, Entry]] = {name: {} for name in names}
        self._in_force: dict[str, Settings] = {}
        self._broken: dict[tuple[str, str], Settings] = {}
        self._lock = threading.Lock()

    def put(self, config_map: ConfigMap) -> Entry | None:
        """Take a content; returns what it made, or None where it is the one that was read last."""
        entries = self._entries[config_map.name]
        old = entries.get(config_map.namespace)
        if old is not None and (old.uid, old.version) == (config_map.uid, config_map.version):
            return None
        read = parse_settings(
            config_map.data,
            source=config_map.source,
            cluster_wide=config_map.namespace == self._webhook_namespace,
        )
        kept = old.good if old and old.uid == config_map.uid else None
        good = kept if read.broken else read
        entry = Entry(uid=config_map.uid, version=config_map.version, read=read, good=good)
        with self._lock:
            entries[config_map.namespace] = entry
            self._note(config_map.namespace, config_map.name)
        return entry

    def remove(self, namespace: str, name: str) -> bool:
        """Forget a ConfigMap, its last good content too; returns whether there was one."""
        with self._lock:
            found = self._entries[name].pop(namespace, None)
            self._note(namespace, name)
        return found is not None

    def _note(self, namespace: str, name: str) -> None:
        """Bring what is derived into line with the entries."""
        strongest = next((found for entries in self._entries.values() if (found := entries.get(namespace))), None)
        if strongest is None:
            self._in_force.pop(namespace, None)
        else:
            self._in_force[namespace] = strongest.in_force
        entry = self._entries[name].get(namespace)
        if entry is not None and entry.read.broken:
            self._broken[namespace, name] = entry.read
        else:
            self._broken.pop((namespace, name), None)

    def in_force(self) -> tuple[Mapping[str, Settings], Settings | None]:
        """The settings of each namespace but the webhook's own, and those: they are for everybody."""
        with self._lock:
            namespaces = self._in_force.copy()
        cluster_wide = namespaces.pop(self._webhook_namespace, None)
        return MappingProxyType(namespaces), cluster_wide

    def count(self) -> int:
        """How many ConfigMaps there are."""
        return sum(map(len, self._entries.values()))

    def broken(self) -> Mapping[tuple[str, str], Settings]:
        """The newest content of each broken ConfigMap, by namespace and name."""
        with self._lock:
            return self._broken.copy()
