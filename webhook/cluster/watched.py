"""The newest state of one object that is watched by its name."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

from webhook.cluster.lists import Object

_T = TypeVar("_T")


class Watched(Generic[_T]):
    """A handler of an informer, for a single object; written by the informer's thread, read by any.

    Args:
        read: makes a comparable value of the object, or of None where there is none.
        changed: called after each change.

    Attributes:
        value: what was read last.
        since: when the value became what it is, on `clock`.
    """

    def __init__(
        self, read: Callable[[Object | None], _T], changed: Callable[[], None], clock: Callable[[], float] = monotonic
    ) -> None:
        """Know of no object."""
        self._read, self._changed, self._clock = read, changed, clock
        self._version = 0
        self._is_listed = False
        self.value = read(None)
        self.since = clock()

    def put(self, item: Object) -> None:
        """Take a state, unless a newer one is known."""
        self._take(item, item)

    def remove(self, item: Object) -> None:
        """Take note that the object is gone."""
        self._take(item, None)

    def listed(self) -> None:
        """Take the next state whatever its version is: a list is fresh, and lower after etcd was restored."""
        self._is_listed = True

    def has_seen(self, version: str) -> bool:
        """Whether the state is that of `version`, such as of a write of one's own, or a newer one.

        Resource versions of one resource can be compared as numbers (the API's promise since Kubernetes 1.35; etcd's
        revisions always could).
        """
        return self._version >= _number(version)

    def _take(self, item: Object, state: Object | None) -> None:
        version = _number(item["metadata"].get("resourceVersion") or "")
        if 0 < version < self._version and not self._is_listed:
            return
        value = self._read(state)
        self._is_listed = False
        self._version = version or self._version
        self._replace(value)
        self._changed()

    def _replace(self, value: _T) -> None:
        if value != self.value:
            self.value, self.since = value, self._clock()


def _number(version: str) -> int:
    return int(version) if version.isdecimal() else 0
