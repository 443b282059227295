"""What makes the metrics move: an application, and pods injected, denied, warned of, left out, missed and refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.control_plane.process import Server, free_ports
from tests.e2e import installation, workloads
from tests.e2e.support import create
from tests.ray_config.support import FAKE_RAY
from tests.service import RunningService

Object = dict[str, Any]

NAMESPACE: Final = "monitored"
BROKEN: Final = "monitored-broken"
"""Its settings are broken, so clients in it are denied."""
KEPT: Final = "monitored-certificate"
"""A webhook configuration of which a service in the namespace ``monitored`` keeps the caBundle; it asks for no pod."""
DISTRUSTED: Final = "Distrust"
_NOBODY: Final = "https://127.0.0.1:1"
_APPLICATION: Final = Path(__file__).with_name("application.py")


@contextmanager
def two_namespaces(plane: ControlPlane, service: RunningService) -> Iterator[None]:
    """The namespaces, one with broken settings.

    In the other the API server also calls webhooks that nobody answers, and `service`, whose certificate it does not
    trust there.
    """
    plane.create_namespace(NAMESPACE)
    plane.create_namespace(BROKEN)
    plane.apply([workloads.settings(BROKEN, RAY_HOST="a b")])
    outages = [_unanswered(policy, _NOBODY, failure_policy=policy) for policy in ("Ignore", "Fail")]
    called = {"service": {"namespace": NAMESPACE, "name": installation.NAME}}
    kept = _configuration(KEPT, called, label="none", failure_policy="Ignore")
    configurations = [*outages, _unanswered(DISTRUSTED, service.url, failure_policy="Ignore"), kept]
    plane.apply(configurations)
    try:
        yield
    finally:
        for configuration in configurations:
            path = f"{installation.CONFIGURATIONS}/{configuration['metadata']['name']}"
            send(plane.admin, "DELETE", path).checked()
        send(plane.admin, "DELETE", f"/api/v1/namespaces/{BROKEN}/configmaps/ray-settings").checked()


def _unanswered(label: str, url: str, *, failure_policy: str) -> Object:
    return _configuration(
        f"outage-{label.lower()}", {"url": f"{url}/mutate"}, label=label, failure_policy=failure_policy
    )


def _configuration(name: str, client: Object, *, label: str, failure_policy: str) -> Object:
    """A webhook of our webhook's name for pods with the label ``outage`` of that value; its name is the metrics'."""
    webhook = {
        "name": "role.ray.seedcore.io",
        "clientConfig": client,
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
        "objectSelector": {"matchLabels": {"outage": label}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "failurePolicy": failure_policy,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [webhook],
    }


@contextmanager
def running_application(folder: Path) -> Iterator[str]:
    """An application that uses ray_config, over and over: the URL of its metrics. It logs to `folder`."""
    (port,) = free_ports(1)
    command = (sys.executable, "-P", _APPLICATION, str(port), FAKE_RAY)
    server = Server(command, folder / "application.log")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()


def send_all(plane: ControlPlane, service: RunningService) -> None:
    """One pod of each kind; only the first is stored."""
    created = create(plane, workloads.pod(NAMESPACE, role="client", skip_containers="sidecar")).checked()
    send(plane.admin, "DELETE", f"/api/v1/namespaces/{NAMESPACE}/pods/{created['metadata']['name']}").checked()
    for role in ("head", "worker", "boss"):
        create(plane, workloads.pod(NAMESPACE, role=role), dry_run=True)
    create(plane, workloads.pod(BROKEN, role="client"), dry_run=True)
    create(plane, workloads.pod(NAMESPACE), dry_run=True)
    for outage in ("Ignore", "Fail", DISTRUSTED):
        send_missed(plane, outage)
    service.post(b"{")


def send_missed(plane: ControlPlane, outage: str) -> None:
    """One pod for which the API server also calls the webhook of that outage."""
    missed = workloads.pod(NAMESPACE, role="client")
    missed["metadata"]["labels"] = {"outage": outage}
    create(plane, missed, dry_run=True)
