"""One pod or workload of a cluster with all that explains it: its namespace, its owners, what the rules know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec

from webhook.cluster.audit import PAGE, Audit, audit_workload
from webhook.cluster.client import Api
from webhook.cluster.kinds import Kind, kind_of
from webhook.cluster.owners import OwnerReference, Workload, controller_of
from webhook.cluster.reading import Reading, read
from webhook.cluster.registration import Registration, registration_of
from webhook.cluster.selectors import LabelSelector
from webhook.contract import Role
from webhook.errors import ClusterError, InputError
from webhook.injection.decision import Decision
from webhook.injection.snapshot import Snapshot

Document = dict[str, Any]
_MAX_OWNERS: Final = 4
_SELECTING: Final = {"ReplicationController", "Pod", "RayCluster", "RayService", "RayJob", "RayCronJob", "CronJob"}
"""Kinds without a label selector of the usual form."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """What there is to know of an object.

    Attributes:
        document, itself: the object.
        namespace: its Namespace.
        owners: its controller, that one's own, and so on, as far as they can be read.
        owner: the last of them as far as it is named, which people know; the object itself without any.
        is_owner_missing: whether what is named is not there.
        reading: what the rules know, as far as this identity may read it.
    """

    api: Api
    document: Document
    itself: Workload
    namespace: Document
    owners: tuple[Document, ...]
    owner: Workload
    is_owner_missing: bool
    reading: Reading

    @property
    def snapshot(self) -> Snapshot:
        """What the rules know."""
        return self.reading.snapshot

    def leaves_open(self, decision: Decision) -> bool:
        """Whether another decision might be made if this identity might read everything."""
        return self.reading.leaves_open(decision, self.itself.namespace)

    def registration(self, default_role: Role | None) -> Registration:
        """Whether the API server would send it, by the webhook configurations that there are."""
        return registration_of(
            self.api,
            default_role,
            namespace=self.namespace["metadata"]["name"],
            namespace_labels=self.namespace["metadata"].get("labels") or {},
            labels=self.document["metadata"].get("labels") or {},
            page=PAGE,
        )

    def read_config_map(self, name: str) -> Mapping[str, Any] | str:
        """The data of a ConfigMap of the namespace, or why it is not known."""
        path = f"/api/v1/namespaces/{self.namespace['metadata']['name']}/configmaps/{name}"
        try:
            data: Mapping[str, Any] = self.api.get(path, {}, dict).get("data") or {}
        except ClusterError as error:
            known = {HTTPStatus.FORBIDDEN: "it may not be read", HTTPStatus.NOT_FOUND: "it is not there"}
            if error.status not in known:
                raise
            return known[HTTPStatus(error.status)]
        return data

    def audit(self) -> Audit:
        """The audit of the workload's pods."""
        labels = ""
        if self.document["kind"] not in _SELECTING:
            selector = (self.document.get("spec") or {}).get("selector") or {}
            labels = msgspec.convert(selector, LabelSelector).query
        return audit_workload(self.api, self.itself, labels=labels, reading=self.reading)


def find(api: Api, kind: Kind, name: str, *, namespace: str, settings_names: Sequence[str], first: Snapshot) -> Live:
    """The object and what belongs to it.

    Raises:
        InputError: it, or its namespace, is not there.
        ClusterError: something could not be had.
    """
    document = _get(api, kind, name, namespace)
    if document is None:
        raise InputError(
            f"the {kind.name} {namespace}/{name} does not exist", fix=f"see kubectl get {kind.resource} -n {namespace}"
        )
    space: Document = api.get(f"/api/v1/namespaces/{namespace}", {}, dict)
    itself = Workload(namespace=namespace, kind=kind.name, name=name, group=kind.group, uid=document["metadata"]["uid"])
    owners, owner, is_missing = _owners(api, document, itself)
    return Live(
        api=api,
        document={**document, "kind": kind.name},
        itself=itself,
        namespace=space,
        owners=owners,
        owner=owner,
        is_owner_missing=is_missing,
        reading=read(api, settings_names=settings_names, first=first, page=PAGE, place=namespace),
    )


def _get(api: Api, kind: Kind, name: str, namespace: str) -> Document | None:
    try:
        document: Document = api.get(kind.path(namespace, name), {}, dict)
    except ClusterError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return None
    return document


def _owners(api: Api, document: Document, itself: Workload) -> tuple[tuple[Document, ...], Workload, bool]:
    """What controls the object; what an object says of its owners is believed only where the UID is theirs."""
    found: list[Document] = []
    owner = itself
    while len(found) < _MAX_OWNERS:
        listed = document["metadata"].get("ownerReferences") or []
        named = controller_of(itself.namespace, msgspec.convert(listed, list[OwnerReference]))
        if named is None:
            return tuple(found), owner, False
        kind = kind_of(named.kind, named.group)
        try:
            above = _get(api, kind, named.name, named.namespace) if kind else None
        except ClusterError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            return tuple(found), named, False
        if kind is None:
            return tuple(found), named, False
        if above is None or above["metadata"]["uid"] != named.uid:
            return tuple(found), named, True
        document, owner = {**above, "kind": kind.name}, named
        found.append(document)
    return tuple(found), owner, False
