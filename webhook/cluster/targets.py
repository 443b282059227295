"""The RayClusters and RayServices that there are, each as the target that its spec makes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import MappingProxyType

from webhook.cluster.lists import Object
from webhook.injection.discovery import Discovered, discover
from webhook.injection.snapshot import RayTarget, Reference, TargetKind


def reference_to(kind: TargetKind, item: Object) -> Reference:
    """How a pod names the target that a list's or a watch's object is."""
    return Reference(kind=kind, namespace=item["metadata"]["namespace"], name=item["metadata"]["name"])


class TargetStore:
    """All targets; may be used by several threads."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._found: dict[Reference, Discovered] = {}
        self._lock = threading.Lock()

    def put(self, reference: Reference, spec: object) -> Discovered | None:
        """Take a spec; returns what it made, or None where that is as before (KubeRay writes the status often)."""
        found = discover(reference, spec)
        with self._lock:
            if self._found.get(reference) == found:
                return None
            self._found[reference] = found
        return found

    def remove(self, reference: Reference) -> bool:
        """Forget a target; returns whether there was one."""
        with self._lock:
            return self._found.pop(reference, None) is not None

    def targets(self) -> Mapping[Reference, RayTarget]:
        """All there are, as a mapping that does not change."""
        with self._lock:
            return MappingProxyType({reference: found.target for reference, found in self._found.items()})

    def count(self) -> int:
        """How many there are."""
        return len(self._found)
