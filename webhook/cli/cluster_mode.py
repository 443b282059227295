"""``ray-webhook serve`` on a cluster: whose snapshots are put into force.

The client library is imported by this mode alone, on the main thread and before anything is served: it costs 0.2 s and
35 MB, and an import on another thread would hold up every request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from time import time
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from webhook.cli.cluster_flags import api_of, settings_names
from webhook.cli.console import Console
from webhook.cli.managed_certificate import ManagedCertificate, keeping_certificate
from webhook.cluster.pod import is_in_cluster
from webhook.errors import UsageError
from webhook.injection.snapshot import Snapshot
from webhook.server.logging import capture_libraries
from webhook.server.memory import settle
from webhook.server.state import State

if TYPE_CHECKING:
    from webhook.cluster.keeper import CertificateKeeper
    from webhook.cluster.source import ClusterSource, Statistics

MAX_BROKEN_SHOWN = 100
"""ConfigMaps whose broken keys get a series of their own; each of them is in the log and has an Event."""


def check_flags(flags: Mapping[str, Any]) -> None:
    """Refuse flags of both modes, of half a mode, or of none where there is no cluster around; raises UsageError."""
    file, kubeconfig = flags["settings"], flags["kubeconfig"]
    other = next((name for name in ("kubeconfig", "context", "settings_name") if flags[name]), None)
    if file and other:
        raise UsageError(f"--settings and --{other.replace('_', '-')} exclude each other", fix="give one of them")
    if flags["context"] and not kubeconfig:
        raise UsageError("--context is given without --kubeconfig", fix="give --kubeconfig FILE as well")
    if not file and not kubeconfig and not is_in_cluster():
        raise UsageError(
            "neither --settings nor --kubeconfig is given, and this is no pod with a service account",
            allowed="--settings FILE, --kubeconfig FILE, or a pod",
            fix="give one of them",
        )


@contextmanager
def following_cluster(
    state: State,
    flags: Mapping[str, Any],
    first: Snapshot,
    managed: ManagedCertificate | None,
    console: Console | None,
) -> Iterator[None]:
    """Put the cluster's snapshots into force while the block runs; `first` is what each is made from.

    With `managed`, take part in looking after that certificate, too. The `console` is told what there is to show.

    Raises:
        UsageError: a flag has a wrong value.
        KubeconfigError: the kubeconfig file or the service account cannot be used.
    """
    names = settings_names(flags["settings_name"])
    capture_libraries(state.log)
    from webhook.cluster.source import ClusterSource

    api = api_of(flags["kubeconfig"], flags["context"])

    def publish(snapshot: Snapshot) -> None:
        _put_in_force(state, snapshot, source.statistics())

    source = ClusterSource(api, settings_names=names, first=first, publish=publish, log=state.log)
    state.log.info("following cluster", url=api.host, settings=names, namespace=first.webhook_namespace)
    keeping = keeping_certificate(state, flags, first.webhook_namespace, managed) if managed else nullcontext()
    with keeping as keeper:
        register(source, state.metrics.registry, keeper)
        if console:
            console.source, console.keeper = source, keeper
        source.start()
        state.vital["cluster"] = lambda: source.is_at_work
        try:
            yield
        finally:
            source.stop()


def _put_in_force(state: State, snapshot: Snapshot, statistics: Statistics) -> None:
    state.metrics.settings_good.set(not statistics.broken)
    state.metrics.settings_loaded.set(time())
    is_first = state.snapshot is None
    if is_first:
        settle()
    state.snapshot = snapshot
    if is_first:
        state.log.info("cluster read", config_maps=statistics.config_maps, targets=statistics.targets)


def register(source: ClusterSource, registry: CollectorRegistry, keeper: CertificateKeeper | None) -> None:
    """Let `registry` show the figures of the moment: `source`'s, and how `keeper`'s watches fare."""
    registry.register(_SourceCollector(source, keeper))


class _SourceCollector(Collector):
    """The figures are read when they are asked for; nothing is counted twice."""

    def __init__(self, source: ClusterSource, keeper: CertificateKeeper | None) -> None:
        self._source, self._keeper = source, keeper

    def collect(self) -> Iterator[Metric]:
        """The metrics of now."""
        statistics = self._source.statistics()
        maps = GaugeMetricFamily("ray_webhook_settings_configmaps", "ConfigMaps with settings", labels=["state"])
        maps.add_metric(["good"], statistics.config_maps - len(statistics.broken))
        maps.add_metric(["broken"], len(statistics.broken))
        yield maps
        yield _broken_keys(statistics)
        yield GaugeMetricFamily("ray_webhook_targets", "RayClusters and RayServices known", statistics.targets)
        states = GaugeMetricFamily(
            "ray_webhook_watch_state", "1 for the state that a watch is in", labels=["resource", "state"]
        )
        failures = CounterMetricFamily(
            "ray_webhook_watch_failures", "Lists and watches that failed", labels=["resource"]
        )
        for watch in (*statistics.watches, *(self._keeper.watches() if self._keeper else ())):
            states.add_metric([watch.resource, watch.state], 1)
            failures.add_metric([watch.resource], watch.failures)
        yield states
        yield failures


def _broken_keys(statistics: Statistics) -> Metric:
    family = GaugeMetricFamily(
        "ray_webhook_settings_broken_key",
        f"1 for each broken key of the first {MAX_BROKEN_SHOWN} broken ConfigMaps",
        labels=["config_map", "key"],  # no "namespace": Prometheus puts the scraped pod's own there
    )
    for (namespace, name), settings in sorted(statistics.broken.items(), key=lambda item: item[0])[:MAX_BROKEN_SHOWN]:
        for key in settings.broken:
            family.add_metric([f"{namespace}/{name}", key], 1)
    return family
