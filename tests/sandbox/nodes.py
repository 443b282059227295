"""What stands for the nodes: pods become Ready, and those of the webhook run as processes on this machine."""

from __future__ import annotations

import sys
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from tests.control_plane import flags
from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send, service_account_token
from tests.control_plane.process import without_proxies
from tests.e2e.support import MERGE
from tests.sandbox.network import Network
from tests.service import RunningService, running_service

Object = dict[str, Any]

LABEL: Final = "app.kubernetes.io/name"
PROGRAM: Final = "ray-webhook"
TOKEN_SECONDS: Final = 24 * 3600
_EVERY: Final = 0.1
_AFTER_A_FAILURE: Final = 2.0
"""Seconds, both."""


class Nodes:
    """A thread that does what kubelets would; the webhook's pods run with the args and the env that they declare."""

    def __init__(self, plane: ControlPlane, network: Network, folder: Path) -> None:
        self._plane, self._network, self._folder = plane, network, folder
        self._running: dict[str, tuple[RunningService, ExitStack]] = {}
        self._stopping = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Be at work while the block runs."""
        thread = threading.Thread(target=self._run, name="nodes")
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join()

    def _run(self) -> None:
        """What fails is told and tried again, as kubelets do."""
        pause = _EVERY
        while not self._stopping.wait(pause):
            try:
                self._look(send(self._plane.admin, "GET", "/api/v1/pods").checked()["items"])
                pause = _EVERY
            except (AssertionError, OSError, HTTPException, HTTPError, ApiException) as error:
                print(f"nodes: {error}", file=sys.stderr, flush=True)
                pause = _AFTER_A_FAILURE
        self._end_all_but(set())

    def _look(self, pods: list[Object]) -> None:
        ours = {pod["metadata"]["uid"]: pod for pod in pods if _is_the_webhooks(pod)}
        self._end_all_but({uid for uid in ours if uid in self._running and self._runs(uid)})
        for uid, pod in ours.items():
            if uid not in self._running and (mounts := self._mounts(pod)) is not None:
                self._start(pod, mounts)
        self._network.targets = tuple(_port(service) for service, _ in self._running.values())
        for pod in pods:
            if not _is_ready(pod) and (pod["metadata"]["uid"] not in ours or self._answers(pod)):
                self._be_ready(pod)

    def _runs(self, uid: str) -> bool:
        """Whether the process goes on; one that has ended is started again, and its last words are told."""
        service = self._running[uid][0]
        if service.process.poll() is None:
            return True
        print(f"nodes: ended: {b''.join(service.lines[-5:]).decode()}", file=sys.stderr, flush=True)
        return False

    def _start(self, pod: Object, mounts: dict[str, str]) -> None:
        stack, container = ExitStack(), pod["spec"]["containers"][0]
        told = {entry["name"]: entry.get("value", "") for entry in container.get("env", ())}
        environment = without_proxies() | told | {"RAY_WEBHOOK_KUBECONFIG": str(self._kubeconfig(pod))}
        arguments = [_below(argument, mounts) for argument in container["args"][1:]]
        run = running_service(self._folder, *arguments, settings=None, self_signed=False, environment=environment)
        self._running[pod["metadata"]["uid"]] = (stack.enter_context(run), stack)

    def _kubeconfig(self, pod: Object) -> Path:
        namespace, account = pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"]
        token = service_account_token(self._plane.admin, namespace, account, seconds=TOKEN_SECONDS)
        path = self._folder / f"{pod['metadata']['name']}.kubeconfig"
        return flags.write_kubeconfig(path, self._plane.url, self._plane.certificate, token)

    def _mounts(self, pod: Object) -> dict[str, str] | None:
        """Where the files of its Secrets are, by where the container has them; None while one is not there."""
        found = {}
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", ())}
        for mount in pod["spec"]["containers"][0].get("volumeMounts", ()):
            if secret := volumes[mount["name"]].get("secret"):
                path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/secrets/{secret['secretName']}"
                answer = send(self._plane.admin, "GET", path)
                if answer.status != 200:
                    return None
                found[mount["mountPath"]] = str(_written(self._folder / secret["secretName"], answer.body))
        return found

    def _end_all_but(self, uids: set[str]) -> None:
        for uid in self._running.keys() - uids:
            self._running.pop(uid)[1].close()

    def _answers(self, pod: Object) -> bool:
        found = self._running.get(pod["metadata"]["uid"])
        return found is not None and found[0].ops("/readyz")[0] == 200

    def _be_ready(self, pod: Object) -> None:
        """Tell of the pod what its kubelet would; one that has gone meanwhile is answered 404, which is no fault."""
        started = {"running": {"startedAt": datetime.now(UTC).isoformat(timespec="seconds")}}
        common = {"ready": True, "started": True, "restartCount": 0, "imageID": "", "state": started}
        told = {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                common | {"name": one["name"], "image": one["image"]} for one in pod["spec"]["containers"]
            ],
        }
        path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}/status"
        send(self._plane.admin, "PATCH", path, {"status": told}, content_type=MERGE)


def _is_the_webhooks(pod: Object) -> bool:
    return bool(pod["metadata"].get("labels", {}).get(LABEL) == PROGRAM)


def _is_ready(pod: Object) -> bool:
    return any(item["type"] == "Ready" for item in pod.get("status", {}).get("conditions", ()))


def _port(service: RunningService) -> int:
    return int(service.url.rpartition(":")[2])


def _below(argument: str, mounts: dict[str, str]) -> str:
    for path, folder in mounts.items():
        argument = argument.replace(f"{path}/", f"{folder}/")
    return argument


def _written(folder: Path, secret: Object) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in secret["data"].items():
        (folder / name).write_bytes(b64decode(content))
    return folder
