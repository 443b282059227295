"""A ClusterSource beside a fake API server, with a log that can be read and times that suit a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any, TypeVar

from kubernetes.client import Configuration

from tests.cluster.fake_api_server import FakeApiServer, running_api_server
from webhook.cluster.client import Api
from webhook.cluster.pace import Pace
from webhook.cluster.source import ClusterSource
from webhook.injection.snapshot import RayTarget, Reference, Snapshot, TargetKind

_T = TypeVar("_T")

OWN = "ray-webhook-system"
FAST = Pace(first_delay=0.02, longest_delay=0.2, healthy=0.5, absent=0.1, watch=60, silence=15, page=3)


def api_at(url: str, *, read_seconds: float = 5.0) -> Api:
    """A client for `url`; proxies of the environment are not used."""
    return Api(Configuration(host=url, no_proxy="*"), read_seconds=read_seconds)


def until(condition: Callable[[], _T | None], what: str, seconds: float = 10.0) -> _T:
    """What `condition` returns as soon as that is something."""
    deadline = monotonic() + seconds
    while not (found := condition()):
        assert monotonic() < deadline, f"not within {seconds} s: {what}"
        sleep(0.002)
    return found


@dataclass
class RecordingLog:
    """Keeps what is written, as level, event and fields."""

    lines: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def info(self, event: str, **fields: object) -> None:
        self.lines.append(("info", event, fields))

    def warning(self, event: str, **fields: object) -> None:
        self.lines.append(("warning", event, fields))

    def fields(self, event: str) -> list[dict[str, Any]]:
        """The fields of each line with this event."""
        return [fields for _, name, fields in list(self.lines) if name == event]


@dataclass
class Followed:
    """A source at work, with what it has published."""

    fake: FakeApiServer
    url: str
    log: RecordingLog
    source: ClusterSource
    published: list[Snapshot]

    @property
    def snapshot(self) -> Snapshot:
        return self.published[-1]

    def host(self, namespace: str) -> str | None:
        """The RAY_HOST of a namespace's settings."""
        settings = self.snapshot.namespaces.get(namespace)
        return settings.values.get("RAY_HOST") if settings else None

    def target(self, kind: TargetKind, namespace: str, name: str) -> RayTarget | None:
        return self.snapshot.targets.get(Reference(kind=kind, namespace=namespace, name=name))

    def await_host(self, namespace: str, host: str | None, seconds: float = 10.0) -> None:
        until(lambda: self.host(namespace) == host, f"{namespace} has {host}", seconds)

    def await_first(self) -> None:
        until(lambda: bool(self.published), "the first publication")


@contextmanager
def following(
    fake: FakeApiServer, *, names: Sequence[str] = ("ray-settings",), pace: Pace = FAST, read_seconds: float = 5.0
) -> Iterator[Followed]:
    """Follow `fake`, over HTTP, until the block ends."""
    with running_api_server(fake) as url:
        api = api_at(url, read_seconds=read_seconds)
        with following_at(url, fake, names=names, pace=pace, api=api) as followed:
            yield followed


@contextmanager
def following_at(
    url: str,
    fake: FakeApiServer,
    *,
    names: Sequence[str] = ("ray-settings",),
    pace: Pace = FAST,
    api: Api | None = None,
) -> Iterator[Followed]:
    """Follow whatever is at `url`."""
    published: list[Snapshot] = []
    log = RecordingLog()
    source = ClusterSource(
        api or api_at(url),
        settings_names=names,
        first=Snapshot(webhook_namespace=OWN, cluster_domain="k8s.example"),
        publish=published.append,
        log=log,
        pace=pace,
    )
    source.start()
    try:
        yield Followed(fake=fake, url=url, log=log, source=source, published=published)
    finally:
        source.stop()
