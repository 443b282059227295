"""What is listed and watched, and whole lists by pages, of which only what is read is decoded and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final, Generic, TypeVar

import msgspec

from webhook.cluster.client import Api
from webhook.errors import ClusterError
from webhook.injection.snapshot import TargetKind

_T = TypeVar("_T")
Object = dict[str, Any]

_CONFIG_MAPS: Final = "/api/v1/configmaps"


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """What to list and watch.

    Attributes:
        name: for people and as a metric's label.
        path: such as ``/apis/ray.io/v1/rayclusters``, or ``/api/v1/namespaces/NAMESPACE/secrets`` for one namespace.
        object_name: only objects of this name, so that a ClusterRole can say ``resourceNames``.
        optional: whether its absence means that there are none: a CustomResourceDefinition that is not installed, or
            rights that are missing from the start. (Rights that go missing later leave what is known.)
    """

    name: str
    path: str
    object_name: str | None = None
    optional: bool = False

    @property
    def selector(self) -> dict[str, str]:
        """The query that selects the objects of that name."""
        return {"fieldSelector": f"metadata.name={self.object_name}"} if self.object_name else {}


def settings_resource(name: str) -> Resource:
    """The ConfigMaps called `name`, which hold settings."""
    return Resource(name=f"configmaps/{name}", path=_CONFIG_MAPS, object_name=name)


TARGETS: Final = {
    TargetKind.CLUSTER: Resource(name="rayclusters", path="/apis/ray.io/v1/rayclusters", optional=True),
    TargetKind.SERVICE: Resource(name="rayservices", path="/apis/ray.io/v1/rayservices", optional=True),
}
"""What a pod may name as its target."""


class _Metadata(msgspec.Struct):
    """Of an object's metadata what is read."""

    name: str
    namespace: str = ""
    uid: str = ""
    resourceVersion: str = ""  # noqa: N815  as Kubernetes spells it
    annotations: Any = None
    ownerReferences: Any = None  # noqa: N815


class _Item(msgspec.Struct):
    """Of an object what is read; all but its metadata may be anything."""

    metadata: _Metadata
    data: Any = None
    spec: Any = None
    webhooks: Any = None
    immutable: Any = None


class _ListMetadata(msgspec.Struct, rename={"following": "continue"}):
    resourceVersion: str = ""  # noqa: N815  as Kubernetes spells it
    following: str = ""


class Page(msgspec.Struct, Generic[_T]):
    """A page of a list; what the items' type does not name, such as managedFields, is never decoded."""

    metadata: _ListMetadata
    items: list[_T] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A whole list, in the form that the SharedInformer reads: plain objects, and the version to watch from."""

    items: list[Object]
    version: str

    @property
    def metadata(self) -> SimpleNamespace:
        """The list's own metadata, as a model has it."""
        return SimpleNamespace(resource_version=self.version)


def list_all(api: Api, resource: Resource, *, page: int, before_each: Callable[[], None] = lambda: None) -> Listed:
    """All objects of `resource`, asked for by pages of `page` objects; `before_each` may raise to give up.

    Raises:
        ClusterError: a page could not be had. Status 410: the list took so long that it has to begin again.
    """
    items: list[Object] = []
    version = ""
    for answer in pages(api, resource.path, resource.selector, Page[_Item], size=page, before_each=before_each):
        items += map(msgspec.to_builtins, answer.items or ())
        version = answer.metadata.resourceVersion
    return Listed(items=items, version=version)


def pages(
    api: Api,
    path: str,
    selector: Mapping[str, str],
    shape: type[Page[_T]],
    *,
    size: int,
    before_each: Callable[[], None] = lambda: None,
    may_change: bool = False,
) -> Iterator[Page[_T]]:
    """The list at `path`, page by page, so that never more than `size` objects are held; errors as of `list_all`.

    Args:
        may_change: take the rest as it is by then where the list takes so long that the API server has forgotten the
            moment of its beginning (some minutes). Each object still comes once; for a watch to begin this will not do.
    """
    query = {"limit": str(size), **selector}
    following = True
    while following:
        before_each()
        try:
            answer = api.get(path, query, shape)
        except ClusterError as error:
            # The token of a second answer without a page between would lead nowhere either.
            if not may_change or not error.following or query.get("continue") == error.following:
                raise
            query["continue"] = error.following
            continue
        query["continue"] = answer.metadata.following
        following = bool(answer.metadata.following)
        yield answer
