"""What the tests of ``check`` ask, and what they put into the cluster."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.cluster.checks.world import problems
from tests.control_plane.cluster import ControlPlane
from tests.e2e import targets, workloads
from tests.service import run_command
from webhook.cluster import identity
from webhook.cluster.checks.catalogue import BEFORE, chosen
from webhook.cluster.checks.context import Context
from webhook.cluster.checks.installation import Given
from webhook.cluster.checks.network import Sockets
from webhook.cluster.checks.outcome import Failed, Group, Result, Warned
from webhook.cluster.checks.runner import run
from webhook.cluster.client import Api

Object = dict[str, Any]
Results = dict[str, Result]


@dataclass(frozen=True, kw_only=True)
class Site:
    """A cluster, and the command on it."""

    plane: ControlPlane

    def check(self, *arguments: str, kubeconfig: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run ``ray-webhook check``, as the administrator unless told otherwise."""
        return run_command("check", "--kubeconfig", str(kubeconfig or self.plane.kubeconfig), *arguments)

    def look(self, *groups: Group, before: bool = False, kubeconfig: Path | None = None, **given: Any) -> Results:
        """What it finds, of these groups only, without the cost of a process; `given` is what flags would say."""
        api = Api(identity.kubeconfig(kubeconfig or self.plane.kubeconfig))
        context = Context(api, Given(**given), network=Sockets(), now=datetime.now(UTC))
        checks = BEFORE if before else chosen(groups)
        return {result.check.name: result for result in run(checks, context)}

    def problems(self, *groups: Group, **options: Any) -> dict[str, list[str]]:
        """The checks that failed or warned, each with its codes."""
        return problems(self.look(*groups, **options))

    def mend(self, check: str, *groups: Group, **options: Any) -> None:
        """Do what the first hint of a check says."""
        outcomes = self.look(*groups, **options)[check].outcomes
        hint = next(one.hint for one in outcomes if isinstance(one, Warned | Failed))
        self.do(hint.partition(", or ")[0])

    def do(self, command: str) -> None:
        """Run a command as people paste it, as the administrator."""
        subprocess.run(["bash", "-ec", command], check=True, capture_output=True, env=self.plane.environment())


def ray_cluster(namespace: str, name: str) -> list[Object]:
    """A RayCluster with the Service and the head's pod that KubeRay makes of it."""
    labels = {"ray.io/cluster": name, "ray.io/node-type": "head", "ray.io/is-ray-node": "yes"}
    head = workloads.pod(namespace, f"{name}-head", role="none")
    head["metadata"]["labels"] = labels
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": namespace, "name": f"{name}-head-svc"},
        "spec": {"clusterIP": "None", "selector": labels, "ports": [{"name": "client", "port": 10001}]},
    }
    return [targets.cluster(namespace, name, targets.cluster_spec()), service, head]
