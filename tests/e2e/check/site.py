"""What the tests of ``check`` ask, and what they put into the cluster."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from tests.control_plane.cluster import ControlPlane
from tests.e2e import targets, workloads
from tests.service import run_command

Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Site:
    """A cluster, and the command on it."""

    plane: ControlPlane

    def check(self, *arguments: str, kubeconfig: str = "") -> subprocess.CompletedProcess[str]:
        """Run ``ray-webhook check``, as the administrator if nobody else is named."""
        return run_command("check", "--kubeconfig", kubeconfig or str(self.plane.kubeconfig), *arguments)

    def document(self, *arguments: str, kubeconfig: str = "") -> Object:
        """What it prints for programs."""
        ended = self.check("-o", "json", *arguments, kubeconfig=kubeconfig)
        assert ended.returncode in (0, 1), ended.stderr
        document: Object = json.loads(ended.stdout)
        assert document["fine"] is (ended.returncode == 0)
        return document

    def failed(self, *arguments: str, kubeconfig: str = "") -> dict[str, list[str]]:
        """The checks that failed, each with its codes."""
        return self.told("failed", *arguments, kubeconfig=kubeconfig)

    def told(self, state: str, *arguments: str, kubeconfig: str = "") -> dict[str, list[str]]:
        """The checks that ended so, each with the codes of what it said."""
        return {
            check["name"]: [outcome["code"] for outcome in check["outcomes"] if outcome["code"]]
            for check in self.document(*arguments, kubeconfig=kubeconfig)["checks"]
            if check["state"] == state
        }


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
