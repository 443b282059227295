"""The AdmissionReview that the API server would send for a manifest's pod."""

from __future__ import annotations

from typing import Any, Final

from webhook.injection.review import API_VERSION
from webhook.manifests.documents import Document
from webhook.manifests.workloads import Workload

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
    if workload.kind == "Pod":
        return {**workload.pod, "metadata": {**_metadata(workload), "namespace": namespace}}
    metadata = {**_metadata(workload), "generateName": f"{workload.name}-", "namespace": namespace}
    return {"kind": "Pod", "apiVersion": "v1", **workload.pod, "metadata": metadata}


def _metadata(workload: Workload) -> dict[str, Any]:
    metadata = workload.pod.get("metadata")
    return metadata if isinstance(metadata, dict) else {}
