"""What no control plane has: a thread that makes the pods of one namespace Ready, as kubelets would."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.e2e.support import MERGE


@contextmanager
def nursed(plane: ControlPlane, namespace: str) -> Iterator[None]:
    """Every pod of `namespace` becomes Ready while the block runs."""
    stopping = threading.Event()
    thread = threading.Thread(target=_run, args=(plane, namespace, stopping), name="nurse")
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _run(plane: ControlPlane, namespace: str, stopping: threading.Event) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    told = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
    while not stopping.wait(0.1):
        for pod in send(plane.admin, "GET", path).checked()["items"]:
            if pod.get("status", {}).get("phase") == "Pending":
                # One that has gone meanwhile is answered 404, which is no fault.
                send(plane.admin, "PATCH", f"{path}/{pod['metadata']['name']}/status", told, content_type=MERGE)
