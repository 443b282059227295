"""One kind of object, kept in step: the official SharedInformer, behind a list function that paces and pages.

What the SharedInformer of kubernetes 37.0.2 lacks is done by that function, through which its every request goes: it
has no back-off (25 requests a second at a sick API server, but 5 s after a list that failed), does not page, sets no
time-out, and cannot say when the first list is through. It needs no model: :meth:`Informer.request`'s docstring tells
it that objects are plain.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from time import monotonic
from typing import Any, Final, Protocol

import urllib3
from kubernetes.client.exceptions import ApiException
from kubernetes.informer import ADDED, DELETED, ERROR, MODIFIED, SharedInformer

from webhook.cluster.client import Api
from webhook.cluster.lists import Listed, Object, Resource, list_all
from webhook.cluster.log import Log
from webhook.cluster.pace import Backoff, Pace
from webhook.errors import ClusterError

PATIENCE: Final = 3
"""Refusals until rights count as missing: an API server that has just started refuses for a moment (seen)."""
_BY_ITSELF: Final = "it is begun again by itself"
_ABSENT: Final = "absent"
_FORBIDDEN: Final = "forbidden"


class Handler(Protocol):
    """Who is told of objects, on the informer's thread."""

    def put(self, item: Object) -> None:
        """An object is there, or has changed; after a new list, perhaps neither."""

    def remove(self, item: Object) -> None:
        """An object is gone."""


class WatchState(StrEnum):
    """What an informer knows."""

    STARTING = "starting"
    WATCHING = "watching"
    ABSENT = "absent"
    FORBIDDEN = "forbidden"
    FAILING = "failing"


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchStatus:
    """How one watch fares.

    Attributes:
        resource: what it watches.
        failures: how often it failed so far.
        version: the resource version that it has seen last; empty before the first list, and where there is nothing.
        quiet: seconds since it was begun, or brought something; None before that.
    """

    resource: str
    state: WatchState
    failures: int
    version: str = ""
    quiet: float | None = None


class _Stopped(Exception):  # noqa: N818  no error: the way out of the informer's loop
    """The informer is to end."""


class Informer:
    """Keeps `handler` in step with `resource`; see the module.

    Args:
        on_sync: called once, on the informer's thread, when the first list is through.
        on_list: called there before each list is handed on.
    """

    def __init__(
        self,
        api: Api,
        resource: Resource,
        handler: Handler,
        *,
        pace: Pace,
        log: Log,
        on_sync: Callable[[], None] = lambda: None,
        on_list: Callable[[], None] = lambda: None,
    ) -> None:
        """Ask for nothing yet."""
        self.resource = resource
        self.state = WatchState.STARTING
        self.failures = 0
        self.version = ""
        self.is_synced = False
        self._api, self._handler, self._pace, self._log = api, handler, pace, log
        self._on_sync, self._on_list = on_sync, on_list
        self._failures = Backoff(pace)
        self._short_watches = Backoff(pace)
        self._delay = 0.0
        self._listed = False
        self._refusals = 0
        self._watch_began: float | None = None
        self._heard_at: float | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._informer: Any = _shared_informer(self)

    @property
    def status(self) -> WatchStatus:
        """How it fares now."""
        return WatchStatus(
            resource=self.resource.name,
            state=self.state,
            failures=self.failures,
            version=self.version,
            quiet=None if self._heard_at is None else self._pace.clock() - self._heard_at,
        )

    def start(self) -> None:
        """Begin, on a thread of its own."""
        self._informer.start()

    @property
    def is_at_work(self) -> bool:
        """Whether its thread has not ended; nothing else would ever change what it knows."""
        return self._thread is None or self._thread.is_alive()

    def stop(self) -> None:
        """End; returns when the thread has ended, at the latest when a list that hangs has met its time-out."""
        self._stopping.set()
        try:
            self._informer.stop()
        except AttributeError:
            # It reads its watch twice, and the thread may drop it in between.
            self._informer.stop()

    def request(self, *, resource_version: str = "", watch: bool = False, **_: object) -> object:
        """Answer the SharedInformer, which reads the next line.

        :rtype: object
        """
        self._thread = threading.current_thread()
        return self._watch(resource_version) if watch else self._list()

    def changed(self, item: Object) -> None:
        """Hand an object on, and keep of it only what tells it from others."""
        self._handler.put(item)
        self._heard(item)
        _reduce(item)

    def removed(self, item: Object) -> None:
        """Hand on that an object is gone."""
        self._handler.remove(item)
        self._heard(item)

    def _heard(self, item: Object) -> None:
        # A list's objects come in any order before the watch begins, which has the list's own version.
        if self._watch_began is not None:
            self.version, self._heard_at = item["metadata"].get("resourceVersion") or self.version, self._pace.clock()

    def watch_failed(self, error: object) -> None:
        """Note why a watch that had begun has ended; what failed before was noted where it failed."""
        began, self._watch_began = self._watch_began, None
        if began is not None and not self._stopping.is_set():
            self._judge(began)
            self._failed(ClusterError(f"the watch broke ({_kind(error)})", fix=_BY_ITSELF), self._short_watches)

    def _list(self) -> Listed:
        """All objects, with the version to watch from; tries until there is an answer."""
        while True:
            self._pause()
            try:
                found = list_all(self._api, self.resource, page=self._pace.page, before_each=self._check_stopping)
            except ClusterError as error:
                if (nothing := self._nothing(error)) is not None:
                    return nothing
            else:
                self._listed = True
                self._failures.reset()
                self._on_list()
                return found

    def _nothing(self, error: ClusterError) -> Listed | None:
        """The empty list, where `error` means that there is nothing or nothing to be seen; else a failure is noted."""
        if self.resource.optional and error.status == HTTPStatus.NOT_FOUND:
            self._become(WatchState.ABSENT)
            self._listed = True
            self._failures.reset()
            return Listed(items=[], version=_ABSENT)
        self._failed(error)
        if self.resource.optional and error.status == HTTPStatus.FORBIDDEN and not self._listed:
            self._refusals += 1
            if self._refusals >= PATIENCE:
                self._become(WatchState.FORBIDDEN)
                return Listed(items=[], version=_FORBIDDEN)
        return None

    def _watch(self, version: str) -> object:
        """The open answer to a watch from `version`; a 410 makes the SharedInformer list again."""
        self._note_end()
        self._note_sync()
        if version == _ABSENT:
            self._wait(self._pace.absent)
        if version in {_ABSENT, _FORBIDDEN}:
            raise ApiException(status=HTTPStatus.GONE)
        self._pause()
        try:
            response = self._open(version)
        except ClusterError as error:
            if error.status == HTTPStatus.GONE or (error.status == HTTPStatus.NOT_FOUND and self.resource.optional):
                self._failed(error, self._short_watches)
                raise ApiException(status=HTTPStatus.GONE) from None
            self._failed(error)
            raise ApiException(status=error.status or 0) from None
        self._watch_began = self._heard_at = self._pace.clock()
        self.version = version
        self._become(WatchState.WATCHING)
        return response

    def _open(self, version: str) -> urllib3.BaseHTTPResponse:
        query = {
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(max(round(self._pace.watch), 1)),
        }
        response = self._api.watch(
            self.resource.path, query | self.resource.selector, read_seconds=self._pace.watch + self._pace.silence
        )
        if self._stopping.is_set():
            response.close()
            raise _Stopped
        return response

    def _note_sync(self) -> None:
        """The SharedInformer asks for a watch when it has handed on the list before."""
        if not self.is_synced:
            self.is_synced = True
            self._on_sync()

    def _note_end(self) -> None:
        """Judge the last watch, if it ended without an error: one that was short is a failure all the same."""
        began, self._watch_began = self._watch_began, None
        if began is not None and not self._judge(began):
            self._failed(ClusterError("the watch ended at once", fix=_BY_ITSELF), self._short_watches)

    def _judge(self, began: float) -> bool:
        """Whether the watch lived long enough to prove that the API server is well."""
        is_healthy = self._pace.clock() - began >= self._pace.healthy
        if is_healthy:
            self._failures.reset()
            self._short_watches.reset()
        return is_healthy

    def _failed(self, error: ClusterError, backoff: Backoff | None = None) -> None:
        """Note a failure; a watch that ends early has a back-off of its own, which no list makes forget it."""
        self.failures += 1
        self._become(WatchState.FAILING)
        self._delay = (backoff or self._failures).next(error.retry_after or 0.0)
        self._log.warning(
            "cluster request failed",
            resource=self.resource.name,
            code=error.code,
            message=error.message,
            retry_seconds=round(self._delay, 3),
        )

    def _become(self, state: WatchState) -> None:
        if state is not self.state:
            self.state = state
            if state is not WatchState.FAILING:
                self._log.info("cluster watch", resource=self.resource.name, state=state)

    def _pause(self) -> None:
        delay, self._delay = self._delay, 0.0
        self._wait(delay)

    def _wait(self, seconds: float) -> None:
        if seconds:
            self._stopping.wait(seconds)
        self._check_stopping()

    def _check_stopping(self) -> None:
        if self._stopping.is_set():
            raise _Stopped


def stop_all(informers: Sequence[Informer], seconds: float) -> None:
    """End all at once; waits for requests under way for `seconds` at most, since a list may hang for longer."""
    threads = [threading.Thread(target=informer.stop, daemon=True) for informer in informers]
    for thread in threads:
        thread.start()
    deadline = monotonic() + seconds
    for thread in threads:
        thread.join(max(deadline - monotonic(), 0.0))


def _shared_informer(informer: Informer) -> Any:
    logging.getLogger("kubernetes.informer.informer").addFilter(_is_worth_telling)
    shared: Any = SharedInformer
    made = shared(informer.request)
    made.add_event_handler(ADDED, informer.changed)
    made.add_event_handler(MODIFIED, informer.changed)
    made.add_event_handler(DELETED, informer.removed)
    made.add_event_handler(ERROR, informer.watch_failed)
    return made


def _is_worth_telling(record: logging.LogRecord) -> bool:
    """Of the SharedInformer's log only faults of our own; it logs a stack trace for every watch that ends."""
    kind = record.exc_info[0] if record.exc_info else None
    return "handler" in record.msg or ("initial list" in record.msg and kind is not _Stopped)


def _reduce(item: Object) -> None:
    """Drop all but namespace and name: the SharedInformer keeps this very dict, as long as the object is there."""
    metadata = item["metadata"]
    item.clear()
    item["metadata"] = {key: metadata.get(key) for key in ("namespace", "name")}


def _kind(error: object) -> str:
    if isinstance(error, ApiException):
        return f"{error.status} {error.reason}"
    return type(error).__name__
