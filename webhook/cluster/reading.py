"""What the rules know of a cluster, read once: the lists that the service follows, through the same stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from webhook.cluster.client import Api
from webhook.cluster.lists import TARGETS, Object, Resource, list_all, settings_resource
from webhook.cluster.settings import SettingsStore, config_map_of
from webhook.cluster.targets import TargetStore, reference_to
from webhook.errors import ClusterError
from webhook.injection.decision import Decision, Deny
from webhook.injection.reasons import Code
from webhook.injection.settings import BUILT_IN, Settings
from webhook.injection.snapshot import Snapshot

_OF_SETTINGS: Final = {Code.CONFLICT, Code.BROKEN_SETTINGS}
"""Refusals that depend on the settings of the pod's own namespace; its annotations tell the others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A snapshot, and the settings that it is made from, broken ones too, each with its namespace.

    Attributes:
        unseen: what may not be listed and what that means, for people.
        hidden: the namespaces, of those that matter, whose settings are among that.
        hides_targets: whether RayClusters or RayServices are among that.
    """

    snapshot: Snapshot
    settings: tuple[tuple[str, Settings], ...]
    unseen: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()
    hides_targets: bool = False

    def leaves_open(self, decision: Decision, namespace: str) -> bool:
        """Whether another decision about a pod of `namespace` might be made if all could be read."""
        if self.hides_targets and any(warning.code is Code.UNKNOWN_CLUSTER for warning in decision.warnings):
            return True
        hides_wide = self.snapshot.webhook_namespace in self.hidden
        if isinstance(decision, Deny):
            depends = decision.code in _OF_SETTINGS and namespace in self.hidden
            return depends or (decision.code is Code.REFERENCE_NOT_ALLOWED and hides_wide)
        if decision.source is None:
            return False
        return namespace in self.hidden or (hides_wide and decision.source == BUILT_IN.source)


def read(api: Api, *, settings_names: Sequence[str], first: Snapshot, page: int, place: str | None = None) -> Reading:
    """Read everything; arguments as of :class:`~webhook.cluster.source.ClusterSource`.

    Of a broken ConfigMap the valid keys hold, as for a service that has just started.

    Args:
        place: the namespace for which this is, of whoever may not read all of them: then what can be read is read, of
            it and of the webhook's own.

    Raises:
        ClusterError: a list could not be had; without `place` for want of rights, too.
    """
    reader = _Reader(api, page, place, first.webhook_namespace)
    settings, targets = SettingsStore(settings_names, first.webhook_namespace), TargetStore()
    found = [
        (item["metadata"]["namespace"], entry.read)
        for name in settings_names
        for item in reader.settings(settings_resource(name))
        if (entry := settings.put(config_map_of(item)))
    ]
    for kind, resource in TARGETS.items():
        for item in reader.targets(resource):
            targets.put(reference_to(kind, item), item.get("spec"))
    namespaces, cluster_wide = settings.in_force()
    return Reading(
        snapshot=replace(first, namespaces=namespaces, cluster_wide=cluster_wide, targets=targets.targets()),
        settings=tuple(found),
        unseen=tuple(reader.unseen),
        hidden=frozenset(reader.hidden),
        hides_targets=reader.hides_targets,
    )


class _Reader:
    """Lists resources, and notes what may not be read."""

    def __init__(self, api: Api, page: int, place: str | None, own: str) -> None:
        self._api, self._page, self._place, self._own = api, page, place, own
        self.unseen: list[str] = []
        self.hidden: set[str] = set()
        self.hides_targets = False

    def settings(self, resource: Resource) -> list[Object]:
        """The ConfigMaps of all namespaces; where that is forbidden, of the place and of the webhook's own."""
        found = self._everywhere(resource)
        if found is not None:
            return found
        return [
            item for place in dict.fromkeys((self._place, self._own)) for item in self._settings_of(resource, place)
        ]

    def _settings_of(self, resource: Resource, place: str | None) -> list[Object]:
        found = self._of(resource, place)
        if found is None:
            self.hidden.add(str(place))
            self.unseen.append(
                f"{resource.name} in {place}: pods that may have their connection from there are not judged, and "
                "aliases from there are not looked for"
            )
        return found or []

    def targets(self, resource: Resource) -> list[Object]:
        """The same of a kind of targets, but of the place alone."""
        found = self._everywhere(resource)
        if found is not None:
            return found
        found = self._of(resource, self._place)
        others = "" if found is None else " of other namespaces"
        self.unseen.append(f"{resource.name}{others}: pods that name one that is not seen are not judged")
        self.hides_targets = True
        return found or []

    def _everywhere(self, resource: Resource) -> list[Object] | None:
        """The objects of all namespaces; None where they may not be listed, and there is a place to look in."""
        return self._of(resource, None) if self._place else self._list(resource)

    def _of(self, resource: Resource, place: str | None) -> list[Object] | None:
        """The objects of a namespace, or of all; None where they may not be listed."""
        api, _, plural = resource.path.rpartition("/")
        path = f"{api}/namespaces/{place}/{plural}" if place else resource.path
        try:
            return self._list(replace(resource, path=path))
        except ClusterError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
        return None

    def _list(self, resource: Resource) -> list[Object]:
        try:
            return list_all(self._api, resource, page=self._page).items
        except ClusterError as error:
            if resource.optional and error.status == HTTPStatus.NOT_FOUND:
                return []
            raise
