"""The decision about a manifest's pods: the rule book's, on the pods that the API server would be sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from webhook import contract
from webhook.contract import Role
from webhook.injection.decision import Decision, decide
from webhook.injection.discovery import discover
from webhook.injection.review import parse_review
from webhook.injection.snapshot import RayTarget, Reference, Snapshot, TargetKind
from webhook.manifests.documents import Document
from webhook.manifests.reviews import review_of
from webhook.manifests.workloads import Part, Workload, value_at

_TARGETS: Final = {"RayCluster": TargetKind.CLUSTER, "RayService": TargetKind.SERVICE}


def targets_of(documents: Iterable[Document], *, namespace: str) -> dict[Reference, RayTarget]:
    """The RayClusters and RayServices among `documents`; `namespace` is that of those that name none."""
    found = {}
    for document in documents:
        kind, name = _TARGETS.get(document["kind"]), value_at(document, ("metadata", "name"))
        if kind is not None and isinstance(name, str):
            place = value_at(document, ("metadata", "namespace")) or namespace
            reference = Reference(kind=kind, namespace=str(place), name=name)
            found[reference] = discover(reference, document.get("spec")).target
    return found


def decide_workload(
    workload: Workload, snapshot: Snapshot, *, namespace: str, default_role: Role | None = None
) -> Decision:
    """Decide about the workload's pods; `namespace` is that of manifests that name none."""
    review = review_of(workload, namespace=workload.namespace or namespace, uid="manifest")
    # KubeRay's nodes are sent on the path without a default role (webhook.injection.routing).
    is_node = workload.part in (Part.HEAD, Part.WORKER)
    request = parse_review(msgspec.json.encode(review))
    return decide(request, snapshot, default_role=None if is_node else default_role)


def names_no_cluster(workload: Workload) -> bool:
    """Whether the pods get the connection of a RayCluster whose name KubeRay has yet to make."""
    if workload.part not in (Part.HEAD, Part.WORKER) or workload.kind == "RayCluster":
        return False
    role = value_at(workload.pod, ("metadata", "annotations", contract.ROLE))
    return isinstance(role, str) and role != Role.NONE
