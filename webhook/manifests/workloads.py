"""Where the pod templates stand in each kind of workload, and what their pods are.

KubeRay's kinds have several: one for the head, one for each group of workers, one for the pod that submits a RayJob's
job. A RayJob, RayService or RayCronJob makes RayClusters of names of its own, so which one its pods belong to is not
known before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from webhook.manifests.documents import Document

Path = tuple[str | int, ...]

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
"""Kind to the path of its only pod template; a Pod is its own."""

RAY_CLUSTERS: Final[dict[str, tuple[str, ...]]] = {
    "RayCluster": ("spec",),
    "RayJob": ("spec", "rayClusterSpec"),
    "RayService": ("spec", "rayClusterConfig"),
    "RayCronJob": ("spec", "jobTemplate", "rayClusterSpec"),
}
"""KubeRay's kinds to the path of the spec of their RayCluster, which has the templates of its nodes."""

_SUBMITTERS: Final[dict[str, tuple[str, ...]]] = {
    "RayJob": ("spec", "submitterPodTemplate"),
    "RayCronJob": ("spec", "jobTemplate", "submitterPodTemplate"),
}
KINDS: Final = (*TEMPLATES, *RAY_CLUSTERS)


class Part(StrEnum):
    """What the pods of a template are."""

    PLAIN = "pod"
    HEAD = "head"
    WORKER = "worker"
    SUBMITTER = "submitter"


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """One pod template of a manifest.

    Attributes:
        kind, namespace, name: of the object that has it; the namespace is None where the manifest leaves it out.
        pod: the template, or the pod itself, as it stands in the manifest.
        path: the way to it from the root of the document.
        part: what its pods are.
        group: of the template of KubeRay's workers, the name of the group; else empty.
    """

    kind: str
    namespace: str | None
    name: str
    pod: Document
    path: Path
    part: Part = Part.PLAIN
    group: str = ""

    def title(self, namespace: str) -> str:
        """What to call it, where `namespace` is that of manifests that name none."""
        part = "" if self.part is Part.PLAIN else f" {self.part} {self.group}".rstrip()
        return f"{self.kind} {self.namespace or namespace}/{self.name}{part}"


def workloads_of(document: Document) -> list[Workload]:
    """The pod templates of `document`; none where its kind has none, or where they are missing."""
    meta = document.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    name = meta.get("name") or meta.get("generateName") or "unnamed"
    namespace = meta.get("namespace")
    return [
        Workload(
            kind=document["kind"],
            namespace=str(namespace) if namespace else None,
            name=str(name),
            pod=pod,
            path=path,
            part=part,
            group=group,
        )
        for path, part, group in _templates(document)
        if isinstance(pod := value_at(document, path), dict)
    ]


def _templates(document: Document) -> Iterator[tuple[Path, Part, str]]:
    kind = document["kind"]
    if kind in TEMPLATES:
        yield TEMPLATES[kind], Part.PLAIN, ""
    if kind in RAY_CLUSTERS:
        yield from _nodes(document, RAY_CLUSTERS[kind])
    if kind in _SUBMITTERS:
        yield _SUBMITTERS[kind], Part.SUBMITTER, ""


def _nodes(document: Document, spec: Path) -> Iterator[tuple[Path, Part, str]]:
    yield (*spec, "headGroupSpec", "template"), Part.HEAD, ""
    groups = value_at(document, (*spec, "workerGroupSpecs"))
    for index, group in enumerate(groups if isinstance(groups, list) else []):
        name = group.get("groupName") if isinstance(group, dict) else None
        yield (*spec, "workerGroupSpecs", index, "template"), Part.WORKER, str(name or index)


def value_at(value: Any, path: Path) -> Any:
    """The part of a plain `value` at `path`; None where there is none."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value
