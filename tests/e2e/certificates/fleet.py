"""Replicas of the real service behind one port, as the shipped base runs them, and what the cluster says of them."""

from __future__ import annotations

import json
import ssl
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.control_plane.process import wait_for
from tests.deploy.rendering import written
from tests.e2e import installation
from tests.e2e.balancer import Balancer
from tests.e2e.installation import NAME, NAMESPACE, SERVICE_NAME
from tests.service import RunningService, running_service
from webhook.certificates.authority import describe
from webhook.certificates.content import fingerprint, split

Object = dict[str, Any]

SECRET = f"/api/v1/namespaces/{NAMESPACE}/secrets/ray-webhook-tls"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{NAME}"
CONFIGURATION = f"{installation.CONFIGURATIONS}/{NAME}"


def overlay(folder: Path, port: int) -> Path:
    """A kustomization of the base in which the Service is this machine's `port`, for want of a cluster network."""
    external = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]}
    ports = [{"op": "replace", "path": f"/webhooks/{n}/clientConfig/service/port", "value": port} for n in (0, 1)]
    patches = [
        {"target": {"kind": "Service"}, "patch": json.dumps([{"op": "replace", "path": "/spec", "value": external}])},
        {"target": {"kind": "MutatingWebhookConfiguration"}, "patch": json.dumps(ports)},
    ]
    return written(folder, [installation.BASE], patches=patches)


@dataclass
class Fleet:
    """The replicas that run."""

    plane: ControlPlane
    folder: Path
    balancer: Balancer
    kubeconfig: Path
    stack: ExitStack
    replicas: list[RunningService] = field(default_factory=list)

    def start(self, *flags: str) -> RunningService:
        """One more replica, and what listens there is called."""
        run = running_service(
            self.folder, "--kubeconfig", str(self.kubeconfig), *flags, settings=None, self_signed=False
        )
        replica = self.stack.enter_context(run)
        self.replicas.append(replica)
        self._call()
        return replica

    def kill(self, replica: RunningService) -> None:
        """End it without a word."""
        replica.process.kill()
        replica.process.wait()
        self.replicas.remove(replica)
        self._call()

    def leader(self) -> RunningService:
        """The one that leads."""
        found = [replica for replica in self.replicas if replica.metric("ray_webhook_leader") == 1]
        assert len(found) <= 1
        return found[0]

    def await_ready(self) -> None:
        wait_for(lambda: all(one.ops("/readyz")[0] == 200 for one in self.replicas), "all replicas are ready")

    def _call(self) -> None:
        self.balancer.targets = tuple(port_of(replica) for replica in self.replicas)

    def get(self, path: str) -> Object:
        return send(self.plane.admin, "GET", path).body

    def bundles(self) -> list[bytes]:
        """The caBundle of each entry."""
        webhooks = self.get(CONFIGURATION)["webhooks"]
        return [b64decode(webhook["clientConfig"].get("caBundle", "")) for webhook in webhooks]

    def secret(self) -> dict[str, bytes]:
        """The Secret's data; nothing where there is none."""
        return {key: b64decode(value) for key, value in self.get(SECRET).get("data", {}).items()}

    def is_settled(self) -> bool:
        """Whether one authority is trusted by both entries, and every replica serves what the Secret says."""
        data = self.secret()
        if not data or len(split(data["ca.crt"])) != 1 or self.bundles() != [data["ca.crt"]] * 2:
            return False
        return {served(replica) for replica in self.replicas} == {fingerprint(data["tls.crt"])}


def port_of(replica: RunningService) -> int:
    return int(replica.url.rpartition(":")[2])


def served(replica: RunningService) -> str:
    """The fingerprint of the certificate that is shown; empty for none."""
    try:
        return describe(ssl.get_server_certificate(("127.0.0.1", port_of(replica)), timeout=5).encode()).fingerprint
    except OSError:
        return ""


def is_trusted(replica: RunningService, bundle: bytes) -> bool:
    """Whether an API server with this caBundle would call the replica."""
    import socket

    client = ssl.create_default_context(cadata=bundle.decode())
    with socket.create_connection(("127.0.0.1", port_of(replica)), timeout=5) as plain:
        try:
            with client.wrap_socket(plain, server_hostname=SERVICE_NAME):
                return True
        except ssl.SSLError:
            return False


@contextmanager
def fleet_on(plane: ControlPlane, folder: Path, balancer: Balancer) -> Iterator[Fleet]:
    """No replica yet; all that are started end with the block."""
    kubeconfig = plane.service_account_kubeconfig(NAMESPACE, NAME)
    with ExitStack() as stack:
        yield Fleet(plane=plane, folder=folder, balancer=balancer, kubeconfig=kubeconfig, stack=stack)


def seconds(since: float) -> float:
    return time.monotonic() - since
