"""The pods that KubeRay makes of its groups' templates, as far as the rules read them."""

from __future__ import annotations

from typing import Any

from webhook import contract
from webhook.contract import Role
from webhook.injection.snapshot import kuberay_name
from webhook.manifests.documents import Document
from webhook.manifests.workloads import Workload


def with_operators_part(workload: Workload, namespace: str) -> Document:
    """The workload's pod with the labels and the start command that the operator adds; any other kind's as it is."""
    if workload.is_submitter:
        origin = {contract.KUBERAY_ORIGIN_NAME: workload.name, contract.KUBERAY_ORIGIN_KIND: "RayJob"}
        return _labelled(workload.pod, origin)
    if workload.node is None:
        return workload.pod
    labels = {contract.KUBERAY_NODE_TYPE: workload.node.value, contract.KUBERAY_CLUSTER: workload.name}
    return _started(_labelled(workload.pod, labels), _start_command(workload, namespace))


def _labelled(pod: Document, labels: dict[str, str]) -> Document:
    metadata = _mapping(pod.get("metadata"))
    operators = {contract.KUBERAY_CREATED_BY: contract.KUBERAY_OPERATOR, **labels}
    return {**pod, "metadata": {**metadata, "labels": {**_mapping(metadata.get("labels")), **operators}}}


def _start_command(workload: Workload, namespace: str) -> str:
    if workload.node is Role.HEAD:
        return f"ray start --head --port={contract.GCS_PORT}"
    host = f"{kuberay_name(f'{workload.name}-head-svc')}.{namespace}.svc.{contract.CLUSTER_DOMAIN}"
    return f"ray start --address={host}:{contract.GCS_PORT}"


def _started(pod: Document, command: str) -> Document:
    """The pod with the command at the end of the first container's env, where it is none of the template's indices."""
    spec = _mapping(pod.get("spec"))
    containers = spec.get("containers")
    if not isinstance(containers, list) or not containers or not isinstance(containers[0], dict):
        return pod
    env = containers[0].get("env")
    if env is not None and not isinstance(env, list):
        return pod
    entry = {"name": contract.KUBERAY_START_COMMAND, "value": command}
    first = {**containers[0], "env": [*(env or []), entry]}
    return {**pod, "spec": {**spec, "containers": [first, *containers[1:]]}}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
