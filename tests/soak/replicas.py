"""The production overlay and the guard in a cluster, and replicas of the real service under its ServiceAccount."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import loopback_service, with_service_port
from tests.control_plane.process import free_ports, wait_for
from tests.deploy.rendering import Combination, kustomization, objects
from tests.e2e.certificates.fleet import Fleet, port_of
from tests.e2e.installation import NAME, NAMESPACE
from tests.service import COMMAND, RunningService, running_service
from tests.soak.endpoints import following, service_port

Object = dict[str, Any]


def install(plane: ControlPlane, folder: Path, port: int) -> None:
    """Apply what users apply, the Service being this machine's `port`, for want of a cluster network."""
    made = objects(kustomization(folder, Combination(overlay="production", components=("guard",))))
    items = {"apiVersion": "v1", "kind": "List", "items": [_reachable(item, port) for item in made]}
    plane.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(items))
    plane.wait_for_namespace(NAMESPACE)


def _reachable(item: Object, port: int) -> Object:
    if item["kind"] == "Service":
        return loopback_service(NAMESPACE, NAME, port)
    return with_service_port(item, port) if item["kind"] == "MutatingWebhookConfiguration" else item


@dataclass
class Replicas(Fleet):
    """Those that run; each gets connections as long as it is ready."""

    lame_duck: float = 10.0

    def start(self, *flags: str, command: str = COMMAND) -> RunningService:
        """One more, as soon as it is ready and called; `command` runs ``ray-webhook`` in a way of its own."""
        arguments = ("--kubeconfig", str(self.kubeconfig), "--lame-duck", str(self.lame_duck), *flags)
        run = running_service(self.folder, *arguments, settings=None, self_signed=False, command=command)
        return self._await_called(self.stack.enter_context(run))

    def start_logging_to(self, output: int | IO[bytes]) -> RunningService:
        """One more whose standard output is `output`, so that nothing can be read of it."""
        port, ops_port = free_ports(2)
        ports = ("--host", "127.0.0.1", "--port", str(port), "--ops-port", str(ops_port), "--console-port", "0")
        command = [COMMAND, "serve", *ports, "--kubeconfig", str(self.kubeconfig), "--lame-duck", str(self.lame_duck)]
        process = self.stack.enter_context(subprocess.Popen(command, stdout=output))
        self.stack.callback(process.terminate)
        made = RunningService(process, url=f"https://127.0.0.1:{port}", ops_url=f"http://127.0.0.1:{ops_port}")
        return self._await_called(made)

    def leaders(self) -> list[RunningService]:
        """Those that lead: one, or none for a while."""
        return [replica for replica in self.replicas if replica.metric("ray_webhook_leader") == 1]

    def end(self, replica: RunningService) -> None:
        """End it as a kubelet does, and wait for that."""
        replica.process.send_signal(signal.SIGTERM)
        replica.process.wait(timeout=self.lame_duck + 20)
        self.replicas.remove(replica)

    def replace(self, *others: RunningService) -> None:
        """Let these be the only ones: they are called, so the rest may end, one after the other."""
        for replica in [one for one in self.replicas if one not in others]:
            self.end(replica)

    def _await_called(self, replica: RunningService) -> RunningService:
        self.replicas.append(replica)
        wait_for(lambda: port_of(replica) in self.balancer.targets, "the new replica is called")
        return replica

    def _call(self) -> None:
        """Whoever follows readiness does that."""


@contextmanager
def two_replicas(plane: ControlPlane, folder: Path, *, lame_duck: float) -> Iterator[Replicas]:
    """The installation, with two replicas that have settled on a certificate."""
    with service_port() as balancer, ExitStack() as stack:
        install(plane, folder / "overlay", balancer.port)
        kubeconfig = plane.service_account_kubeconfig(NAMESPACE, NAME)
        replicas = Replicas(
            plane=plane, folder=folder, balancer=balancer, kubeconfig=kubeconfig, stack=stack, lame_duck=lame_duck
        )
        stack.enter_context(following(balancer, lambda: list(replicas.replicas)))
        replicas.start()
        replicas.start()
        wait_for(replicas.is_settled, "one certificate is served and trusted")
        yield replicas
