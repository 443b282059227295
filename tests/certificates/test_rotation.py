"""The steps of issuing and rotating: their order, every crash between two of them, and leaders that see too little."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.certificates.support import NOW, verify
from tests.certificates.world import NAMES, World, settled_world
from webhook.certificates.authority import KeyPair, describe, issue_serving
from webhook.certificates.content import MAX_AUTHORITIES, Content, checked, fingerprint
from webhook.certificates.rotation import (
    GONE_SECONDS,
    LATE_SECONDS,
    SETTLE_SECONDS,
    SILENT_SECONDS,
    Reason,
    Report,
    Situation,
    Step,
    Trust,
    Wait,
    Write,
    next_step,
    next_trust,
)
from webhook.errors import CertificateError

STEADY = SETTLE_SECONDS


def step(situation: Situation, *, now: timedelta = timedelta(), names: tuple[str, ...] = NAMES) -> Step:
    return next_step(situation, names=names, now=NOW + now)


def written(situation: Situation, reason: Reason, *, now: timedelta = timedelta()) -> Content:
    found = step(situation, now=now)
    assert isinstance(found, Write)
    assert found.reason is reason
    return checked(found.content)


def issued() -> Content:
    return written(Situation(stored=None), Reason.ISSUED)


def trusting(content: Content, **fields: object) -> Situation:
    """The content in the Secret, and in both bundles."""
    bundles = {"a": content.bundle, "b": content.bundle}
    situation = Situation(stored=content, known=content, bundles=bundles, steady=STEADY)
    return replace(situation, **fields)  # type: ignore[arg-type]


CONTENT = issued()
OLD = fingerprint(CONTENT.authority.certificate)
INTRODUCED = written(trusting(CONTENT, asked=True), Reason.INTRODUCED)
NEW = fingerprint(INTRODUCED.authority.certificate)
SWITCHED = written(trusting(INTRODUCED), Reason.SWITCHED)


class TestOrder:
    def test_at_first_all_is_issued_for_the_services_name_and_verifies(self) -> None:
        verify(CONTENT.serving.certificate, CONTENT.bundle, NAMES[0], NOW)
        assert CONTENT.older == ()

    def test_the_bundles_follow_all_at_once(self) -> None:
        situation = trusting(CONTENT, bundles={"a": CONTENT.bundle, "b": b"another"})
        assert step(situation) == Trust(bundle=CONTENT.bundle, entries=("a", "b"))

    def test_where_all_is_well_nothing_is_done(self) -> None:
        assert step(trusting(CONTENT)) == Wait()
        assert step(Situation(stored=CONTENT)) == Wait()

    def test_a_new_authority_is_introduced_without_a_change_of_what_is_served(self) -> None:
        assert INTRODUCED.serving == CONTENT.serving
        assert INTRODUCED.older == (CONTENT.authority.certificate,)
        assert INTRODUCED.authority.key != CONTENT.authority.key

    def test_it_issues_when_every_replica_trusts_it(self) -> None:
        both = frozenset({OLD, NEW})
        reports = {"x": Report(trusted=both), "y": Report(trusted=frozenset({OLD}))}
        assert step(trusting(INTRODUCED, reports=reports)) == Wait(reason=Reason.SWITCHED, replicas=("y",))
        content = written(trusting(INTRODUCED, reports={"x": reports["x"]}), Reason.SWITCHED)
        assert content.issuer == NEW
        assert content.authorities == INTRODUCED.authorities

    def test_it_issues_only_a_while_after_it_was_introduced(self) -> None:
        assert step(trusting(INTRODUCED, steady=STEADY - 1)) == Wait(reason=Reason.SWITCHED)

    def test_it_issues_at_once_where_no_configuration_makes_anybody_call(self) -> None:
        assert isinstance(step(trusting(INTRODUCED, steady=0.0, bundles={})), Write)

    def test_the_old_one_is_dropped_when_every_replica_serves_what_the_new_one_issued(self) -> None:
        reports = {"x": Report(serves="c", issuer=NEW), "y": Report(serves="d", issuer=OLD), "z": Report()}
        assert step(trusting(SWITCHED, reports=reports)) == Wait(reason=Reason.DROPPED, replicas=("y",))
        assert step(trusting(SWITCHED, steady=STEADY - 1)) == Wait(reason=Reason.DROPPED)
        del reports["y"]
        content = written(trusting(SWITCHED, reports=reports), Reason.DROPPED)
        assert (content.older, content.serving) == ((), SWITCHED.serving)

    def test_another_rotation_begins_only_after_the_one_before(self) -> None:
        assert isinstance(step(trusting(SWITCHED, asked=True, steady=0.0)), Wait)


class TestPatience:
    @pytest.mark.parametrize(
        ("content", "report", "bound"),
        [
            (INTRODUCED, Report(), SILENT_SECONDS),
            (SWITCHED, Report(serves="c", issuer=OLD), GONE_SECONDS),
        ],
    )
    def test_a_replica_that_fell_silent_is_waited_for_and_not_for_ever(
        self, content: Content, report: Report, bound: float
    ) -> None:
        reports = {"x": replace(report, silent=bound - 1)}
        assert isinstance(step(trusting(content, reports=reports)), Wait)
        reports = {"x": replace(report, silent=bound)}
        assert isinstance(step(trusting(content, reports=reports)), Write)

    @pytest.mark.parametrize(
        ("content", "report", "bound"),
        [
            (INTRODUCED, Report(), GONE_SECONDS),
            (SWITCHED, Report(serves="c", issuer=OLD), LATE_SECONDS),
        ],
    )
    def test_one_that_is_heard_of_and_never_follows_is_not_waited_for_for_ever_either(
        self, content: Content, report: Report, bound: float
    ) -> None:
        assert isinstance(step(trusting(content, reports={"x": report}, steady=bound - 1)), Wait)
        assert isinstance(step(trusting(content, reports={"x": report}, steady=bound)), Write)


class TestLives:
    def test_the_serving_certificate_is_renewed_by_the_same_authority_in_its_last_third(self) -> None:
        assert step(trusting(CONTENT), now=timedelta(days=59)) == Wait()
        content = written(trusting(CONTENT), Reason.RENEWED, now=timedelta(days=61))
        assert (content.authority, content.older) == (CONTENT.authority, ())
        assert content.serving.key != CONTENT.serving.key
        assert describe(content.serving.certificate).not_after == NOW + timedelta(days=61 + 90)

    def test_the_authority_is_replaced_when_more_than_a_serving_life_is_left(self) -> None:
        serving = issue_serving(CONTENT.authority, NAMES, NOW + timedelta(days=240))
        late = replace(CONTENT, serving=serving)
        assert step(trusting(late), now=timedelta(days=242)) == Wait()
        written(trusting(late), Reason.INTRODUCED, now=timedelta(days=244))

    def test_other_names_are_a_reason_to_renew(self) -> None:
        found = step(trusting(CONTENT), names=("other.ns.svc",))
        assert isinstance(found, Write)
        assert describe(found.content.serving.certificate).names == ("other.ns.svc",)

    def test_a_cluster_that_slept_for_two_years_wakes_up_with_a_new_authority(self) -> None:
        later = timedelta(days=730)
        introduced = written(trusting(CONTENT), Reason.INTRODUCED, now=later)
        switched = written(trusting(introduced), Reason.SWITCHED, now=later)
        verify(switched.serving.certificate, introduced.authority.certificate, NAMES[0], NOW + later)

    def test_a_rotation_that_slept_for_two_years_goes_on(self) -> None:
        later = timedelta(days=730)
        for content in (INTRODUCED, SWITCHED):
            found = written(trusting(content), Reason.INTRODUCED, now=later)
            assert found.serving == content.serving
            written(trusting(found), Reason.SWITCHED, now=later)


class TestLoss:
    def test_what_is_broken_is_put_back_as_it_was(self) -> None:
        broken = Situation(stored=None, is_broken=True, known=CONTENT)
        assert written(broken, Reason.RESTORED) == CONTENT

    def test_what_is_deleted_gets_a_new_authority_beside_the_one_that_is_served(self) -> None:
        content = written(Situation(stored=None, known=CONTENT), Reason.INTRODUCED)
        assert content.serving == CONTENT.serving
        assert content.older == CONTENT.authorities

    def test_who_knows_nothing_issues_anew_and_leaves_trusted_what_the_bundles_say(self) -> None:
        bundles = {"a": SWITCHED.bundle, "b": b"garbage"}
        for is_broken in (False, True):
            content = written(Situation(stored=None, is_broken=is_broken, bundles=bundles), Reason.ISSUED)
            assert content.older == SWITCHED.authorities
            assert content.issuer == fingerprint(content.authority.certificate)

    def test_what_was_trusted_before_us_is_until_pods_of_before_are_gone(self) -> None:
        stranger = issue_serving(CONTENT.authority, NAMES, NOW).certificate
        content = written(Situation(stored=None, bundles={"a": stranger + CONTENT.bundle}), Reason.ISSUED)
        assert content.older == (stranger, *CONTENT.authorities)
        assert step(trusting(content, steady=GONE_SECONDS - 1)) == Wait(reason=Reason.DROPPED)
        assert written(trusting(content, steady=GONE_SECONDS), Reason.DROPPED).older == ()

    def test_no_bundle_grows_beyond_what_is_read(self) -> None:
        content = CONTENT
        for _ in range(2 * MAX_AUTHORITIES):
            content = written(Situation(stored=None, known=content), Reason.INTRODUCED)
        assert len(content.authorities) == MAX_AUTHORITIES

    @pytest.mark.parametrize("is_broken", [True, False])
    def test_without_a_usable_secret_the_bundles_are_healed_from_what_is_known(self, is_broken: bool) -> None:
        new = INTRODUCED.authority.certificate
        situation = Situation(stored=None, is_broken=is_broken, known=CONTENT, bundles={"a": b"another", "b": new})
        assert next_trust(situation) == Trust(bundle=CONTENT.bundle + new, entries=("a", "b"))
        assert next_trust(replace(situation, bundles={"a": INTRODUCED.bundle})) is None
        assert next_trust(replace(situation, known=None)) is None

    @pytest.mark.parametrize("source", ["the bundles", "memory"])
    def test_an_authority_that_went_while_somebody_serves_by_it_is_kept(self, source: str) -> None:
        other = issued()
        bundles = {"a": CONTENT.bundle} if source == "the bundles" else {"a": other.bundle}
        known = CONTENT if source == "memory" else other
        reports = {"x": Report(serves="c", issuer=OLD)}
        situation = Situation(stored=other, known=known, bundles=bundles, reports=reports)
        assert written(situation, Reason.KEPT).authorities == (*other.authorities, *CONTENT.authorities)
        gone = replace(situation, reports={"x": replace(reports["x"], silent=GONE_SECONDS)})
        assert not (isinstance(found := step(gone), Write) and found.reason is Reason.KEPT)


class TestContent:
    @pytest.mark.parametrize(
        "spoil",
        [
            lambda content: replace(content, authority=replace(content.authority, key=INTRODUCED.authority.key)),
            lambda content: replace(content, serving=replace(content.serving, key=INTRODUCED.authority.key)),
            lambda content: replace(content, serving=SWITCHED.serving),
            lambda content: replace(content, authority=KeyPair(certificate=b"", key=content.authority.key)),
            lambda content: replace(content, authority=content.serving),
            lambda content: replace(content, older=(b"garbage",)),
        ],
    )
    def test_what_does_not_belong_together_is_refused(self, spoil: Callable[[Content], Content]) -> None:
        assert checked(CONTENT) == CONTENT
        with pytest.raises(CertificateError):
            checked(spoil(CONTENT))

    def test_no_key_is_shown(self) -> None:
        assert "PRIVATE" not in repr(CONTENT)


def ask(world: World) -> None:
    world.change(asked=True)


def delete(world: World) -> None:
    world.change(secret=None)


def break_it(world: World) -> None:
    world.change(secret=None, is_broken=True)


def replace_it(world: World) -> None:
    """Somebody puts a whole other content there, such as one of a backup, which is all right in itself."""
    world.change(secret=issued())


def let_expire(world: World) -> None:
    """The clock moves on until the authority is due; nobody looks meanwhile."""
    for process in world.processes:
        process.offset += timedelta(days=250)


EVENTS = [ask, delete, break_it, replace_it, let_expire]


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("writes", range(7))
@pytest.mark.parametrize("successor", ["second", "a new process"])
def test_a_leader_that_dies_after_any_write_is_followed_by_one_that_goes_on_and_nobody_is_missed(
    event: Callable[[World], None], writes: int, successor: str
) -> None:
    """With clocks an hour apart. A new process serves what is stored at once, so it comes when that is trusted."""
    world, first, second = settled_world(hours_off=-1)
    before = world.authority()
    event(world)
    if writes:
        world.run(300, first, until=lambda: len(world.written) >= writes or world.is_settled)
    leader = second
    if successor == "a new process" and world.now.secret and event is not replace_it:
        leader = world.process("third")
        leader.offset = first.offset
    first.is_hung = True
    world.processes.remove(first)
    del world.reports["first"]
    world.run(5, leader)
    world.run(400, leader, until=lambda: world.is_settled)
    world.run(SETTLE_SECONDS, leader)
    assert world.is_settled
    assert (world.authority() == before) is (event is break_it)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("seed", range(3))
def test_two_that_lead_at_once_on_what_they_saw_some_time_ago_miss_nobody(
    event: Callable[[World], None], seed: int
) -> None:
    draw = random.Random(seed)
    world, first, second = settled_world(hours_off=1)
    event(world)
    for _ in range(60):
        for process in world.processes:
            process.look(world.past(draw.choice([0, 0, 1, 3])))
        for leader in draw.sample([first, second], k=draw.choice([0, 1, 2])):
            leader.lead(world.past(draw.choice([0, 1, 3])))
        world.time += 1.0
        assert not world.missed()
    world.run(120, first, until=lambda: world.is_settled)
    assert world.is_settled


@pytest.mark.parametrize("event", [ask, delete, let_expire])
def test_a_replica_that_hangs_does_not_stop_it_and_is_trusted_until_it_counts_as_gone(
    event: Callable[[World], None],
) -> None:
    world, first, second = settled_world()
    before = second.certificate
    event(world)
    world.run(SETTLE_SECONDS / 2, first)
    second.is_hung = True
    world.run(GONE_SECONDS - SETTLE_SECONDS, first)
    assert first.certificate != before
    world.is_watched = False
    world.run(60, first)
    assert world.now.secret
    assert world.now.secret.older == ()


def test_a_replica_that_was_away_for_a_while_follows_by_itself() -> None:
    world, first, second = settled_world()
    ask(world)
    second.is_hung = True
    world.run(SILENT_SECONDS + 60, first)
    assert first.certificate != second.certificate
    second.is_hung = False
    world.run(60, first)
    assert world.is_settled


def test_without_a_configuration_all_goes_the_same_way() -> None:
    world, first, _ = settled_world(entries=0)
    ask(world)
    world.run(60, first)
    assert world.is_settled
    assert world.written == ["introduced", "switched", "dropped"]


def test_a_rotation_takes_these_steps_and_no_other() -> None:
    world, first, second = settled_world()
    ask(world)
    world.run(60, first, second)
    assert world.written == ["introduced", "trust", "switched", "dropped", "trust"]
    assert world.is_settled
    world.run(60, first, second)
    assert len(world.written) == 5


def test_a_bundle_that_is_changed_by_hand_is_put_right() -> None:
    world, first, _ = settled_world()
    right = dict(world.now.bundles)
    world.is_watched = False
    world.change(bundles=dict.fromkeys(right, b"another"))
    world.run(2, first)
    assert (world.written, world.now.bundles) == (["trust"], right)
