"""Where the pod template stands in each kind of workload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from webhook.manifests.documents import Document

_TEMPLATE: Final = ("spec", "template")
TEMPLATES: Final[dict[str, tuple[str, ...]]] = {
    "Pod": (),
    "PodTemplate": ("template",),
    "Deployment": _TEMPLATE,
    "ReplicaSet": _TEMPLATE,
    "ReplicationController": _TEMPLATE,
    "StatefulSet": _TEMPLATE,
    "DaemonSet": _TEMPLATE,
    "Job": _TEMPLATE,
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
"""Kind to the path of its pod template; a Pod is its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """One pod template of a manifest.

    Attributes:
        kind, namespace, name: of the object that has it; the namespace is None where the manifest leaves it out.
        pod: the template, or the pod itself, as it stands in the manifest.
    """

    kind: str
    namespace: str | None
    name: str
    pod: Document


def workload_of(document: Document) -> Workload | None:
    """The workload that `document` is, or None where its kind has no pod template or the template is missing."""
    path = TEMPLATES.get(document["kind"])
    if path is None:
        return None
    pod: Any = document
    for key in path:
        pod = pod.get(key) if isinstance(pod, dict) else None
    if not isinstance(pod, dict):
        return None
    meta = document.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    name = meta.get("name") or meta.get("generateName") or "unnamed"
    namespace = meta.get("namespace")
    return Workload(kind=document["kind"], namespace=str(namespace) if namespace else None, name=str(name), pod=pod)
