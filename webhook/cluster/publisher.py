"""Snapshots to who wants them: the first when all is known, then one for each change, but few for a burst of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

from webhook.cluster.log import Log
from webhook.injection.snapshot import Snapshot

BETWEEN_SECONDS: Final = 0.05
STUCK_SECONDS: Final = 60.0
"""Of one publication; 10,000 namespaces take less than one."""
STOP_SECONDS: Final = 1.0


class Publisher:
    """Builds and publishes on a thread of its own.

    Args:
        build: makes the snapshot of what is known now.
        publish: is handed it.
        is_complete: whether what is known may be published; asked after each change.
        between: seconds from one publication to the next at least.
        stuck: seconds from which on one publication counts as never ending.
    """

    def __init__(
        self,
        build: Callable[[], Snapshot],
        publish: Callable[[Snapshot], None],
        *,
        is_complete: Callable[[], bool],
        log: Log,
        between: float = BETWEEN_SECONDS,
        stuck: float = STUCK_SECONDS,
    ) -> None:
        """Publish nothing yet."""
        self._build, self._publish, self._is_complete = build, publish, is_complete
        self._log, self._between, self._stuck = log, between, stuck
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._began: float | None = None
        self.publications = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def is_at_work(self) -> bool:
        """Whether its thread has neither ended nor been in one publication for too long."""
        began = self._began
        return self._thread.is_alive() and (began is None or monotonic() - began < self._stuck)

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End, without a last publication."""
        self._stopping.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def changed(self) -> None:
        """Publish soon."""
        self._changed.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._changed.wait()
            self._changed.clear()
            if self._is_complete() and not self._stopping.is_set():
                self._publish_once()
                self._stopping.wait(self._between)

    def _publish_once(self) -> None:
        self._began = monotonic()
        try:
            self._publish(self._build())
        except Exception as error:  # noqa: BLE001  one publication that fails must not end all that would follow
            self._log.warning("snapshot not published", error=type(error).__name__)
        else:
            self.publications += 1
        finally:
            self._began = None
