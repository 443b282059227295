"""A pod with all that a decision about it depends on, decided and patched by the same ways as in a cluster."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jsonpatch

from webhook.contract import Role
from webhook.injection.decision import Decision, decide
from webhook.injection.review import parse_review
from webhook.injection.settings import parse_settings
from webhook.injection.snapshot import Snapshot

JsonDict = dict[str, Any]

NAMESPACE = "team-a"


def snapshot(wide: Mapping[str, str]) -> Snapshot:
    """What is known where only the cluster-wide settings say something."""
    return Snapshot(cluster_wide=parse_settings(wide, source="cluster-wide", cluster_wide=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A pod with everything that a decision about it depends on.

    Attributes:
        existing: on pods/ephemeralcontainers, how many of the pod's ephemeral containers are in oldObject; else None.
    """

    pod: Any
    snapshot: Snapshot = field(default_factory=Snapshot)
    namespace: str = NAMESPACE
    default_role: Role | None = None
    existing: int | None = None


def review_body(case: Case) -> bytes:
    """The AdmissionReview that the API server would send."""
    request = {"uid": "1", "operation": "CREATE", "namespace": case.namespace, "object": case.pod}
    if case.existing is not None:
        request |= {"operation": "UPDATE", "subResource": "ephemeralcontainers", "oldObject": _old_pod(case)}
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).encode()


def _old_pod(case: Case) -> Any:
    try:
        spec = case.pod["spec"]
        return case.pod | {"spec": spec | {"ephemeralContainers": spec["ephemeralContainers"][: case.existing]}}
    except (TypeError, KeyError):
        return {} if case.pod is None else case.pod


def decided(case: Case) -> Decision:
    """What the rules say of the case, by the same way that a request goes."""
    return decide(parse_review(review_body(case)), case.snapshot, default_role=case.default_role)


def patched(pod: Any, operations: Sequence[JsonDict]) -> Any:
    """A copy of the pod with the operations applied by an implementation that is not ours."""
    return jsonpatch.JsonPatch(copy.deepcopy(operations)).apply(copy.deepcopy(pod))
