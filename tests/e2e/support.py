"""What tests ask of the API server and of the service."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import Answer, Document, send
from tests.control_plane.process import wait_for
from tests.e2e import workloads
from tests.service import RunningService

Object = dict[str, Any]

DISABLED: Final = "ray.seedcore.io/injection"
DRY_RUN: Final = {"dryRun": "All"}
MERGE: Final = "application/merge-patch+json"
STRATEGIC_MERGE: Final = "application/strategic-merge-patch+json"
_COUNTED: Final = ("ray_webhook_decisions_total{", "ray_webhook_refused_requests_total{")


def create(plane: ControlPlane, document: Document, *, dry_run: bool = False) -> Answer:
    """POST a pod or a ConfigMap."""
    collection = {"Pod": "pods", "ConfigMap": "configmaps"}[document["kind"]]
    path = f"/api/v1/namespaces/{document['metadata']['namespace']}/{collection}"
    return send(plane.admin, "POST", path, document, query=DRY_RUN if dry_run else None)


def env_of(pod: Document) -> list[Object]:
    """The env of the first container."""
    env: list[Object] = pod["spec"]["containers"][0].get("env", [])
    return env


def next_pod(plane: ControlPlane, namespace: str, **written: str) -> Object:
    """The pod that a creation with our annotations would make now, by default a client; nothing is stored."""
    written = written or {"role": "client"}
    return create(plane, workloads.pod(namespace, **written), dry_run=True).checked()


def next_env(plane: ControlPlane, namespace: str, **written: str) -> list[Object]:
    """The env of :func:`next_pod`."""
    return env_of(next_pod(plane, namespace, **written))


def next_host(plane: ControlPlane, namespace: str, **written: str) -> str | None:
    """The RAY_HOST of :func:`next_pod`."""
    values = {entry["name"]: entry.get("value") for entry in next_env(plane, namespace, **written)}
    return values.get("RAY_HOST")


def seconds_until(read: Callable[[], object], wanted: object, *, limit: float = 10) -> float:
    """How long it takes from now until `read` returns `wanted`; a failure shows what came last."""
    started = time.monotonic()
    while (found := read()) != wanted:
        if time.monotonic() - started > limit:
            raise AssertionError(f"still {found!r} after {limit} s, not {wanted!r}")
        time.sleep(0.005)
    return time.monotonic() - started


def pods_of(plane: ControlPlane, namespace: str, count: int, *, selector: str = "") -> list[Object]:
    """The pods of a namespace, once there are `count`."""
    query = {"labelSelector": selector} if selector else None
    path = f"/api/v1/namespaces/{namespace}/pods"

    def found() -> list[Object] | None:
        items: list[Object] = send(plane.admin, "GET", path, query=query).checked()["items"]
        return items if len(items) >= count else None

    return wait_for(found, f"{namespace} has {count} pods {selector}")


@contextmanager
def away(plane: ControlPlane, namespace: str) -> Iterator[None]:
    """The webhook is not called for pods of the namespace while the block runs."""
    plane.kubectl("label", "namespace", namespace, f"{DISABLED}=disabled")
    seconds_until(lambda: next_host(plane, namespace), None)
    yield
    plane.kubectl("label", "namespace", namespace, f"{DISABLED}-")
    wait_for(lambda: next_host(plane, namespace), "the webhook is called again")


def be_ready(plane: ControlPlane, pod: Object, status: str = "True") -> None:
    """Tell of the pod what its kubelet would."""
    metadata = pod["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
    told = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": status}]}}
    send(plane.admin, "PATCH", path, told, content_type=MERGE).checked()


def reviews_received(service: RunningService) -> float:
    """How many admission requests have reached the service, whatever became of them."""
    return sum(float(line.rpartition(" ")[2]) for line in metrics(service).splitlines() if line.startswith(_COUNTED))


def watch_states(service: RunningService) -> dict[str, str]:
    """The state of each of the service's watches, by what it watches."""
    states = re.findall(r'^ray_webhook_watch_state\{resource="(.*)",state="(.*)"\} 1', metrics(service), re.MULTILINE)
    return dict(states)


def metrics(service: RunningService) -> str:
    """The service's metrics."""
    return service.ops("/metrics")[1]
