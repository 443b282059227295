"""The policies and their bindings, as objects of ``admissionregistration.k8s.io/v1``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from webhook import contract
from webhook.contract import Connect, Role
from webhook.injection.connection import Connection
from webhook.manifests.policy.rows import KUBERAY, KUBERAY_WAIT, Tables, tables
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
DEFAULT_ROLE_PREFIX: Final = "default-role."
"""How the names of those policies begin that are for pods which say nothing."""
LABELS: Final = {"app.kubernetes.io/name": "ray-webhook", "app.kubernetes.io/part-of": "ray-webhook"}


def policies(name: str, connection: Connection, *, operator: str, namespaces: Sequence[str]) -> Iterator[Object]:
    """The policies for one connection, each with its binding: one for pods that say what they are, one for the others.

    Args:
        operator: whether they are for these `namespaces` (``In``) or for all others (``NotIn``).
    """
    made = tables(connection)
    yield from _policy(name, made, selected(None, operator, namespaces), default_role=None)
    clients = made.only(*Connect, KUBERAY, KUBERAY_WAIT)
    chosen = selected(Role.CLIENT, operator, namespaces)
    yield from _policy(f"{DEFAULT_ROLE_PREFIX}{name}", clients, chosen, default_role=Role.CLIENT)


def selected(default_role: Role | None, operator: str, namespaces: Sequence[str]) -> list[Object]:
    """Whose pods are looked at: the expressions of a namespace selector, as the shipped configuration has them too."""
    by_default = [_expression(contract.DEFAULT_ROLE, "In", [default_role.value])] if default_role else []
    return [
        _expression("kubernetes.io/metadata.name", operator, namespaces),
        _expression(contract.INJECTION, "NotIn", [contract.DISABLED]),
        *by_default,
    ]


def _expression(key: str, operator: str, values: Sequence[str]) -> Object:
    return {"key": key, "operator": operator, "values": list(values)}


def _policy(name: str, made: Tables, namespaces: list[Object], *, default_role: Role | None) -> Iterator[Object]:
    spec = {
        # As the webhook's own: what cannot be judged is let through, and the policy is never itself the outage.
        "failurePolicy": "Ignore",
        "reinvocationPolicy": "IfNeeded",
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "resourceRules": [_RULE],
            "namespaceSelector": {"matchExpressions": namespaces},
        },
        "matchConditions": [{"name": name, "expression": text} for name, text in conditions(default_role).items()],
        "variables": [
            {"name": item.name, "expression": item.commented}
            for item in (*who(made.ray_namespace, default_role), *what(made))
        ],
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch(made.secret)}}],
    }
    yield _object("MutatingAdmissionPolicy", name, spec)
    yield _object("MutatingAdmissionPolicyBinding", name, {"policyName": name})


def _object(kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, "labels": LABELS}, "spec": spec}
