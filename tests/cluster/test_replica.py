"""What a replica serves: the Secret's pair, but not before those who call are seen to trust it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.certificates.support import NOW
from tests.cluster.keeping import Clock
from webhook.certificates.authority import SERVING_LIFE, KeyPair, issue_authority, issue_serving
from webhook.certificates.content import Content, fingerprint
from webhook.certificates.rotation import SETTLE_SECONDS
from webhook.cluster.replica import AGAIN_SECONDS, Replica

OLD, NEW = issue_authority(NOW), issue_authority(NOW)
NAMES = ["svc.ns.svc"]
FIRST = Content(authority=OLD, serving=issue_serving(OLD, NAMES, NOW))
RENEWED = Content(authority=OLD, serving=issue_serving(OLD, NAMES, NOW))
OTHER = Content(authority=NEW, older=(OLD.certificate,), serving=issue_serving(NEW, NAMES, NOW))


class Case:
    """A replica, with what it was told to serve."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.served: list[KeyPair] = []
        self.can, self.now = True, NOW
        self.replica = Replica(self._serve, now=lambda: self.now, clock=self.clock)

    def _serve(self, pair: KeyPair) -> bool:
        if self.can:
            self.served.append(pair)
        return self.can

    def look(self, content: Content | None, *bundles: bytes) -> list[KeyPair]:
        self.replica.look(content, {str(number): bundle for number, bundle in enumerate(bundles)})
        return self.served


@pytest.fixture
def case() -> Case:
    case = Case()
    case.look(FIRST, FIRST.bundle, FIRST.bundle)
    case.clock.ahead += SETTLE_SECONDS
    case.look(FIRST, FIRST.bundle, FIRST.bundle)
    return case


def test_the_first_pair_is_served_at_once_and_trusted_when_every_bundle_says_so() -> None:
    case = Case()
    assert case.look(FIRST, FIRST.bundle, b"") == [FIRST.serving]
    before = case.replica.is_trusted
    case.look(FIRST, FIRST.bundle, OTHER.bundle)
    assert (before, case.replica.is_trusted) == (False, True)


def test_without_a_configuration_all_is_trusted() -> None:
    case = Case()
    before = case.replica.is_trusted
    assert case.look(FIRST) == [FIRST.serving]
    assert case.look(OTHER) == [FIRST.serving, OTHER.serving]
    assert (before, case.replica.is_trusted) == (False, True)
    assert case.replica.report(OTHER).trusted == {fingerprint(OLD.certificate), fingerprint(NEW.certificate)}


def test_a_renewal_by_an_authority_that_was_trusted_for_a_while_is_served_at_once(case: Case) -> None:
    assert case.look(RENEWED, FIRST.bundle) == [FIRST.serving, RENEWED.serving]


def test_another_authoritys_pair_waits_until_every_bundle_has_trusted_it_for_a_while(case: Case) -> None:
    assert case.look(OTHER, FIRST.bundle, OTHER.bundle) == [FIRST.serving]
    case.clock.ahead += 2 * SETTLE_SECONDS
    assert case.look(OTHER, OTHER.bundle, OTHER.bundle) == [FIRST.serving]
    case.clock.ahead += SETTLE_SECONDS - 0.1
    assert case.look(OTHER, OTHER.bundle, OTHER.bundle) == [FIRST.serving]
    case.clock.ahead += 0.1
    assert case.look(OTHER, OTHER.bundle, OTHER.bundle) == [FIRST.serving, OTHER.serving]


def test_a_bundle_that_loses_an_authority_in_between_begins_the_wait_anew(case: Case) -> None:
    case.look(OTHER, OTHER.bundle)
    case.clock.ahead += SETTLE_SECONDS / 2
    case.look(OTHER, FIRST.bundle)
    case.look(OTHER, OTHER.bundle)
    case.clock.ahead += SETTLE_SECONDS / 2
    assert case.look(OTHER, OTHER.bundle) == [FIRST.serving]


def test_one_that_was_left_behind_follows_at_once(case: Case) -> None:
    assert case.look(OTHER, NEW.certificate, NEW.certificate) == [FIRST.serving, OTHER.serving]


def test_where_neither_is_trusted_nothing_changes(case: Case) -> None:
    assert case.look(OTHER, b"") == [FIRST.serving]


def test_without_a_secret_the_pair_stays(case: Case) -> None:
    assert case.look(None, FIRST.bundle) == [FIRST.serving]
    assert case.replica.is_trusted


def test_a_pair_that_cannot_be_served_is_tried_again_after_a_while_and_the_report_tells_the_old_one(case: Case) -> None:
    case.can = False
    case.look(RENEWED, FIRST.bundle)
    case.can = True
    assert case.look(RENEWED, FIRST.bundle) == [FIRST.serving]
    assert case.replica.report(RENEWED).serves == fingerprint(FIRST.serving.certificate)
    case.clock.ahead += AGAIN_SECONDS
    assert case.look(RENEWED, FIRST.bundle) == [FIRST.serving, RENEWED.serving]


@pytest.mark.parametrize("ahead", [timedelta(hours=2), -SERVING_LIFE])
def test_what_is_not_valid_by_ones_own_clock_is_neither_taken_up_nor_reported_as_trusted(
    case: Case, ahead: timedelta
) -> None:
    issuer = issue_authority(NOW + ahead, life=SERVING_LIFE)
    serving = issue_serving(issuer, NAMES, NOW + ahead)
    untimely = Content(authority=issuer, older=(OLD.certificate,), serving=serving)
    case.look(untimely, untimely.bundle)
    case.clock.ahead += SETTLE_SECONDS
    assert case.look(untimely, untimely.bundle) == [FIRST.serving]
    assert case.replica.report(untimely).trusted == {fingerprint(OLD.certificate)}
    assert case.replica.untimely == untimely.serving
    case.now = NOW + ahead
    assert case.look(untimely, untimely.bundle) == [FIRST.serving, untimely.serving]
    assert fingerprint(issuer.certificate) in case.replica.report(untimely).trusted
    assert case.replica.untimely is None


def test_the_report_tells_what_has_settled_and_what_is_served(case: Case) -> None:
    case.look(OTHER, OTHER.bundle)
    report = case.replica.report(OTHER)
    assert report.trusted == {fingerprint(OLD.certificate)}
    assert report.issuer == fingerprint(OLD.certificate)
    case.clock.ahead += SETTLE_SECONDS
    assert case.replica.report(OTHER).trusted == {fingerprint(OLD.certificate), fingerprint(NEW.certificate)}
