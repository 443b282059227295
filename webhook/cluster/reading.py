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
    """A snapshot, and the settings that it is made from, broken ones too, each with its namespace."""

    snapshot: Snapshot
    settings: tuple[tuple[str, Settings], ...]


def read(api: Api, *, settings_names: Sequence[str], first: Snapshot, page: int) -> Reading:
    """Read everything; arguments as of :class:`~webhook.cluster.source.ClusterSource`.

    Of a broken ConfigMap the valid keys hold, as for a service that has just started.

    Raises:
        ClusterError: a list could not be had.
    """
    settings, targets = SettingsStore(settings_names, first.webhook_namespace), TargetStore()
    found = [
        (item["metadata"]["namespace"], entry.read)
        for name in settings_names
        for item in _listed(api, settings_resource(name), page)
        if (entry := settings.put(config_map_of(item)))
    ]
    for kind, resource in TARGETS.items():
        for item in _listed(api, resource, page):
            targets.put(reference_to(kind, item), item.get("spec"))
    namespaces, cluster_wide = settings.in_force()
    snapshot = replace(first, namespaces=namespaces, cluster_wide=cluster_wide, targets=targets.targets())
    return Reading(snapshot=snapshot, settings=tuple(found))


def _listed(api: Api, resource: Resource, page: int) -> list[Object]:
    try:
        return list_all(api, resource, page=page).items
    except ClusterError as error:
        if resource.optional and error.status == HTTPStatus.NOT_FOUND:
            return []
        raise
