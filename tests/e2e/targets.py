"""RayClusters and RayServices as their users write them, and CustomResourceDefinitions that take them as they are."""

from __future__ import annotations

from typing import Any, Final

from tests.e2e.workloads import IMAGE

Object = dict[str, Any]


ANYTHING: Final = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def definitions() -> list[Object]:
    """The kinds RayCluster and RayService of ray.io/v1, namespaced, whose objects may hold anything."""
    return [definition("RayCluster"), definition("RayService")]


def definition(kind: str, schema: Object = ANYTHING, **version_fields: Any) -> Object:
    """A kind of ray.io/v1, namespaced, whose objects are of `schema`."""
    served = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    version = served | version_fields
    names = {"kind": kind, "singular": kind.lower(), "plural": f"{kind.lower()}s"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.ray.io"},
        "spec": {"group": "ray.io", "scope": "Namespaced", "names": names, "versions": [version]},
    }


def cluster(namespace: str, name: str, spec: Object) -> Object:
    """A RayCluster."""
    metadata = {"namespace": namespace, "name": name}
    return {"apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": metadata, "spec": spec}


def service(namespace: str, name: str, cluster_spec: Object, **spec: Any) -> Object:
    """A RayService over a cluster of this spec."""
    metadata = {"namespace": namespace, "name": name}
    whole = {"rayClusterConfig": cluster_spec, **spec}
    return {"apiVersion": "ray.io/v1", "kind": "RayService", "metadata": metadata, "spec": whole}


def cluster_spec(*, head_service: str | None = None, **ports: int) -> Object:
    """A RayCluster's spec, with a head Service of that name and the head container's ports by name."""
    listed = [{"name": name, "containerPort": port} for name, port in ports.items()]
    container = {"name": "ray-head", "image": IMAGE, **({"ports": listed} if listed else {})}
    named = {"headService": {"metadata": {"name": head_service}}} if head_service else {}
    return {"headGroupSpec": {"rayStartParams": {}, "template": {"spec": {"containers": [container]}}, **named}}


def path(target: Object) -> str:
    """The path of a RayCluster or RayService."""
    metadata = target["metadata"]
    return f"/apis/ray.io/v1/namespaces/{metadata['namespace']}/{target['kind'].lower()}s/{metadata['name']}"
