"""Replicas that look after their certificate, beside a fake API server, on a clock that a test can push."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from time import monotonic, sleep
from typing import Any

from tests.cluster.fake_api_server import FakeApiServer, running_api_server
from tests.cluster.support import FAST, OWN, RecordingLog, api_at
from webhook.certificates.authority import KeyPair
from webhook.cluster.election import RENEW_SECONDS
from webhook.cluster.keeper import CertificateKeeper
from webhook.cluster.names import Names

NAMES = Names(namespace=OWN, service="svc", secret="tls", lease="lead", configuration="hook")  # noqa: S106  an object's name
SECRETS = NAMES.secret_resource.path
LEASES = NAMES.lease_resource.path
CONFIGURATIONS = NAMES.configuration_resource.path


class Clock:
    """A monotonic clock that can be pushed on."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return monotonic() + self.ahead


class Keeping:
    """One replica, with what it was told to serve."""

    def __init__(self, url: str, clock: Clock, now: Callable[[], datetime], ahead: timedelta) -> None:
        self.log, self.ahead = RecordingLog(), ahead
        self.served: list[KeyPair] = []
        self.trusted: list[bool] = []
        self.keeper = CertificateKeeper(
            api_at(url),
            NAMES,
            serve=self._serve,
            trusted=lambda: self.trusted.append(True),
            log=self.log,
            pace=replace(FAST, clock=clock, draw=lambda: 0.0),
            now=lambda: now() + self.ahead,
        )

    def _serve(self, pair: KeyPair) -> bool:
        self.served.append(pair)
        return True

    @property
    def leads(self) -> bool:
        return self.keeper.figures().is_leader


@dataclass
class Cluster:
    """The fake API server, and the replicas that run."""

    fake: FakeApiServer
    url: str
    stack: ExitStack
    clock: Clock = field(default_factory=Clock)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    running: list[Keeping] = field(default_factory=list)

    def pass_time(self, seconds: float) -> None:
        """Push the clock on, and have all replicas look at it; leaders renew in between."""
        for _ in range(ceil(seconds / RENEW_SECONDS)):
            self.clock.ahead += RENEW_SECONDS
            for one in self.running:
                one.keeper._changed()
            sleep(0.2)

    def start(self, *, ahead: timedelta = timedelta()) -> Keeping:
        """One more replica, whose time of day is so far `ahead` of the API server's."""
        made = Keeping(self.url, self.clock, lambda: self.now, ahead)
        self.running.append(made)
        made.keeper.start()
        self.stack.callback(made.keeper.stop)
        return made

    def secret(self) -> dict[str, bytes]:
        found = self.fake.collections[SECRETS].get((OWN, "tls"))
        return {key: b64decode(value) for key, value in found["data"].items()} if found else {}

    def lease(self) -> dict[str, Any]:
        found: dict[str, Any] = self.fake.collections[LEASES].get((OWN, "lead"), {})
        return found

    def bundles(self) -> list[bytes]:
        webhooks = self.fake.collections[CONFIGURATIONS]["", "hook"]["webhooks"]
        return [b64decode(webhook["clientConfig"].get("caBundle", "")) for webhook in webhooks]

    def configure(self, *services: str) -> None:
        """Create the webhook configuration, with an entry for each of these Services."""
        webhooks = [
            {"name": f"{number}.example.com", "clientConfig": {"service": {"namespace": OWN, "name": service}}}
            for number, service in enumerate(services)
        ]
        self.fake.put(CONFIGURATIONS, "", "hook", webhooks=webhooks)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A cluster without any of the objects."""
    fake = FakeApiServer()
    for path in (SECRETS, LEASES, CONFIGURATIONS):
        fake.serve_kind(path)
    with running_api_server(fake) as url, ExitStack() as stack:
        made = Cluster(fake=fake, url=url, stack=stack)
        fake.date = lambda: made.now.timestamp()  # noqa: PLW0108  the time changes
        yield made
