"""A policy and its binding, as objects of ``admissionregistration.k8s.io/v1``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from webhook import contract
from webhook.injection.connection import Connection
from webhook.manifests.policy.rows import tables
from webhook.manifests.policy.what import patch, what
from webhook.manifests.policy.who import conditions, who

Object = dict[str, Any]

API_VERSION: Final = "admissionregistration.k8s.io/v1"
"""Of MutatingAdmissionPolicy from Kubernetes 1.36."""
_RULE: Final = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE"],
    "resources": ["pods"],
    "scope": "Namespaced",
}
_LABELS: Final = {"app.kubernetes.io/name": "ray-webhook", "app.kubernetes.io/part-of": "ray-webhook"}


def policy(name: str, connection: Connection, *, operator: str, namespaces: Sequence[str]) -> Iterator[Object]:
    """A policy for one connection, and its binding.

    Args:
        operator: whether it is for these `namespaces` (``In``) or for all others (``NotIn``).
    """
    made = tables(connection)
    selected = [
        {"key": "kubernetes.io/metadata.name", "operator": operator, "values": list(namespaces)},
        {"key": contract.INJECTION, "operator": "NotIn", "values": [contract.DISABLED]},
    ]
    spec = {
        # As the webhook's own: what cannot be judged is let through, and the policy is never itself the outage.
        "failurePolicy": "Ignore",
        "reinvocationPolicy": "IfNeeded",
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "resourceRules": [_RULE],
            "namespaceSelector": {"matchExpressions": selected},
        },
        "matchConditions": [{"name": name, "expression": text} for name, text in conditions().items()],
        "variables": [
            {"name": item.name, "expression": item.commented} for item in (*who(made.ray_namespace), *what(made))
        ],
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch(made.secret)}}],
    }
    yield _object("MutatingAdmissionPolicy", name, spec)
    yield _object("MutatingAdmissionPolicyBinding", name, {"policyName": name})


def _object(kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, "labels": _LABELS}, "spec": spec}
