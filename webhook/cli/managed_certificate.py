"""``ray-webhook serve`` with a certificate that looks after itself: flags, figures, and its place in the server.

The parts of the cluster are imported by this mode alone, with cryptography (9 MB, 30 ms); see
:mod:`webhook.cli.cluster_mode`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from webhook import contract
from webhook.cli.cluster_flags import api_of
from webhook.cli.flags import DnsName
from webhook.cli.output import option
from webhook.server.followers import follow_certificate
from webhook.server.pairs import PairInMemory
from webhook.server.state import State
from webhook.server.tls import ServingCertificate

if TYPE_CHECKING:
    from webhook.certificates.authority import KeyPair
    from webhook.cluster.keeper import CertificateKeeper

_Command = TypeVar("_Command", bound=Callable[..., Any])

REQUEST_SECONDS: Final = 5.0
"""For an answer to a request of this part: half of what a leader has to renew its Lease in."""
_NAMES: Final = {
    "--tls-secret": (contract.TLS_SECRET, "Secret that holds the certificate and its CA."),
    "--lease": (contract.LEASE, "Lease of the replica that looks after them."),
    "--webhook-configuration": (contract.WEBHOOK_CONFIGURATION, "Webhook configuration that has to trust the CA."),
    "--service": (contract.WEBHOOK_SERVICE, "Service by which the API server calls."),
}


def managed_certificate_options(command: _Command) -> _Command:
    """The flags of this mode; without it they mean nothing."""
    for flag, (default, text) in reversed(_NAMES.items()):
        command = option(flag, type=DnsName(), default=default, show_default=True, help=text)(command)
    return command


def keeps_certificate(flags: Mapping[str, Any]) -> bool:
    """Whether the certificate looks after itself: on a cluster, where no other is given."""
    return not any(flags[name] for name in ("settings", "tls_cert", "tls_key", "self_signed"))


class ManagedCertificate:
    """A serving certificate that has no pair yet, and takes each that it is given.

    Attributes:
        serving: what the server shows.
    """

    def __init__(self, state: State, client_ca: Path | None = None) -> None:
        """Have no pair; nobody is seen to trust the process from now on."""
        self._state = state
        self._pair = PairInMemory("the Secret")
        self.serving: Final = ServingCertificate(self._pair, client_ca)
        state.trusted = False

    def serve(self, pair: KeyPair) -> bool:
        """Serve `pair` from now on; returns whether it could be done. One that could not may be tried again."""
        self._pair.put(pair.certificate, pair.key)
        follow_certificate(self._state, self.serving, retry=True)
        return self.serving.served == pair.certificate

    def trusted(self) -> None:
        """Let the process become ready: whoever calls it trusts it."""
        self._state.trusted = True
        self._state.log.info("certificate trusted")


@contextmanager
def keeping_certificate(
    state: State, flags: Mapping[str, Any], namespace: str, managed: ManagedCertificate
) -> Iterator[CertificateKeeper]:
    """Take part in looking after the certificate while the block runs, and serve it."""
    from webhook.cluster.keeper import CertificateKeeper
    from webhook.cluster.names import Names

    names = Names(
        namespace=namespace,
        service=flags["service"],
        secret=flags["tls_secret"],
        lease=flags["lease"],
        configuration=flags["webhook_configuration"],
    )
    api = api_of(flags["kubeconfig"], flags["context"], read_seconds=REQUEST_SECONDS)
    keeper = CertificateKeeper(api, names, serve=managed.serve, trusted=managed.trusted, log=state.log)
    state.metrics.registry.register(KeeperCollector(keeper))
    keeper.start()
    state.vital["certificate"] = lambda: keeper.is_at_work
    try:
        yield keeper
    finally:
        keeper.stop()


class KeeperCollector(Collector):
    """The figures are read when they are asked for; nothing is counted twice."""

    def __init__(self, keeper: CertificateKeeper) -> None:
        """Ask for nothing yet."""
        self._keeper = keeper

    def collect(self) -> Iterator[Metric]:
        """The metrics of now."""
        figures = self._keeper.figures()
        yield GaugeMetricFamily(
            "ray_webhook_leader", "1 if this replica looks after the certificate", figures.is_leader
        )
        if figures.authority_expiry is not None:
            yield GaugeMetricFamily(
                "ray_webhook_certificate_authority_expiry_timestamp_seconds",
                "When the newest authority expires",
                figures.authority_expiry,
            )
        if figures.seconds_ahead is not None:
            yield GaugeMetricFamily(
                "ray_webhook_clock_ahead_seconds",
                "How far this replica's clock is ahead of the API server's",
                figures.seconds_ahead,
            )
        written = CounterMetricFamily(
            "ray_webhook_certificate_writes", "Contents of the Secret that this replica wrote", labels=["reason"]
        )
        for reason, count in figures.written.items():
            written.add_metric([reason], count)
        yield written
        yield CounterMetricFamily(
            "ray_webhook_ca_bundle_writes", "Times that this replica put the caBundle right", figures.bundles_written
        )
        yield CounterMetricFamily(
            "ray_webhook_certificate_failures", "Requests about the certificate that failed", figures.failures
        )
