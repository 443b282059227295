"""KubeRay's four kinds with closed schemas above the pod templates: no other field is kept."""

from __future__ import annotations

from typing import Any

from tests.e2e.targets import ANYTHING, definition

Object = dict[str, Any]


def closed_definitions() -> list[Object]:
    """RayCluster, RayService, RayJob and RayCronJob."""
    return [definition(kind, _whole(spec), subresources={"status": {}}) for kind, spec in _specs().items()]


def _specs() -> dict[str, Object]:
    text, flag, number = {"type": "string"}, {"type": "boolean"}, {"type": "integer"}
    group: Object = {"groupName": text, "replicas": number, "rayStartParams": ANYTHING, "template": ANYTHING}
    groups = {"type": "array", "items": _object(**group)}
    cluster = _object(headGroupSpec=_object(**group), workerGroupSpecs=groups, suspend=flag)
    job = _object(entrypoint=text, suspend=flag, rayClusterSpec=cluster, submitterPodTemplate=ANYTHING)
    return {
        "RayCluster": cluster,
        "RayService": _object(serveConfigV2=text, rayClusterConfig=cluster),
        "RayJob": job,
        "RayCronJob": _object(schedule=text, jobTemplate=job),
    }


def _object(**properties: Object) -> Object:
    return {"type": "object", "properties": properties}


def _whole(spec: Object) -> Object:
    return _object(
        apiVersion={"type": "string"}, kind={"type": "string"}, metadata={"type": "object"}, spec=spec, status=ANYTHING
    )
