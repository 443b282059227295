"""Which workload a pod belongs to: its controller, or that one's own (a ReplicaSet's Deployment, a Job's CronJob)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import msgspec

from webhook.cluster.client import Api
from webhook.cluster.lists import Page, pages


class OwnerReference(msgspec.Struct, rename="camel"):
    """An entry of ``metadata.ownerReferences``."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool = False


class _Metadata(msgspec.Struct, rename="camel"):
    namespace: str
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


def controller_of(namespace: str, references: Collection[OwnerReference] | None) -> Workload | None:
    """The workload that controls an object of `namespace` with these owner references."""
    for reference in references or ():
        if reference.controller:
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
    for key, path in BETWEEN.items():
        wanted = {workload.uid: workload for workload in workloads if workload.key == key}
        place = f"/namespaces/{namespace}" if namespace else ""
        listed = f"{path}{place}/{key[1].lower()}s"
        for answer in pages(api, listed, {}, Page[_Owned], size=page) if wanted else ():
            for item in answer.items or ():
                workload = wanted.get(item.metadata.uid)
                owner = controller_of(item.metadata.namespace, item.metadata.owner_references)
                if workload and owner:
                    found[workload] = owner
    return found
