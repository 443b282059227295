"""Events on ConfigMaps with settings, for ``kubectl get events`` and ``kubectl describe``.

There is one Event object for each ConfigMap, of a fixed name (:func:`event_name`), and its reason is the ConfigMap's
present state: broken, a key ignored, or good again. So nothing piles up, a mended ConfigMap does not keep a stale
warning, and ``resourceNames`` can limit the right to write it. The API server forgets an Event after an hour, so one
that still holds is written again before.

They are written on a thread of their own, at a bounded rate, and only the newest for each ConfigMap: an API server that
is slow or full of faults delays no settings. A failure to write is logged, no more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from time import monotonic
from typing import Any, Final

from webhook.cluster.client import Api
from webhook.cluster.log import Log
from webhook.errors import ClusterError

COMPONENT: Final = "ray-webhook"
STOP_SECONDS: Final = 1.0
MAX_MESSAGE: Final = 1024
"""Characters; the API server refuses an Event with more."""


class Reason(StrEnum):
    """The state that an Event tells."""

    BROKEN = "RaySettingsBroken"
    KEY_IGNORED = "RaySettingsKeyIgnored"
    GOOD = "RaySettingsGood"

    @property
    def is_warning(self) -> bool:
        """Whether somebody should mend something."""
        return self is not Reason.GOOD


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A ConfigMap's present state, for people."""

    namespace: str
    name: str
    uid: str
    version: str
    reason: Reason
    message: str


def event_name(config_map: str) -> str:
    """The name of the Event object about the ConfigMap `config_map`, in its namespace."""
    return f"{config_map}.{COMPONENT}"


class EventWriter:
    """Writes Events; see the module.

    Args:
        between: seconds between two requests, which bounds the rate.
        again: seconds after which an Event that still holds is written again.
        now: the time of day, aware.
    """

    def __init__(
        self,
        api: Api,
        log: Log,
        *,
        between: float = 0.2,
        again: float = 1800.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Write nothing yet."""
        self._api, self._log, self._now = api, log, now
        self._between, self._again = between, again
        self._waiting: dict[tuple[str, str], Event] = {}
        self._holding: dict[tuple[str, str], tuple[Event, datetime]] = {}
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End, what still waits unwritten; waits for a request under way for `seconds` at most."""
        self._stopping.set()
        with self._changed:
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def tell(self, event: Event) -> None:
        """Write `event` soon; that a ConfigMap is good is told only after a warning of this process."""
        key = (event.namespace, event.name)
        with self._changed:
            if event.reason.is_warning:
                self._holding[key] = (event, self._now())
            elif self._holding.pop(key, None) is None:
                return
            self._waiting[key] = event
            self._changed.notify()

    def forget(self, namespace: str, name: str) -> None:
        """Say nothing more of a ConfigMap that is gone."""
        with self._changed:
            self._waiting.pop((namespace, name), None)
            self._holding.pop((namespace, name), None)

    def _run(self) -> None:
        again_at = monotonic() + self._again
        while not self._stopping.is_set():
            with self._changed:
                if not self._waiting and not self._stopping.is_set():
                    self._changed.wait(max(again_at - monotonic(), 0.0))
                if monotonic() >= again_at:
                    self._waiting.update({key: event for key, (event, _) in self._holding.items()})
                    again_at = monotonic() + self._again
                event = self._next()
            if event is not None:
                self._write(*event)
                self._stopping.wait(self._between)

    def _next(self) -> tuple[Event, datetime] | None:
        if not self._waiting or self._stopping.is_set():
            return None
        key = next(iter(self._waiting))
        event = self._waiting.pop(key)
        return self._holding.get(key, (event, self._now()))

    def _write(self, event: Event, since: datetime) -> None:
        path = f"/api/v1/namespaces/{event.namespace}/events/{event_name(event.name)}"
        try:
            self._api.apply(path, _document(event, since, self._now()), manager=COMPONENT)
        except ClusterError as error:
            self._log.warning("event not written", path=path, code=error.code, message=error.message)


def _document(event: Event, first: datetime, last: datetime) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": event.namespace, "name": event_name(event.name)},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "namespace": event.namespace,
            "name": event.name,
            "uid": event.uid,
            "resourceVersion": event.version,
        },
        "reason": event.reason.value,
        "message": event.message[:MAX_MESSAGE],
        "type": "Warning" if event.reason.is_warning else "Normal",
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "firstTimestamp": _stamp(first),
        "lastTimestamp": _stamp(last),
    }


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
