"""Which limit of the rendered policies a pod meets: there they leave it otherwise than the rules say."""

from __future__ import annotations

from webhook import contract
from webhook.injection.decision import Decision, Deny, Skip
from webhook.injection.findings import LimitCode
from webhook.injection.role import RoleSource
from webhook.injection.selection import INIT, REGULAR
from webhook.manifests.documents import Document
from webhook.manifests.policy.who import MAX_CONTAINERS, MAX_ENTRIES, MAX_NAMES
from webhook.manifests.workloads import value_at


def limit_of(pod: Document, decision: Decision) -> LimitCode | None:
    """The limit, by what the rules decide about the pod; None where a policy does the same.

    That the values are of another moment (:attr:`LimitCode.SNAPSHOT`) is not seen by the pod.
    """
    if isinstance(decision, Deny):
        return LimitCode.UNREFUSED
    if isinstance(decision, Skip):
        return None
    annotations = value_at(pod, ("metadata", "annotations")) or {}
    if decision.role_source is RoleSource.KUBERAY:
        return LimitCode.KUBERAY_CONNECTION if contract.ROLE in annotations else _size(pod, annotations)
    if annotations.keys() & {contract.CLUSTER, contract.SERVICE}:
        return LimitCode.NAMED_TARGET
    return _size(pod, annotations)


def _size(pod: Document, annotations: Document) -> LimitCode | None:
    containers = [one for field in (INIT, REGULAR) for one in value_at(pod, ("spec", field)) or ()]
    entries = sum(len(one.get("env") or ()) for one in containers)
    lists = (contract.CONTAINERS, contract.SKIP_CONTAINERS)
    names = max(str(annotations.get(key) or "").count(",") + 1 for key in lists)
    is_large = len(containers) > MAX_CONTAINERS or entries > MAX_ENTRIES or names > MAX_NAMES
    return LimitCode.TOO_LARGE if is_large else None
