"""What the shipped manifests say, for an installed wheel that has no deploy/ beside it.

Tables, which tests/cluster/checks/test_shipped.py keeps equal to deploy/kustomize/base.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from webhook import contract
from webhook.cluster.checks.installation import Installation
from webhook.contract import Role

Object = dict[str, Any]

ROLE_ENTRY: Final = "role.ray.seedcore.io"
DEFAULT_ROLE_ENTRY: Final = "default-role.ray.seedcore.io"
SELECTING: Final = ("rules", "namespaceSelector", "objectSelector", "matchConditions")
"""The fields of an entry that say which pods are sent."""
_ADMISSION: Final = "admissionregistration.k8s.io"
_RBAC: Final = "rbac.authorization.k8s.io"

_DECLARES: Final = (
    f"object.metadata.?annotations[?'{contract.ROLE}'].hasValue() "
    f"|| (object.metadata.?labels[?'{contract.KUBERAY_NODE_TYPE}'].hasValue() "
    f"&& object.metadata.?labels[?'{contract.KUBERAY_CREATED_BY}'].orValue('') == '{contract.KUBERAY_OPERATOR}')"
)
_NO_MIRROR: Final = {
    "name": "no-mirror-pod",
    "expression": f"!object.metadata.?annotations[?'{contract.MIRROR_POD}'].hasValue()",
}
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
    not_ours = _expression("kubernetes.io/metadata.name", "NotIn", "kube-system", "kube-node-lease", namespace)
    followed = [not_ours, _expression(contract.INJECTION, "NotIn", contract.DISABLED)]
    by_default = _expression(contract.DEFAULT_ROLE, "In", Role.CLIENT.value)
    declares = {"name": "declares-a-role-or-is-kuberays", "expression": _DECLARES}
    declares_not = {"name": "declares-no-role-and-is-not-kuberays", "expression": f"!({_DECLARES})"}
    return {
        ROLE_ENTRY: _entry(contract.MUTATE_PATH, followed, declares),
        DEFAULT_ROLE_ENTRY: _entry(contract.DEFAULT_CLIENT_PATH, [*followed, by_default], declares_not),
    }


def _expression(key: str, operator: str, *values: str) -> Object:
    return {"key": key, "operator": operator, "values": list(values)}


def _entry(path: str, namespaces: list[Object], condition: Object) -> Object:
    return {
        "path": path,
        "rules": _RULES,
        "namespaceSelector": {"matchExpressions": namespaces},
        "objectSelector": {},
        "matchConditions": [_NO_MIRROR, condition],
        **HANDLING,
    }


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
        yield from _rights(("list", "watch", "patch"), _ADMISSION, kind, installed.configuration)


def _rights(verbs: tuple[str, ...], group: str, resource: str, name: str = "", namespace: str = "") -> Iterator[Right]:
    for verb in verbs:
        yield Right(verb=verb, group=group, resource=resource, name=name, namespace=namespace)


CLUSTER_KINDS: Final = (
    ("", "namespaces"),
    (_RBAC, "clusterroles"),
    (_RBAC, "clusterrolebindings"),
    (_ADMISSION, "mutatingwebhookconfigurations"),
)
NAMESPACED_KINDS: Final = (
    ("", "configmaps"),
    ("", "resourcequotas"),
    ("", "serviceaccounts"),
    ("", "services"),
    ("apps", "deployments"),
    ("policy", "poddisruptionbudgets"),
    (_RBAC, "roles"),
    (_RBAC, "rolebindings"),
)
"""What an installation creates: the base's objects, and the ConfigMap that an overlay adds."""


def installer_rights(namespace: str) -> Iterator[Right]:
    """What whoever installs needs beside holding the service's own rights; server-side apply is a patch."""
    for verb in ("create", "patch"):
        for group, resource in CLUSTER_KINDS:
            yield Right(verb=verb, group=group, resource=resource)
        for group, resource in NAMESPACED_KINDS:
            yield Right(verb=verb, group=group, resource=resource, namespace=namespace)
