"""The AdmissionReview that the API server would send for a manifest's pod."""

from __future__ import annotations

from typing import Any, Final

from webhook import contract
from webhook.injection.review import API_VERSION
from webhook.manifests.documents import Document
from webhook.manifests.workloads import Part, Workload

_POD: Final = {"group": "", "version": "v1", "kind": "Pod"}
_PODS: Final = {"group": "", "version": "v1", "resource": "pods"}


def review_of(workload: Workload, *, namespace: str, uid: str) -> Document:
    """The review of the creation of the workload's pod in `namespace`; nothing of the pod is left out."""
    return {
        "kind": "AdmissionReview",
        "apiVersion": API_VERSION,
        "request": {
            "uid": uid,
            "kind": _POD,
            "resource": _PODS,
            "namespace": namespace,
            "operation": "CREATE",
            "object": _pod(workload, namespace),
            "oldObject": None,
            "dryRun": True,
        },
    }


def _pod(workload: Workload, namespace: str) -> Document:
    metadata = _metadata(workload.pod)
    if workload.kind == "Pod":
        return {**workload.pod, "metadata": {**metadata, "namespace": namespace}}
    metadata = {**metadata, "generateName": f"{workload.name}-", "namespace": namespace}
    pod = {"kind": "Pod", "apiVersion": "v1", **workload.pod, "metadata": metadata}
    return pod if workload.part is Part.PLAIN else _of_operator(workload, pod)


def _metadata(pod: Document) -> dict[str, Any]:
    metadata = pod.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _of_operator(workload: Workload, pod: Document) -> Document:
    """The pod as KubeRay makes it, as far as the rules read it.

    The start command is left empty: what KubeRay will write as RAY_ADDRESS it writes where the template has none. So
    a wrong one is to be taken out of the template, and not replaced as in the pod.
    """
    metadata = pod["metadata"]
    labels = metadata.get("labels")
    if labels is None or isinstance(labels, dict):
        pod = {**pod, "metadata": {**metadata, "labels": {**(labels or {}), **_labels(workload)}}}
    return pod if workload.part is Part.SUBMITTER else _started(pod)


def _labels(workload: Workload) -> dict[str, str]:
    labels = {contract.KUBERAY_CREATED_BY: contract.KUBERAY_OPERATOR}
    if workload.part is Part.SUBMITTER:
        return labels | {contract.KUBERAY_ORIGIN_NAME: workload.name, contract.KUBERAY_ORIGIN_KIND: "RayJob"}
    labels |= {contract.KUBERAY_NODE_TYPE: workload.part.value}
    return labels | ({contract.KUBERAY_CLUSTER: workload.name} if workload.kind == "RayCluster" else {})


def _started(pod: Document) -> Document:
    """The pod with a start command in its first container, if it has one."""
    spec = pod.get("spec")
    containers = spec.get("containers") if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not isinstance(containers, list) or not containers:
        return pod
    first, *others = containers
    env = first.get("env") if isinstance(first, dict) else first
    if not isinstance(first, dict) or not (env is None or isinstance(env, list)):
        return pod
    command = {"name": contract.KUBERAY_START_COMMAND, "value": ""}
    return {**pod, "spec": {**spec, "containers": [{**first, "env": [*(env or []), command]}, *others]}}
