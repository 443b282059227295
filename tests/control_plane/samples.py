"""Small objects that the control plane's own tests create."""

from typing import Any, Final

from .cluster import ControlPlane
from .objects import send

POD_SPEC: Final = {"containers": [{"name": "main", "image": "registry.invalid/none"}]}


def pods_path(namespace: str) -> str:
    """Where pods of a namespace are created and listed."""
    return f"/api/v1/namespaces/{namespace}/pods"


def pods_of(plane: ControlPlane, namespace: str) -> list[dict[str, Any]]:
    """The pods of a namespace."""
    items: list[dict[str, Any]] = send(plane.admin, "GET", pods_path(namespace)).checked()["items"]
    return items


def pod(namespace: str, name: str, *, env: tuple[dict[str, str], ...] = ()) -> dict[str, Any]:
    """A pod of one container with these environment variables."""
    container = {"name": "main", "image": "registry.invalid/none", "env": list(env)}
    metadata = {"namespace": namespace, "name": name}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def deployment(namespace: str, name: str) -> dict[str, Any]:
    """A Deployment of two pods."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": POD_SPEC}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": namespace, "name": name},
        "spec": spec,
    }


def definition(group: str) -> dict[str, Any]:
    """A CustomResourceDefinition of the kind Thing, namespaced, whose objects may hold anything."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "things", "singular": "thing", "kind": "Thing"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def webhook_configuration(namespace: str, service: str) -> dict[str, Any]:
    """One webhook behind a Service that must answer for each pod created in that namespace; no port is named."""
    webhook = {
        "name": "hook.tests.example.com",
        "clientConfig": {"service": {"namespace": namespace, "name": service, "path": "/mutate"}},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 3,
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": service},
        "webhooks": [webhook],
    }
