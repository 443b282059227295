"""Something that is done again and again, and less often while it fails; whatever fails, the thread goes on."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from webhook.cluster.log import Log
from webhook.cluster.pace import Backoff, Pace
from webhook.errors import ClusterError, WebhookError

PATIENCE: Final = 5
"""Conflicts in a row that are no failure: somebody was faster, which the watch will show."""


class Task:
    """Runs `do`, with a back-off of its own, so that one task that fails delays no other; used by one thread.

    Attributes:
        failures: how often it failed.
    """

    def __init__(self, do: Callable[[], None], *, pace: Pace, log: Log) -> None:
        """Do nothing yet."""
        self._do, self._log, self._clock = do, log, pace.clock
        self._backoff = Backoff(pace)
        self._pause_until = 0.0
        self._conflicts = 0
        self.failures = 0

    def run(self) -> None:
        """Do it, unless it failed a short while ago; what fails is told, and never raised."""
        if self._clock() < self._pause_until:
            return
        try:
            self._do()
        except Exception as error:  # noqa: BLE001  whatever it was, the next try may go well
            self._failed(error)
        else:
            self._backoff.reset()
            self._conflicts = 0

    def _failed(self, error: Exception) -> None:
        retry_after = error.retry_after if isinstance(error, ClusterError) else None
        self._pause_until = self._clock() + self._backoff.next(retry_after or 0.0)
        is_conflict = isinstance(error, ClusterError) and error.status == HTTPStatus.CONFLICT
        self._conflicts = self._conflicts + 1 if is_conflict else 0
        if is_conflict and self._conflicts <= PATIENCE:
            return
        self.failures += 1
        if isinstance(error, WebhookError):
            self._log.warning("certificate not looked after", code=error.code, message=error.message)
        else:
            self._log.warning("certificate not looked after", error=type(error).__name__)
