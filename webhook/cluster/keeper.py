"""A certificate that looks after itself: one of the replicas leads, all of them watch, serve and report.

Three objects are watched, each by its name: the Secret, the Lease and the webhook configuration. After each change,
and every half second, a replica serves what follows from them (:mod:`~webhook.cluster.replica`) and reports it by an
annotation on the Lease; the one that leads takes the next step (:mod:`webhook.certificates.rotation`). A step is taken
only on what was seen of the step before, and only on the very version of the object that was looked at, so two that
lead for a moment cannot undo each other's work. Nothing is kept but what these objects hold, and in memory; keys are
never on a disk, nor in a log.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from webhook.certificates.authority import KeyPair, describe
from webhook.certificates.rotation import GONE_SECONDS, Report
from webhook.cluster.bundle import Service, read_bundles
from webhook.cluster.client import Api
from webhook.cluster.clocks import Clocks
from webhook.cluster.election import Election
from webhook.cluster.informers import Informer, WatchStatus, stop_all
from webhook.cluster.leader import Leader, Views
from webhook.cluster.lease import LeaseView, new_identity
from webhook.cluster.log import Log
from webhook.cluster.names import Names, path_of
from webhook.cluster.pace import Pace
from webhook.cluster.replica import Replica
from webhook.cluster.reporter import Reporter
from webhook.cluster.secret import SecretView
from webhook.cluster.task import Task
from webhook.cluster.watched import Watched
from webhook.errors import ClusterError

TICK_SECONDS: Final = 0.5
"""Between two looks when nothing changes, for what comes of time alone."""
STOP_SECONDS: Final = 2.0
"""For the end, Lease and report included; the pod's grace period counts on it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """For metrics.

    Attributes:
        authority_expiry: of the newest authority, in seconds since 1970; None while there is none.
        written: how many contents this process has stored, by reason.
        bundles_written: how many times it has put the configuration's bundles right.
        failures: requests of this part that failed, watches aside.
        seconds_ahead: how far this clock is ahead of the API server's; None while that is not known.
    """

    is_leader: bool
    authority_expiry: float | None
    written: dict[str, int]
    bundles_written: int
    failures: int
    seconds_ahead: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Leadership:
    """Who looks after the certificate, for people.

    Attributes:
        own: what this replica is called on the Lease.
        holder: what the one is called that leads; empty for nobody.
        renewed: seconds since it was seen to renew.
        replicas: what each tells of itself, by what it is called.
    """

    own: str
    holder: str
    renewed: float
    replicas: Mapping[str, Report]


class CertificateKeeper:
    """Keeps the certificate of all replicas, as one of them; see the module.

    Args:
        serve: serves a pair from now on; returns whether it could.
        trusted: called once, when whoever calls is seen to trust what is served.
        now: the time of day, aware; says whether a certificate is due, and whether it is valid.
    """

    def __init__(
        self,
        api: Api,
        names: Names,
        *,
        serve: Callable[[KeyPair], bool],
        trusted: Callable[[], None],
        log: Log,
        pace: Pace | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Ask for nothing yet."""
        pace = pace or Pace()
        self._trusted, self._log, self._clock = trusted, log, pace.clock
        self._views = _views(names, self._changed, pace.clock)
        self._identity, lease = new_identity(), path_of(names.lease_resource)
        self._clocks = Clocks(api, log=log, now=now)
        self._replica = Replica(serve, now=now, clock=pace.clock)
        self._reporter = Reporter(api, lease, self._identity, log=log, clock=pace.clock)
        self._leader = Leader(
            api, names, self._views, log=log, now=now, may_issue=lambda: self._clocks.agree, clock=pace.clock
        )
        self._election = Election(
            api, lease, self._views.lease, self._identity, log=log, pace=pace, is_fit=lambda: self._clocks.agree
        )
        self._informers = [
            Informer(api, resource, handler, pace=pace, log=log, on_sync=on_sync, on_list=handler.listed)
            for resource, handler, on_sync in (
                (names.secret_resource, self._views.secret, self._changed),
                (names.configuration_resource, self._views.bundles, self._changed),
                (names.lease_resource, self._views.lease, self._election.start),
            )
        ]
        tasks = (self._clocks.compare, self._look, self._trust, self._lead, self._report, self._forget_who_is_gone)
        self._tasks = tuple(Task(task, pace=pace, log=log) for task in tasks)
        self._was_trusted = False
        self._untimely: KeyPair | None = None
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="certificates", daemon=True)

    def start(self) -> None:
        """Begin; returns at once, whether or not the API server can be reached."""
        self._thread.start()
        for informer in self._informers:
            informer.start()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End, and leave the Lease to others; takes `seconds` at most, for the API server may hang."""
        deadline = monotonic() + seconds
        self._stopping.set()
        self._wake.set()
        leaving = threading.Thread(target=self._leave, args=(seconds,), daemon=True)
        leaving.start()
        leaving.join(seconds)
        stop_all(self._informers, max(deadline - monotonic(), 0.0))

    def _leave(self, seconds: float) -> None:
        self._thread.join(seconds / 2)
        self._election.stop(seconds / 2)
        try:
            self._reporter.leave()
        except ClusterError as error:
            self._log.warning("report not removed", code=error.code, message=error.message)

    @property
    def is_at_work(self) -> bool:
        """Whether its threads have not ended; nothing else would look after the certificate any more."""
        return (
            self._thread.is_alive()
            and self._election.is_at_work
            and all(informer.is_at_work for informer in self._informers)
        )

    def figures(self) -> Figures:
        """Figures of now."""
        content = self._views.secret.known
        return Figures(
            is_leader=self._election.is_leader,
            authority_expiry=describe(content.authority.certificate).not_after.timestamp() if content else None,
            written=dict(self._leader.written),
            bundles_written=self._leader.bundles_written,
            failures=sum(task.failures for task in self._tasks),
            seconds_ahead=None if self._clocks.ahead is None else self._clocks.ahead.total_seconds(),
        )

    def leadership(self) -> Leadership:
        """Who leads now, and who else there is."""
        lease = self._views.lease
        return Leadership(
            own=self._identity,
            holder=lease.value.holder,
            renewed=self._clock() - lease.renewed_at,
            replicas=lease.reports(),
        )

    def watches(self) -> tuple[WatchStatus, ...]:
        """How the watches fare now."""
        return tuple(informer.status for informer in self._informers)

    def _changed(self) -> None:
        self._wake.set()
        self._election.changed()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(TICK_SECONDS)
            self._wake.clear()
            if all(informer.is_synced for informer in self._informers):
                for task in self._tasks:
                    if not self._stopping.is_set():
                        task.run()

    def _look(self) -> None:
        """Serve what follows from what is seen."""
        self._replica.look(self._views.secret.value.content, self._views.bundles.value.entries)
        if self._replica.is_trusted and not self._was_trusted:
            self._was_trusted = True
            self._trusted()
        self._tell_untimely(self._replica.untimely)

    def _tell_untimely(self, pair: KeyPair | None) -> None:
        if pair is not None and pair != self._untimely:
            info = describe(pair.certificate)
            self._log.warning(
                "certificate not taken up: by this clock it is not valid",
                begins=info.not_before.isoformat(),
                expires=info.not_after.isoformat(),
            )
        self._untimely = pair

    def _trust(self) -> None:
        if self._election.is_leader:
            self._leader.trust()

    def _lead(self) -> None:
        if self._election.is_leader:
            self._leader.step()

    def _report(self) -> None:
        report = self._replica.report(self._views.secret.value.content)
        self._reporter.tell(report, self._views.lease.value)

    def _forget_who_is_gone(self) -> None:
        reports = self._views.lease.reports() if self._election.is_leader else {}
        if gone := [name for name, report in reports.items() if report.silent >= GONE_SECONDS]:
            self._reporter.forget(gone)
            self._log.info("replicas are gone", replicas=gone)


def _views(names: Names, changed: Callable[[], None], clock: Callable[[], float]) -> Views:
    service = Service(namespace=names.namespace, name=names.service)
    return Views(
        secret=SecretView(changed, clock),
        bundles=Watched(lambda item: read_bundles(item, service), changed, clock),
        lease=LeaseView(changed, clock),
    )
