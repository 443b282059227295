"""Which workload a pod belongs to: the controller of its controller, such as a ReplicaSet's Deployment, or its own.

What a pod says of its owners is the word of whoever created it: the API server takes any text for their names and UIDs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import msgspec

from webhook.cluster.client import Api
from webhook.cluster.lists import Page, pages
from webhook.errors import ClusterError
from webhook.injection.settings import is_dns_subdomain


class OwnerReference(msgspec.Struct, rename="camel"):
    """An entry of ``metadata.ownerReferences``."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool = False


class _Metadata(msgspec.Struct, rename="camel"):
    namespace: str
    name: str
    uid: str
    owner_references: list[OwnerReference] | None = None


class _Owned(msgspec.Struct):
    metadata: _Metadata


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Workload:
    """What somebody wrote, from which pods came; a pod that nobody controls is its own.

    Attributes:
        group: the API group, empty for the core's.
        uid: tells it from others of its name.
    """

    namespace: str
    kind: str
    name: str
    group: str
    uid: str

    @property
    def key(self) -> tuple[str, str]:
        """Group and kind."""
        return self.group, self.kind


BETWEEN: Final = {
    ("apps", "ReplicaSet"): "/apis/apps/v1",
    ("batch", "Job"): "/apis/batch/v1",
    ("ray.io", "RayCluster"): "/apis/ray.io/v1",
    ("ray.io", "RayJob"): "/apis/ray.io/v1",
}
"""Kinds that often belong to something else, with the path of their API; a RayJob stands above two of the others."""

_MADE_BY: Final = {
    ("apps", "Deployment"): (("apps", "ReplicaSet"),),
    ("batch", "CronJob"): (("batch", "Job"),),
    ("ray.io", "RayService"): (("ray.io", "RayCluster"),),
    ("ray.io", "RayJob"): (("ray.io", "RayCluster"), ("batch", "Job")),
    ("ray.io", "RayCronJob"): (("ray.io", "RayJob"),),
}
"""What stands between such a workload and its pods."""

COMMANDED: Final = {
    ("apps", "Deployment"): "/apis/apps/v1",
    ("apps", "StatefulSet"): "/apis/apps/v1",
    ("apps", "DaemonSet"): "/apis/apps/v1",
    ("ray.io", "RayCluster"): "/apis/ray.io/v1",
}
"""Kinds that a command mends, which has to be given for none that is not there; with the path of their API."""


def controller_of(namespace: str, references: Collection[OwnerReference] | None) -> Workload | None:
    """The workload that controls an object of `namespace` with these owner references; None if it cannot be one."""
    for reference in references or ():
        if reference.controller and is_dns_subdomain(reference.name):
            return Workload(
                namespace=namespace,
                kind=reference.kind,
                name=reference.name,
                group=reference.api_version.rpartition("/")[0],
                uid=reference.uid,
            )
    return None


class Owners:
    """Who controls what, by lists of the API server's; a kind is listed only if it is asked for.

    Args:
        namespace: where to look; None looks everywhere.

    Attributes:
        unseen: the kinds that may not be listed and what that means, for people.
    """

    def __init__(self, api: Api, *, namespace: str | None, page: int) -> None:
        """Know nothing yet."""
        self._api, self._page = api, page
        self._place = f"/namespaces/{namespace}" if namespace else ""
        self.unseen: list[str] = []

    def owners_of(self, workloads: Collection[Workload]) -> dict[Workload, Workload]:
        """The controller of each of `workloads` that has one, or that one's own.

        Raises:
            ClusterError: a list could not be had.
        """
        found: dict[Workload, Workload] = {}
        for key, path in BETWEEN.items():
            for workload, metadata in self._there({*workloads, *found.values()}, key, path) or ():
                if owner := controller_of(workload.namespace, metadata.owner_references):
                    found[workload] = owner
        return {workload: found.get(owner, owner) for workload, owner in found.items()}

    def missing_of(self, workloads: Collection[Workload]) -> set[Workload]:
        """Those of `workloads` that a command would mend if they were there; errors as of :meth:`owners_of`."""
        missing: set[Workload] = set()
        for key, path in COMMANDED.items():
            there = self._there(workloads, key, path)
            if there is not None:
                missing |= {one for one in workloads if one.key == key} - {workload for workload, _ in there}
        return missing

    def _there(
        self, workloads: Collection[Workload], key: tuple[str, str], path: str
    ) -> list[tuple[Workload, _Metadata]] | None:
        """Those of `workloads` that the API server has, by namespace, name and UID; None where it may not be asked."""
        wanted = {(one.namespace, one.name, one.uid): one for one in workloads if one.key == key}
        resource = f"{key[1].lower()}s"
        found = []
        try:
            for item in _listed(self._api, f"{path}{self._place}/{resource}", self._page) if wanted else ():
                metadata = item.metadata
                if workload := wanted.get((metadata.namespace, metadata.name, metadata.uid)):
                    found.append((workload, metadata))
        except ClusterError as error:
            if error.status != HTTPStatus.FORBIDDEN or not self._place:
                raise
            self.unseen.append(f"{resource}: those that pods name are taken to be there, and nobody's")
            return None
        return found


def controllers_of(api: Api, workload: Workload, *, page: int) -> frozenset[str]:
    """The UIDs that `workload`'s pods name as their controller: its own, and those of what it has made itself.

    Raises:
        ClusterError: a list could not be had.
    """
    return frozenset(_made_by(api, workload.namespace, workload.key, {workload.uid}, page))


def _made_by(api: Api, namespace: str, key: tuple[str, str], uids: set[str], page: int) -> set[str]:
    """The UIDs of objects of a kind, and of all that they have made."""
    found = set(uids)
    for made in _MADE_BY.get(key, ()):
        path = f"{BETWEEN[made]}/namespaces/{namespace}/{made[1].lower()}s"
        own = {item.metadata.uid for item in _listed(api, path, page) if _is_controlled(item.metadata, uids)}
        found |= _made_by(api, namespace, made, own, page)
    return found


def _is_controlled(metadata: _Metadata, uids: Collection[str]) -> bool:
    return any(reference.controller and reference.uid in uids for reference in metadata.owner_references or ())


def _listed(api: Api, path: str, page: int) -> Iterator[_Owned]:
    """The objects of a kind; none where the kind is not known, for a pod may name it all the same."""
    try:
        for answer in pages(api, path, {}, Page[_Owned], size=page, may_change=True):
            yield from answer.items or ()
    except ClusterError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
