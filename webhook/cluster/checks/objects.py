"""Objects of the API server as the checks read them: the metadata typed, the rest by path, whatever shape it has."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from webhook.injection.routing import Labels
from webhook.manifests.workloads import value_at

_T = TypeVar("_T")


class Metadata(msgspec.Struct, rename="camel"):
    """Of an object's metadata what is read."""

    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    labels: dict[str, str | None] | None = None
    annotations: dict[str, str | None] | None = None
    deletion_timestamp: str | None = None


class Item(msgspec.Struct):
    """An object of any kind."""

    metadata: Metadata
    spec: Any = None
    status: Any = None
    data: Any = None
    webhooks: Any = None
    immutable: Any = None

    @property
    def labels(self) -> Labels:
        """Its labels; none are an empty mapping."""
        return self.metadata.labels or {}

    @property
    def annotations(self) -> Labels:
        """Its annotations; none are an empty mapping."""
        return self.metadata.annotations or {}

    @property
    def name(self) -> str:
        """With the namespace, if it has one."""
        metadata = self.metadata
        return f"{metadata.namespace}/{metadata.name}" if metadata.namespace else metadata.name


def part(value: object, kind: type[_T], *path: str | int) -> _T | None:
    """What is at `path` in decoded JSON, if it is there and a `kind`; never raises."""
    found = value_at(value, path)
    return found if isinstance(found, kind) else None


def dicts(value: object, *path: str | int) -> list[dict[str, Any]]:
    """The objects of the list at `path`; what else is in it does not count."""
    return [item for item in part(value, list, *path) or [] if isinstance(item, dict)]


def texts(value: object, *path: str | int) -> list[str]:
    """The texts of the list at `path`; what else is in it does not count."""
    return [item for item in part(value, list, *path) or [] if isinstance(item, str)]
