"""Which pods are sent to the webhook, and with which default role.

The API server decides that by the shipped MutatingWebhookConfiguration (its namespaceSelectors and matchConditions);
this is the same, for whoever looks at pods that are there already. The end-to-end tests compare the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webhook import contract
from webhook.contract import Role
from webhook.injection.codes import ReasonCode
from webhook.injection.findings import FindingCode
from webhook.injection.reasons import Code

Labels = Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """The pod is sent, on the path of this default role."""

    default_role: Role | None


def is_followed(namespace: str, labels: Labels, *, webhook_namespace: str) -> bool:
    """Whether any pod of the namespace is sent."""
    excluded = namespace in contract.SYSTEM_NAMESPACES or namespace == webhook_namespace
    return not excluded and labels.get(contract.INJECTION) != contract.DISABLED


def unsent(
    namespace: str, namespace_labels: Labels, labels: Labels, annotations: Labels, *, webhook_namespace: str
) -> tuple[ReasonCode, str] | None:
    """Why a pod is not sent, by the labels and annotations of both: the code, and the reason in words."""
    if not is_followed(namespace, namespace_labels, webhook_namespace=webhook_namespace):
        if namespace_labels.get(contract.INJECTION) != contract.DISABLED:
            return Code.EXCLUDED_NAMESPACE, Code.EXCLUDED_NAMESPACE.meaning
        text = f"the namespace {namespace} has the label {contract.INJECTION}={contract.DISABLED}"
        return FindingCode.NOT_SENT, f"{text}, so none of its pods is sent to the webhook"
    if route(labels, annotations, namespace_labels=namespace_labels) is not None:
        return None
    code = Code.MIRROR_POD if contract.MIRROR_POD in annotations else Code.NO_ROLE
    return code, code.meaning


def route(labels: Labels, annotations: Labels, *, namespace_labels: Labels) -> Route | None:
    """How a pod of a followed namespace is sent, by its own metadata; None if it is not."""
    if contract.MIRROR_POD in annotations:
        return None
    if contract.ROLE in annotations or _looks_like_kuberay(labels):
        return Route(default_role=None)
    return Route(default_role=Role.CLIENT) if namespace_labels.get(contract.DEFAULT_ROLE) == Role.CLIENT else None


def _looks_like_kuberay(labels: Labels) -> bool:
    is_operators = labels.get(contract.KUBERAY_CREATED_BY) == contract.KUBERAY_OPERATOR
    return is_operators and contract.KUBERAY_NODE_TYPE in labels
