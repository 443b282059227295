"""What a watch's objects become: entries of the stores, log lines and Events.

While the first lists are read only faults are told, for everything is new then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from webhook.cluster.events import Event, EventWriter, Reason
from webhook.cluster.lists import Object
from webhook.cluster.log import Log
from webhook.cluster.settings import ConfigMap, Entry, SettingsStore, config_map_of
from webhook.cluster.targets import TargetStore, reference_to
from webhook.injection.snapshot import TargetKind


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingsHandler:
    """ConfigMaps with settings.

    Attributes:
        changed: called after each change.
        is_first: whether the first lists are still being read.
    """

    store: SettingsStore
    events: EventWriter
    log: Log
    changed: Callable[[], None]
    is_first: Callable[[], bool]

    def put(self, item: Object) -> None:
        """Take a content."""
        config_map = config_map_of(item)
        entry = self.store.put(config_map)
        if entry is None:
            return
        self.changed()
        self._log(config_map, entry)
        self.events.tell(_event(config_map, entry))

    def remove(self, item: Object) -> None:
        """Forget one."""
        namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
        if self.store.remove(namespace, name):
            self.changed()
            self.events.forget(namespace, name)
            self.log.info("settings gone", source=f"ConfigMap {namespace}/{name}")

    def _log(self, config_map: ConfigMap, entry: Entry) -> None:
        if entry.read.broken:
            self.log.warning(
                f"settings broken, {_consequence(entry)}", source=config_map.source, message=_told(entry.read.broken)
            )
        elif not self.is_first():
            self.log.info("settings changed", source=config_map.source)
        for key, why in entry.read.ignored.items():
            self.log.warning("settings key ignored", source=config_map.source, key=key, message=why)


def _event(config_map: ConfigMap, entry: Entry) -> Event:
    read = entry.read
    if read.broken:
        reason, message = Reason.BROKEN, f"{_told(read.broken)}; {_consequence(entry)}"
    elif read.ignored:
        reason, message = Reason.KEY_IGNORED, f"ignored: {_told(read.ignored)}"
    else:
        reason, message = Reason.GOOD, "the settings are good and in force"
    return Event(
        namespace=config_map.namespace,
        name=config_map.name,
        uid=config_map.uid,
        version=config_map.version,
        reason=reason,
        message=message,
    )


def _consequence(entry: Entry) -> str:
    return "the last good ones stay" if entry.good else "the valid keys hold, no good ones are known"


def _told(faults: Mapping[str, str]) -> str:
    return "; ".join(f"{key} {fault}" for key, fault in faults.items())


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetsHandler:
    """RayClusters or RayServices; attributes as for :class:`SettingsHandler`."""

    kind: TargetKind
    store: TargetStore
    log: Log
    changed: Callable[[], None]
    is_first: Callable[[], bool]

    def put(self, item: Object) -> None:
        """Take a spec."""
        reference = reference_to(self.kind, item)
        found = self.store.put(reference, item.get("spec"))
        if found is None:
            return
        self.changed()
        if found.remarks:
            self.log.warning("spec not as expected", target=str(reference), message="; ".join(found.remarks))
        if not self.is_first():
            self.log.info("target changed", target=str(reference), host=found.target.head_service)

    def remove(self, item: Object) -> None:
        """Forget one."""
        reference = reference_to(self.kind, item)
        if self.store.remove(reference):
            self.changed()
            self.log.info("target gone", target=str(reference))
