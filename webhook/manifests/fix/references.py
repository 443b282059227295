"""The ConfigMaps that a pod refers to, and how."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]


def containers_of(pod: Object) -> Iterator[tuple[str, int, Object]]:
    """The containers of a pod or template: the field, the index there, and the container."""
    spec = pod.get("spec")
    for field in ("initContainers", "containers"):
        listed = spec.get(field) if isinstance(spec, dict) else None
        for index, container in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(container, dict):
                yield field, index, container


def mappings(value: object) -> Iterator[Object]:
    """The mappings in a list, or none where it is no list."""
    yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def env_from(container: Object) -> Iterator[Object]:
    """The references in a container's envFrom."""
    for entry in mappings(container.get("envFrom")):
        if isinstance(reference := entry.get("configMapRef"), dict):
            yield reference


def single_keys(container: Object) -> Iterator[Object]:
    """The references to single keys in a container's env."""
    for entry in mappings(container.get("env")):
        source = entry.get("valueFrom")
        reference = source.get("configMapKeyRef") if isinstance(source, dict) else None
        if isinstance(reference, dict):
            yield reference


def volumes(pod: Object) -> Iterator[Object]:
    """The references in a pod's volumes, projected ones among them."""
    spec = pod.get("spec")
    for volume in mappings(spec.get("volumes") if isinstance(spec, dict) else None):
        projected = volume.get("projected")
        sources = mappings(projected.get("sources")) if isinstance(projected, dict) else ()
        for item in (volume, *sources):
            if isinstance(reference := item.get("configMap"), dict):
                yield reference


def config_maps(pod: Object) -> Iterator[Object]:
    """All references, each as the mapping that has the name."""
    for _, _, container in containers_of(pod):
        yield from env_from(container)
        yield from single_keys(container)
    yield from volumes(pod)
