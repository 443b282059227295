"""Which replica leads, by a Lease, as client-go does it.

The official client's own (kubernetes 37.0.2, ``leaderelection`` with ``LeaseLock``) is not used. It needs the typed
API (0.5 s and 20 MB), creates by POST, which ``resourceNames`` always forbid, sleeps where a stop has to wait for it,
reads the time of day where only a monotonic clock is right (a step of an hour makes a leader of everybody, or of
nobody), has no jitter, never releases what it holds, and asks every few seconds for what a watch brings by itself.

Whoever renews or takes the Lease says which of its versions it has seen, and is refused (409) where somebody was
faster. That the holder is gone is judged by how long the Lease was not seen to change: nobody's clock is compared with
another's. A holder that cannot renew stops leading by itself, before another may begin. One that is not fit to issue
lets the others go first; where there is none, it leads for a minute at a time, for there is more to look after.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from webhook.cluster.client import Api
from webhook.cluster.lease import Lease, LeaseView
from webhook.cluster.lease_writes import hold, release
from webhook.cluster.log import Log
from webhook.cluster.pace import Backoff, Pace
from webhook.errors import ClusterError

RENEW_SECONDS: Final = 5.0
"""Between two renewals; a second try fits in before the leader has to stop."""
DEADLINE_SECONDS: Final = 10.0
"""After its last renewal a leader stops leading: 5 s before anybody may take over."""
JITTER_SECONDS: Final = 1.0
"""Up to which one waits longer, so that not all replicas try to take over at once."""
YIELD_SECONDS: Final = 20.0
"""For which one that is not fit to lead waits longer than others do."""
UNFIT_SECONDS: Final = 60.0
"""For which it leads where nobody else does; then it asks again whether somebody does."""


class Election:
    """Takes part in the election; see the module.

    Args:
        path: of the Lease.
        view: the Lease as it is watched. Its owner calls :meth:`changed` after each change.
        is_fit: whether this process can do all that a leader has to.
    """

    def __init__(
        self,
        api: Api,
        path: str,
        view: LeaseView,
        identity: str,
        *,
        log: Log,
        pace: Pace,
        is_fit: Callable[[], bool] = lambda: True,
    ) -> None:
        """Ask for nothing yet."""
        self._api, self._path, self._view, self._identity = api, path, view, identity
        self._log, self._is_fit = log, is_fit
        self._yields_at = 0.0
        self._clock, self._draw = pace.clock, pace.draw
        self._backoff = Backoff(pace)
        self._pause_until = 0.0
        self._written = ""
        self._renewed_at: float | None = None
        self._led = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="election", daemon=True)

    @property
    def is_leader(self) -> bool:
        """Whether this process leads now, by its own clock."""
        renewed_at = self._renewed_at
        return renewed_at is not None and self._clock() < renewed_at + DEADLINE_SECONDS

    @property
    def is_at_work(self) -> bool:
        """Whether its thread has not ended."""
        return self._thread.ident is None or self._thread.is_alive()

    def start(self) -> None:
        """Begin; the view has seen the first list."""
        self._thread.start()

    def stop(self, seconds: float = 1.0) -> None:
        """End, and release the Lease if this process holds it, so that another one takes over at once."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(seconds)
        if self.is_leader:
            self._renewed_at = None
            self._release()

    def changed(self) -> None:
        """Look at the Lease again."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            seconds = self._step()
            self._tell()
            self._wake.wait(seconds)
            self._wake.clear()

    def _step(self) -> float:
        """Do what is due; returns for how many seconds nothing more is."""
        if self.is_leader and not self._is_fit() and self._clock() >= self._yields_at:
            self._renewed_at = None
            self._release()
            return RENEW_SECONDS / 5
        due = max(self._due_at(self._view.value), self._pause_until) - self._clock()
        if due > 0:
            return due
        if not self._view.has_seen(self._written):
            self._written = ""
            return RENEW_SECONDS / 5
        self._try()
        return 0.0

    def _due_at(self, lease: Lease) -> float:
        """When to renew, or to try to take over, on our clock; in the past for now."""
        if lease.holder == self._identity:
            return (self._renewed_at or 0.0) + RENEW_SECONDS if self.is_leader else 0.0
        patience = 0.0 if self._is_fit() else YIELD_SECONDS
        if not lease.holder:
            return self._view.renewed_at + patience if patience else 0.0
        return self._view.renewed_at + lease.duration + JITTER_SECONDS * self._draw() + patience

    def _try(self) -> None:
        lease, asked_at = self._view.value, self._clock()
        try:
            self._written = hold(self._api, self._path, lease, self._identity)
        except ClusterError as error:
            self._pause_until = self._clock() + self._backoff.next(error.retry_after or 0.0)
            if error.status != HTTPStatus.CONFLICT:
                self._log.warning("lease not renewed", code=error.code, message=error.message)
            return
        if lease.holder != self._identity:
            self._yields_at = asked_at + (0.0 if self._is_fit() else UNFIT_SECONDS)
        self._renewed_at = asked_at
        self._backoff.reset()

    def _release(self) -> None:
        """Only what is held still: the version is that of the last renewal or of what was seen since."""
        view = self._view.value
        if view.holder != self._identity:
            return
        try:
            release(self._api, self._path, view.version)
        except ClusterError as error:
            self._log.warning("lease not released", code=error.code, message=error.message)

    def _tell(self) -> None:
        leads = self.is_leader
        if leads != self._led:
            self._led = leads
            self._log.info("leading" if leads else "no longer leading", identity=self._identity)
