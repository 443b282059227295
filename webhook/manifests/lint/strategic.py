"""Strategic merge patches of kustomize: parts of manifests, whose pods' annotations stand elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from webhook.manifests.lint.index import Index
from webhook.manifests.workloads import Workload

_DIRECTIVE: Final = "$patch"


def merged(workload: Workload, path: str, target: Mapping[str, Any], index: Index) -> Workload:
    """The workload of a patch in the file at `path` with the annotations of what it patches, where a file has that."""
    name = target.get("name") or workload.name
    templates = index.annotations_near(path, workload.kind, str(name))
    metadata = workload.pod.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    annotations = {**templates.get(workload.path, {}), **(metadata.get("annotations") or {})}
    pod = {**workload.pod, "metadata": {**metadata, "annotations": annotations}}
    return replace(workload, pod=_without_deletions(pod))


def _without_deletions(pod: dict[str, Any]) -> dict[str, Any]:
    """The pod without names of what the patch deletes; the entries keep their places."""
    spec = pod.get("spec")
    if not isinstance(spec, dict):
        return pod
    kept = {
        field: [_container(one) for one in spec[field]]
        for field in ("initContainers", "containers")
        if isinstance(spec.get(field), list)
    }
    return {**pod, "spec": {**spec, **kept}}


def _container(container: Any) -> Any:
    env = container.get("env") if isinstance(container, dict) else None
    if not isinstance(env, list):
        return container
    return {**container, "env": [{"name": _DIRECTIVE} if _is_deletion(entry) else entry for entry in env]}


def _is_deletion(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get(_DIRECTIVE) == "delete"
