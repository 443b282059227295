"""Which workload a pod belongs to: its controller, or that one's own (a ReplicaSet's Deployment, a Job's CronJob).

What a pod says of its owners is the word of whoever created it: the API server takes any text for their names and UIDs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
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
}
"""Kinds that often belong to something else, with the path of their API."""

_MADE_BY: Final = {
    ("apps", "Deployment"): (("apps", "ReplicaSet"),),
    ("batch", "CronJob"): (("batch", "Job"),),
    ("ray.io", "RayService"): (("ray.io", "RayCluster"),),
    ("ray.io", "RayJob"): (("ray.io", "RayCluster"), ("batch", "Job")),
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


def owners_of(
    api: Api, workloads: Collection[Workload], *, namespace: str | None, page: int
) -> dict[Workload, Workload]:
    """The controller of each of `workloads` that has one; a kind is listed only if it occurs among them.

    Args:
        namespace: where to look; None looks everywhere.

    Raises:
        ClusterError: a list could not be had.
    """
    found: dict[Workload, Workload] = {}
    for workload, metadata in _there(api, workloads, BETWEEN, namespace=namespace, page=page):
        if owner := controller_of(workload.namespace, metadata.owner_references):
            found[workload] = owner
    return found


def controllers_of(api: Api, workload: Workload, *, page: int) -> frozenset[str]:
    """The UIDs that `workload`'s pods name as their controller: its own, and those of what it has made itself.

    Raises:
        ClusterError: a list could not be had.
    """
    paths = [
        f"{BETWEEN[key]}/namespaces/{workload.namespace}/{key[1].lower()}s" for key in _MADE_BY.get(workload.key, ())
    ]
    made = [item.metadata for path in paths for item in _listed(api, path, page)]
    return frozenset({workload.uid, *(metadata.uid for metadata in made if _is_controlled(metadata, workload.uid))})


def _is_controlled(metadata: _Metadata, uid: str) -> bool:
    return any(reference.controller and reference.uid == uid for reference in metadata.owner_references or ())


def missing_of(api: Api, workloads: Collection[Workload], *, namespace: str | None, page: int) -> set[Workload]:
    """Those of `workloads` that a command would mend if they were there; arguments and errors as of `owners_of`."""
    there = {workload for workload, _ in _there(api, workloads, COMMANDED, namespace=namespace, page=page)}
    return {workload for workload in workloads if workload.key in COMMANDED} - there


def _there(
    api: Api,
    workloads: Collection[Workload],
    kinds: Mapping[tuple[str, str], str],
    *,
    namespace: str | None,
    page: int,
) -> Iterator[tuple[Workload, _Metadata]]:
    """Those of `workloads` that are of `kinds` and that the API server has, by namespace, name and UID."""
    place = f"/namespaces/{namespace}" if namespace else ""
    for key, path in kinds.items():
        wanted = {(one.namespace, one.name, one.uid): one for one in workloads if one.key == key}
        for item in _listed(api, f"{path}{place}/{key[1].lower()}s", page) if wanted else ():
            workload = wanted.get((item.metadata.namespace, item.metadata.name, item.metadata.uid))
            if workload:
                yield workload, item.metadata


def _listed(api: Api, path: str, page: int) -> Iterator[_Owned]:
    """The objects of a kind; none where the kind is not known, for a pod may name it all the same."""
    try:
        for answer in pages(api, path, {}, Page[_Owned], size=page, may_change=True):
            yield from answer.items or ()
    except ClusterError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
