"""A step is written on the very version that it was decided on, and what it waits for is told once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.certificates.support import NOW
from tests.cluster.fake_api_server import FakeApiServer, running_api_server
from tests.cluster.keeping import NAMES, SECRETS, Clock
from tests.cluster.support import OWN, RecordingLog, api_at
from webhook.certificates.authority import issue_authority, issue_serving
from webhook.certificates.content import Content
from webhook.certificates.rotation import SETTLE_SECONDS
from webhook.cluster.bundle import Service, read_bundles
from webhook.cluster.leader import Leader, Views
from webhook.cluster.lease import LeaseView
from webhook.cluster.secret import ROTATE, SecretView, secret_document
from webhook.cluster.watched import Watched
from webhook.errors import ClusterError

AUTHORITY = issue_authority(NOW)
CONTENT = Content(authority=AUTHORITY, serving=issue_serving(AUTHORITY, NAMES.of_certificate, NOW))
DATA = secret_document("tls", OWN, CONTENT, done="", version="")["data"]


class Case:
    """A leader that sees only what a test hands to its views."""

    def __init__(self, fake: FakeApiServer, url: str) -> None:
        self.fake, self.clock, self.log = fake, Clock(), RecordingLog()
        self.in_between = ""
        service = Service(namespace=OWN, name=NAMES.service)
        self.views = Views(
            secret=SecretView(lambda: None, self.clock),
            bundles=Watched(lambda item: read_bundles(item, service), lambda: None, self.clock),
            lease=LeaseView(lambda: None, self.clock),
        )
        self.leader = Leader(api_at(url), NAMES, self.views, log=self.log, now=self._now, clock=self.clock)

    def _now(self) -> datetime:
        """The time, which a leader asks for between its look and its write."""
        if self.in_between:
            self.store(self.in_between)
        return NOW

    def store(self, asked: str) -> None:
        """Somebody changes the Secret, and the watch shows it."""
        self.views.secret.put(self.fake.put(SECRETS, OWN, "tls", data=DATA, annotations={ROTATE: asked}))


@pytest.fixture
def case() -> Iterator[Case]:
    fake = FakeApiServer()
    fake.serve_kind(SECRETS)
    with running_api_server(fake) as url:
        yield Case(fake, url)


def test_a_change_between_look_and_write_is_not_overwritten(case: Case) -> None:
    case.store("first")
    case.in_between = "second"
    with pytest.raises(ClusterError) as refused:
        case.leader.step()
    assert refused.value.status == 409
    assert not case.leader.written
    case.in_between = ""
    case.leader.step()
    assert case.leader.written == {"introduced": 1}


def test_after_a_write_nothing_is_done_until_it_was_seen(case: Case) -> None:
    case.store("now")
    case.leader.step()
    case.leader.step()
    assert case.leader.written == {"introduced": 1}
    case.views.secret.put(case.fake.collections[SECRETS][OWN, "tls"])
    case.clock.ahead += SETTLE_SECONDS
    case.leader.step()
    assert case.leader.written == {"introduced": 1, "switched": 1}


def test_what_is_waited_for_is_told_once_each_time(case: Case) -> None:
    case.store("now")
    case.leader.step()
    case.views.secret.put(case.fake.collections[SECRETS][OWN, "tls"])
    case.leader.step()
    case.views.secret.put(case.fake.collections[SECRETS][OWN, "tls"])
    for _ in range(3):
        case.leader.step()
    assert case.log.fields("certificate waits") == [{"next": "dropped", "replicas": []}]
