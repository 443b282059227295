"""What the shipped manifests say, for an installed wheel that has no deploy/ beside it.

Tables, which tests/cluster/checks/test_shipped.py keeps equal to deploy/kustomize/base. Which pods are sent is the same
as in the policies that stand in for the webhook.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from webhook import contract
from webhook.cluster.checks.installation import Installation
from webhook.contract import Role
from webhook.manifests.policy.objects import selected
from webhook.manifests.policy.who import sent

Object = dict[str, Any]

SELECTING: Final = ("rules", "namespaceSelector", "objectSelector", "matchConditions")
"""The fields of an entry that say which pods are sent."""
ADMISSION: Final = "admissionregistration.k8s.io"
RBAC: Final = "rbac.authorization.k8s.io"

_RULES: Final = [
    {"apiGroups": [""], "apiVersions": ["v1"], "operations": [verb], "resources": [resource], "scope": "Namespaced"}
    for verb, resource in (("CREATE", "pods"), ("UPDATE", "pods/ephemeralcontainers"))
]
HANDLING: Final[Object] = {
    "failurePolicy": "Ignore",
    "timeoutSeconds": 3,
    "matchPolicy": "Equivalent",
    "reinvocationPolicy": "IfNeeded",
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
}
"""How the API server calls, and what happens where nobody answers."""


def entries(namespace: str) -> dict[str, Object]:
    """Of the webhook configuration what says which pods are sent, and how; by the entry's name.

    Args:
        namespace: the webhook's own.
    """
    others = [*sorted(contract.SYSTEM_NAMESPACES, reverse=True), namespace]
    return {
        contract.ENTRIES[default_role]: {
            "path": path,
            "rules": _RULES,
            "namespaceSelector": {"matchExpressions": selected(default_role, "NotIn", others)},
            "objectSelector": {},
            "matchConditions": [
                {"name": name, "expression": _quoted(text)} for name, text in sent(default_role).items()
            ],
            **HANDLING,
        }
        for default_role, path in ((None, contract.MUTATE_PATH), (Role.CLIENT, contract.DEFAULT_CLIENT_PATH))
    }


def _quoted(expression: str) -> str:
    """CEL as the shipped file has it, on a line and in simple quotes."""
    return " ".join(expression.replace('"', "'").split())


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Right:
    """A verb on a resource of a group; `name` limits it to an object, an empty `namespace` means the whole cluster."""

    verb: str
    group: str
    resource: str
    name: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        """As ``kubectl auth can-i`` takes it."""
        resource = ".".join(filter(None, (self.resource, self.group)))
        place = f" -n {self.namespace}" if self.namespace else ""
        return f"{self.verb} {resource}{'/' if self.name else ''}{self.name}{place}"

    @property
    def anywhere(self) -> Right:
        """The same of every name and in every namespace."""
        return Right(verb=self.verb, group=self.group, resource=self.resource)

    @property
    def attributes(self) -> Object:
        """As an access review asks for it."""
        named = {"verb": self.verb, "group": self.group, "resource": self.resource}
        return named | {"name": self.name, "namespace": self.namespace}


def service_rights(installed: Installation) -> Iterator[Right]:
    """What the service uses, as the shipped roles grant it."""
    for name in installed.settings_names:
        yield from _rights(("list", "watch"), "", "configmaps", name)
        yield from _rights(("create", "patch"), "", "events", f"{name}.ray-webhook")
    for resource in ("rayclusters", "rayservices"):
        yield from _rights(("list", "watch"), "ray.io", resource)
    if installed.is_managed:
        own = installed.namespace
        verbs = ("list", "watch", "create", "patch")
        yield from _rights(verbs, "", "secrets", installed.secret, own)
        yield from _rights(verbs, "coordination.k8s.io", "leases", installed.lease, own)
        kind = "mutatingwebhookconfigurations"
        yield from _rights(("list", "watch", "patch"), ADMISSION, kind, installed.configuration)


def _rights(verbs: tuple[str, ...], group: str, resource: str, name: str = "", namespace: str = "") -> Iterator[Right]:
    for verb in verbs:
        yield Right(verb=verb, group=group, resource=resource, name=name, namespace=namespace)


CLUSTER_KINDS: Final = (
    ("", "namespaces"),
    (RBAC, "clusterroles"),
    (RBAC, "clusterrolebindings"),
    (ADMISSION, "mutatingwebhookconfigurations"),
)
NAMESPACED_KINDS: Final = (
    ("", "configmaps"),
    ("", "resourcequotas"),
    ("", "serviceaccounts"),
    ("", "services"),
    ("apps", "deployments"),
    ("policy", "poddisruptionbudgets"),
    (RBAC, "roles"),
    (RBAC, "rolebindings"),
)
"""What an installation creates: the base's objects, and the ConfigMap that an overlay adds."""


def installer_rights(namespace: str) -> Iterator[Right]:
    """What whoever installs needs beside holding the service's own rights; server-side apply is a patch."""
    for verb in ("create", "patch"):
        for group, resource in CLUSTER_KINDS:
            yield Right(verb=verb, group=group, resource=resource)
        for group, resource in NAMESPACED_KINDS:
            yield Right(verb=verb, group=group, resource=resource, namespace=namespace)
