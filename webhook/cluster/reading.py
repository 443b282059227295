"""What the rules know of a cluster, read once: the lists that the service follows, through the same stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from webhook.cluster.client import Api
from webhook.cluster.lists import TARGETS, Object, Resource, list_all, settings_resource
from webhook.cluster.settings import SettingsStore, config_map_of
from webhook.cluster.targets import TargetStore, reference_to
from webhook.errors import ClusterError
from webhook.injection.settings import Settings
from webhook.injection.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A snapshot, and the settings that it is made from, broken ones too, each with its namespace.

    Attributes:
        unseen: what may not be read, for people.
        lacks_settings: whether settings that hold in `place` are among that.
    """

    snapshot: Snapshot
    settings: tuple[tuple[str, Settings], ...]
    unseen: tuple[str, ...] = ()
    lacks_settings: bool = False


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
        for item in reader.listed(settings_resource(name), also_own=True)
        if (entry := settings.put(config_map_of(item)))
    ]
    for kind, resource in TARGETS.items():
        for item in reader.listed(resource):
            targets.put(reference_to(kind, item), item.get("spec"))
    namespaces, cluster_wide = settings.in_force()
    snapshot = replace(first, namespaces=namespaces, cluster_wide=cluster_wide, targets=targets.targets())
    return Reading(
        snapshot=snapshot, settings=tuple(found), unseen=tuple(reader.unseen), lacks_settings=reader.lacks_settings
    )


class _Reader:
    """Lists resources, and notes what may not be read."""

    def __init__(self, api: Api, page: int, place: str | None, own: str) -> None:
        self._api, self._page, self._place, self._own = api, page, place, own
        self.unseen: list[str] = []
        self.lacks_settings = False

    def listed(self, resource: Resource, *, also_own: bool = False) -> list[Object]:
        """The objects of all namespaces; where that is forbidden, of the place, and of the webhook's own too."""
        try:
            return self._list(resource)
        except ClusterError as error:
            if self._place is None or error.status != HTTPStatus.FORBIDDEN:
                raise
        if not also_own:
            found = self._of(resource, self._place)
            self.unseen.append(f"{resource.name}{'' if found is None else ' of other namespaces'}")
            return found or []
        by_place = {place: self._of(resource, place) for place in (self._place, self._own)}
        hidden = [f"{resource.name} in {place}" for place, found in by_place.items() if found is None]
        self.unseen += hidden
        self.lacks_settings = self.lacks_settings or bool(hidden)
        return [item for found in by_place.values() for item in found or ()]

    def _of(self, resource: Resource, place: str) -> list[Object] | None:
        """The objects of a namespace; None where they may not be listed."""
        api, _, plural = resource.path.rpartition("/")
        try:
            return self._list(replace(resource, path=f"{api}/namespaces/{place}/{plural}"))
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
