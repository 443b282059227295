"""The console of ``ray-webhook serve``: the one place where it meets the server and the cluster.

The application is made at the first request, on a thread, so that a process that nobody looks at pays for no template:
readiness waits for no import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from webhook import __version__
from webhook.console.facts import BrokenKey, Certificate, Cluster, Facts, Leadership, Replica, Watch
from webhook.console.recent import MOST, Recent, tell
from webhook.injection.review import MAX_CONTAINERS
from webhook.server import connections, limits, turns
from webhook.server.state import State
from webhook.server.tls import ServingCertificate

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from webhook.cluster.keeper import CertificateKeeper
    from webhook.cluster.source import ClusterSource

_MIB: Final = 1024 * 1024
_LIMITS: Final = {
    "Body of an admission request": f"{limits.MAX_BODY / _MIB:.2f} MiB, within {limits.BODY_SECONDS:g} s",
    "Bodies that are being read": f"{limits.MAX_BUFFERED // _MIB} MiB",
    "Reviews that wait for their turn": f"{turns.MAX_WAITING}, {turns.MAX_WAITING_BYTES // _MIB} MiB, "
    f"{turns.PATIENCE_SECONDS:g} s",
    "Containers of a kind in a pod": f"{MAX_CONTAINERS}",
    "Connections for admission": f"{connections.MAX_CONNECTIONS}",
    "Connections for health and metrics": f"{connections.MAX_OPERATIONS_CONNECTIONS}",
    "Decisions kept for the console": f"{MOST}",
}


class Console:
    """What the console needs to know, joined as it becomes known.

    Attributes:
        source, keeper: on a cluster; the latter where the certificate looks after itself.
    """

    def __init__(self, state: State, certificate: ServingCertificate) -> None:
        """Record decisions from now on."""
        self._state, self._certificate = state, certificate
        self._recent = Recent()
        self.source: ClusterSource | None = None
        self.keeper: CertificateKeeper | None = None
        state.tell, state.decided = tell, self._recent.add

    def app(self) -> ASGIApp:
        """The application; this imports what it needs."""
        from webhook.console.app import Sources, console_app

        refused = self._state.metrics.refused
        return console_app(
            Sources(facts=self.facts, recent=self._recent, refused=lambda code: refused.labels(code).inc())
        )

    def facts(self) -> Facts:
        """The facts of now."""
        state = self._state
        return Facts(
            version=__version__,
            mode=state.mode,
            is_ready=state.is_ready,
            snapshot=state.snapshot,
            faults=dict(state.faults),
            certificate=_certificate(self._certificate.served),
            cluster=_cluster(self.source, self.keeper) if self.source else None,
            limits=_LIMITS,
        )


def _certificate(served: bytes | None) -> Certificate | None:
    if served is None:
        return None
    from webhook.certificates.authority import describe

    info = describe(served)
    return Certificate(
        subject=info.subject,
        issuer=info.issuer,
        names=info.names,
        not_before=info.not_before,
        not_after=info.not_after,
        fingerprint=info.fingerprint,
    )


def _cluster(source: ClusterSource, keeper: CertificateKeeper | None) -> Cluster:
    statistics = source.statistics()
    watches = (*statistics.watches, *(keeper.watches() if keeper else ()))
    return Cluster(
        config_maps=statistics.config_maps,
        targets=statistics.targets,
        broken=[
            BrokenKey(source=settings.source, key=key, fault=fault)
            for _, settings in sorted(statistics.broken.items(), key=lambda item: item[0])
            for key, fault in settings.broken.items()
        ],
        watches=[
            Watch(
                resource=watch.resource,
                state=watch.state,
                failures=watch.failures,
                version=watch.version,
                quiet=watch.quiet,
            )
            for watch in watches
        ],
        leadership=_leadership(keeper) if keeper else None,
    )


def _leadership(keeper: CertificateKeeper) -> Leadership:
    found = keeper.leadership()
    return Leadership(
        holder=found.holder,
        renewed=found.renewed,
        replicas=[
            Replica(
                name=name,
                version=report.version,
                silent=report.silent,
                is_leader=name == found.holder,
                is_own=name == found.own,
            )
            for name, report in sorted(found.replicas.items())
        ],
    )
