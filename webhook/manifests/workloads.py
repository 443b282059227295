"""Where the pod templates stand in each kind of workload, KubeRay's among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from webhook.contract import Role
from webhook.errors import quote
from webhook.manifests.documents import Document

Path = tuple[str | int, ...]
"""The way from a document's root to a part of it: keys of mappings and indices of lists."""

_TEMPLATE: Final = ("spec", "template")
_JOB: Final = ("spec", "jobTemplate")
_SUBMITTER: Final = "submitterPodTemplate"
TEMPLATES: Final[dict[str, tuple[str, ...]]] = {
    "Pod": (),
    "PodTemplate": ("template",),
    "Deployment": _TEMPLATE,
    "ReplicaSet": _TEMPLATE,
    "ReplicationController": _TEMPLATE,
    "StatefulSet": _TEMPLATE,
    "DaemonSet": _TEMPLATE,
    "Job": _TEMPLATE,
    "CronJob": (*_JOB, "spec", "template"),
}
"""Kind to the path of its pod template; a Pod is its own."""

CLUSTERS: Final[dict[str, tuple[str, ...]]] = {
    "RayCluster": ("spec",),
    "RayService": ("spec", "rayClusterConfig"),
    "RayJob": ("spec", "rayClusterSpec"),
    "RayCronJob": (*_JOB, "rayClusterSpec"),
}
"""KubeRay's kinds to the path of the RayCluster's spec in them."""

SUBMITTERS: Final[dict[str, tuple[str, ...]]] = {
    "RayJob": ("spec", _SUBMITTER),
    "RayCronJob": (*_JOB, _SUBMITTER),
}
"""KubeRay's kinds to the path of the template of the pod that submits the job."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """One pod template of a manifest.

    Attributes:
        kind, namespace, name: of the object that has it; the namespace is None where the manifest leaves it out.
        pod: the template, or the pod itself, as it stands in the manifest.
        path: where it stands in the object.
        part: which of the object's templates it is, where there may be several: ``head``, ``workers "small"``.
        node: what KubeRay makes of it, head or worker.
        is_submitter: whether KubeRay makes of it the pod that submits a job.
    """

    kind: str
    namespace: str | None
    name: str
    pod: Document
    path: Path = ()
    part: str | None = None
    node: Role | None = None
    is_submitter: bool = False


def workload_of(document: Document) -> Workload | None:
    """The workload that `document` is, or None where its kind has no pod template or the template is missing."""
    path = TEMPLATES.get(document["kind"])
    return None if path is None else _workload(document, path)


def workloads_of(document: Document) -> Iterator[Workload]:
    """All pod templates of `document`, of which KubeRay's kinds have several."""
    kind = document["kind"]
    found = [workload_of(document)]
    if kind in CLUSTERS:
        found += _groups(document, CLUSTERS[kind])
    if kind in SUBMITTERS:
        found.append(_workload(document, SUBMITTERS[kind], part="submitter", is_submitter=True))
    yield from (workload for workload in found if workload is not None)


def _groups(document: Document, spec: Path) -> Iterator[Workload | None]:
    yield _workload(document, (*spec, "headGroupSpec", "template"), part="head", node=Role.HEAD)
    groups = part_at(document, (*spec, "workerGroupSpecs"))
    for index, group in enumerate(groups if isinstance(groups, list) else ()):
        name = group.get("groupName") if isinstance(group, dict) else None
        part = "workers" if name is None else f"workers {quote(str(name))}"
        yield _workload(document, (*spec, "workerGroupSpecs", index, "template"), part=part, node=Role.WORKER)


def _workload(document: Document, path: Path, **more: Any) -> Workload | None:
    pod = part_at(document, path)
    if not isinstance(pod, dict):
        return None
    meta = document.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    name = meta.get("name") or meta.get("generateName") or "unnamed"
    namespace = meta.get("namespace")
    return Workload(
        kind=document["kind"],
        namespace=str(namespace) if namespace else None,
        name=str(name),
        pod=pod,
        path=path,
        **more,
    )


def part_at(value: Any, path: Path) -> Any:
    """The part of `value` at `path`, or None where there is none."""
    for key in path:
        if isinstance(value, dict) and isinstance(key, str):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return None
    return value
