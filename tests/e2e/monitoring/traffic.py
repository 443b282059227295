"""What makes the metrics move: pods that are injected, denied, warned of, left out, missed and refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.e2e import installation, workloads
from tests.e2e.support import create
from tests.service import RunningService

Object = dict[str, Any]

NAMESPACE: Final = "monitored"
BROKEN: Final = "monitored-broken"
"""Its settings are broken, so clients in it are denied."""
_NOBODY: Final = "https://127.0.0.1:1/mutate"


@contextmanager
def two_namespaces(plane: ControlPlane) -> Iterator[None]:
    """The namespaces, one with broken settings; in the other the API server also calls webhooks that nobody answers."""
    plane.create_namespace(NAMESPACE)
    plane.create_namespace(BROKEN)
    plane.apply([workloads.settings(BROKEN, RAY_HOST="a b")])
    outages = [_unanswered(policy) for policy in ("Ignore", "Fail")]
    plane.apply(outages)
    try:
        yield
    finally:
        for outage in outages:
            path = f"{installation.CONFIGURATIONS}/{outage['metadata']['name']}"
            send(plane.admin, "DELETE", path).checked()
        send(plane.admin, "DELETE", f"/api/v1/namespaces/{BROKEN}/configmaps/ray-settings").checked()


def _unanswered(policy: str) -> Object:
    """A webhook of our webhook's name for pods with the label ``outage`` of that value; its name is the metrics'."""
    webhook = {
        "name": "role.ray.seedcore.io",
        "clientConfig": {"url": _NOBODY},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
        "objectSelector": {"matchLabels": {"outage": policy}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "failurePolicy": policy,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": f"outage-{policy.lower()}"},
        "webhooks": [webhook],
    }


def send_all(plane: ControlPlane, service: RunningService) -> None:
    """One pod of each kind; only the first is stored."""
    created = create(plane, workloads.pod(NAMESPACE, role="client", skip_containers="sidecar")).checked()
    send(plane.admin, "DELETE", f"/api/v1/namespaces/{NAMESPACE}/pods/{created['metadata']['name']}").checked()
    for role in ("head", "worker", "boss"):
        create(plane, workloads.pod(NAMESPACE, role=role), dry_run=True)
    create(plane, workloads.pod(BROKEN, role="client"), dry_run=True)
    create(plane, workloads.pod(NAMESPACE), dry_run=True)
    for policy in ("Ignore", "Fail"):
        missed = workloads.pod(NAMESPACE, role="client")
        missed["metadata"]["labels"] = {"outage": policy}
        create(plane, missed, dry_run=True)
    service.post(b"{")
