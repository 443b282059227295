"""Where clients are sent, as the rules give it: by RayClusters and RayServices, and by settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType
from urllib.parse import urlsplit

from webhook import contract
from webhook.cluster.checks.context import Context
from webhook.cluster.checks.objects import Item, part
from webhook.cluster.lists import TARGETS
from webhook.cluster.targets import reference_to
from webhook.injection.connection import Connection, resolve
from webhook.injection.snapshot import Reference, TargetKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """One connection that clients get.

    Attributes:
        source: where it comes from, for people.
        reference: the RayCluster or RayService; None where settings give it.
        namespace: where a bare host is meant; empty where that is each pod's own.
        host, port: of Ray Client.
        serve, dashboard: URLs; empty where a key is broken.
    """

    source: str
    reference: Reference | None
    namespace: str
    host: str
    port: int
    serve: str
    dashboard: str

    @property
    def address(self) -> str:
        """The host as it resolves from any pod."""
        return self.qualified(self.host)

    def qualified(self, host: str) -> str:
        """`host` with its namespace, where it is a bare one that is meant in a namespace."""
        return f"{host}.{self.namespace}" if self.is_bare(host) and self.namespace else host

    @staticmethod
    def is_bare(host: str) -> bool:
        """Whether a host is a Service's name alone."""
        return "." not in host and ":" not in host

    @property
    def ports(self) -> tuple[int, ...]:
        """Those that clients connect to on the head's own host."""
        urls = (urlsplit(url) for url in (self.dashboard, self.serve))
        same = [url.port for url in urls if url.hostname == self.host and url.port]
        return tuple(dict.fromkeys([self.port, *same]))


def endpoints(context: Context) -> list[Endpoint]:
    """Each connection once; without the built-in one, which nobody has chosen."""
    return list(dict.fromkeys((*_of_targets(context), *_of_settings(context))))


def _of_targets(context: Context) -> Iterator[Endpoint]:
    snapshot = context.reading.snapshot
    for reference in snapshot.targets:
        connection = resolve(snapshot, reference.namespace, reference=reference)
        yield from _endpoint(connection, str(reference), reference.namespace, reference)


def _of_settings(context: Context) -> Iterator[Endpoint]:
    snapshot = context.reading.snapshot
    if snapshot.cluster_wide and contract.RAY_HOST in snapshot.cluster_wide.values:
        alone = replace(snapshot, namespaces=MappingProxyType({}))
        yield from _endpoint(resolve(alone, ""), snapshot.cluster_wide.source, "", None)
    for namespace, settings in snapshot.namespaces.items():
        if contract.RAY_HOST in settings.values:
            yield from _endpoint(resolve(snapshot, namespace), settings.source, namespace, None)


def _endpoint(connection: Connection, source: str, namespace: str, reference: Reference | None) -> Iterator[Endpoint]:
    texts = {key: value.text for key, value in connection.values.items()}
    if contract.RAY_PORT in texts:
        yield Endpoint(
            source=source,
            reference=reference,
            namespace=namespace,
            host=texts[contract.RAY_HOST],
            port=int(texts[contract.RAY_PORT]),
            serve=texts.get(contract.RAY_SERVE_URL, ""),
            dashboard=texts.get(contract.RAY_DASHBOARD_URL, ""),
        )


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class ServiceName:
    """A Service by its name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """Namespace and name."""
        return f"{self.namespace}/{self.name}"


def service_of(context: Context, endpoint: Endpoint) -> ServiceName | None:
    """The Service that a host names; None for one that is none, or that is another in each namespace."""
    host = endpoint.address.removesuffix(f".{context.installation.cluster_domain}").removesuffix(".svc")
    name, _, namespace = host.partition(".")
    is_service = namespace and "." not in namespace and (host != endpoint.address or namespace in context.namespaces)
    return ServiceName(namespace=namespace, name=name) if is_service else None


def target_items(context: Context) -> Iterator[tuple[Reference, Item]]:
    """The RayClusters and RayServices themselves."""
    for kind, resource in TARGETS.items():
        for item in context.items(resource.path):
            metadata = {"namespace": item.metadata.namespace, "name": item.metadata.name}
            yield reference_to(kind, {"metadata": metadata}), item


def cluster_spec(reference: Reference, item: Item) -> dict[str, object]:
    """The spec of the RayCluster that a target is, or makes."""
    path = ("rayClusterConfig",) if reference.kind is TargetKind.SERVICE else ()
    return part(item.spec, dict, *path) or {}
