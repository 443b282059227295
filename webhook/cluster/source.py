"""Everything that the rules know, from a cluster: its settings and Ray targets as snapshots, kept in step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from webhook.cluster.client import Api
from webhook.cluster.events import EventWriter
from webhook.cluster.handlers import SettingsHandler, TargetsHandler
from webhook.cluster.informers import Handler, Informer, WatchStatus, stop_all
from webhook.cluster.lists import TARGETS, Resource, settings_resource
from webhook.cluster.log import Log
from webhook.cluster.pace import Pace
from webhook.cluster.publisher import Publisher
from webhook.cluster.settings import SettingsStore
from webhook.cluster.targets import TargetStore
from webhook.injection.settings import Settings
from webhook.injection.snapshot import Snapshot

STOP_SECONDS: Final = 2.0
"""For the end of all watches together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """Figures for metrics.

    Attributes:
        config_maps: how many ConfigMaps with settings there are.
        broken: those of them that are broken, by namespace and name, with what they say.
        targets: how many RayClusters and RayServices there are.
    """

    config_maps: int
    broken: Mapping[tuple[str, str], Settings]
    targets: int
    watches: tuple[WatchStatus, ...]


class ClusterSource:
    """Watches a cluster and publishes what the rules know of it.

    Args:
        api: the API server.
        settings_names: of the ConfigMaps with settings. In a namespace that has several the first one given holds.
        first: what every snapshot is made from: the webhook's namespace and the cluster domain.
        publish: is handed each snapshot, on another thread; for the first time when every kind was listed once.
    """

    def __init__(
        self,
        api: Api,
        *,
        settings_names: Sequence[str],
        first: Snapshot,
        publish: Callable[[Snapshot], None],
        log: Log,
        pace: Pace | None = None,
    ) -> None:
        """Ask for nothing yet."""
        self._first, self._log = first, log
        self._settings = SettingsStore(settings_names, first.webhook_namespace)
        self._targets = TargetStore()
        self._events = EventWriter(api, log)
        self._publisher = Publisher(self._snapshot, publish, is_complete=lambda: self.is_synced, log=log)
        self._informers = [
            Informer(api, resource, handler, pace=pace or Pace(), log=log, on_sync=self._publisher.changed)
            for resource, handler in self._watched(settings_names)
        ]

    def _watched(self, settings_names: Sequence[str]) -> Iterator[tuple[Resource, Handler]]:
        log, changed, is_first = self._log, self._publisher.changed, lambda: not self.is_synced
        settings = SettingsHandler(
            store=self._settings, events=self._events, log=log, changed=changed, is_first=is_first
        )
        for name in settings_names:
            yield settings_resource(name), settings
        for kind, resource in TARGETS.items():
            yield (
                resource,
                TargetsHandler(kind=kind, store=self._targets, log=log, changed=changed, is_first=is_first),
            )

    @property
    def is_synced(self) -> bool:
        """Whether every kind was listed once."""
        return all(informer.is_synced for informer in self._informers)

    @property
    def is_at_work(self) -> bool:
        """Whether a change in the cluster could still come into force, were the API server well.

        Events are left out: a process without them serves, one that is restarted for them again and again does not.
        """
        return self._publisher.is_at_work and all(informer.is_at_work for informer in self._informers)

    def start(self) -> None:
        """Begin; returns at once, whether or not the API server can be reached."""
        self._events.start()
        self._publisher.start()
        for informer in self._informers:
            informer.start()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End; waits for requests under way for `seconds` at most, since a list may hang for longer."""
        self._publisher.stop()
        self._events.stop()
        stop_all(self._informers, seconds)

    def statistics(self) -> Statistics:
        """Figures of now."""
        return Statistics(
            config_maps=self._settings.count(),
            broken=self._settings.broken(),
            targets=self._targets.count(),
            watches=tuple(informer.status for informer in self._informers),
        )

    def _snapshot(self) -> Snapshot:
        namespaces, cluster_wide = self._settings.in_force()
        return replace(self._first, namespaces=namespaces, cluster_wide=cluster_wide, targets=self._targets.targets())
