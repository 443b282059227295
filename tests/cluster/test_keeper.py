"""A certificate that looks after itself, over HTTP: issued, healed, rotated, and left alone where nothing is wrong."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Any

import pytest

from tests.certificates.support import odd_certificates
from tests.cluster.keeping import CONFIGURATIONS, LEASES, SECRETS, Cluster, cluster
from tests.cluster.support import OWN, until
from webhook.certificates.authority import CLOCK_SKEW, describe, issue_authority, issue_serving
from webhook.certificates.content import split
from webhook.certificates.rotation import GONE_SECONDS, SETTLE_SECONDS
from webhook.cluster.election import RENEW_SECONDS, UNFIT_SECONDS, YIELD_SECONDS
from webhook.cluster.keeper import STOP_SECONDS
from webhook.cluster.lease import REPORT
from webhook.cluster.reporter import AGAIN_SECONDS
from webhook.cluster.secret import ROTATE, ROTATED

SECRET = f"{SECRETS}/tls"
NOT_ISSUED = "certificate not issued, for the clocks differ"


@pytest.fixture
def bare() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


@pytest.fixture
def made(bare: Cluster) -> Cluster:
    """With a configuration of two entries of ours and one of another's."""
    bare.configure("svc", "svc", "other")
    bare.fake.collections[CONFIGURATIONS]["", "hook"]["webhooks"][2]["clientConfig"]["caBundle"] = "b3RoZXI="
    return bare


def ours(cluster: Cluster) -> bool:
    """Whether both entries of ours trust what the Secret says, and the third is as it was."""
    bundle = cluster.secret().get("ca.crt")
    return cluster.bundles() == [bundle, bundle, b"other"]


def writes(cluster: Cluster, path: str) -> int:
    return sum(request.method == "PATCH" and request.path.startswith(path) for request in cluster.fake.requests)


def test_the_first_one_issues_and_all_serve_it_and_our_entries_trust_it(made: Cluster) -> None:
    one, other = made.start(), made.start()
    until(lambda: ours(made), "the bundles are right")
    until(lambda: one.trusted and other.trusted, "both are trusted")

    assert [replica.leads for replica in (one, other)].count(True) == 1
    assert one.served == other.served
    assert one.served[0].certificate == made.secret()["tls.crt"]
    assert describe(made.secret()["tls.crt"]).names == (f"svc.{OWN}.svc",)
    created = next(request for request in made.fake.requests if request.path == SECRET)
    assert (created.body["type"], created.query["force"]) == ("kubernetes.io/tls", "false")


def test_each_is_trusted_once_and_only_after_the_bundles(made: Cluster) -> None:
    made.fake.faults.status[f"{CONFIGURATIONS}/hook"] = 403
    one = made.start()
    until(lambda: one.keeper.figures().failures > 1, "the bundle cannot be written")
    assert one.served
    assert not one.trusted
    assert "403" in one.log.fields("certificate not looked after")[0]["message"]

    made.fake.faults.status.clear()
    until(lambda: one.trusted, "it is trusted")
    made.configure("svc")
    until(lambda: made.bundles() == [made.secret()["ca.crt"]], "the bundle is mended")
    assert one.trusted == [True]


@pytest.mark.parametrize("what", odd_certificates())
def test_an_odd_certificate_in_a_bundle_is_put_right_as_any_other_change(made: Cluster, what: str) -> None:
    bundle = b64encode(odd_certificates()[what]).decode()
    for webhook in made.fake.collections[CONFIGURATIONS]["", "hook"]["webhooks"][:2]:
        webhook["clientConfig"]["caBundle"] = bundle
    one = made.start()
    until(lambda: ours(made) and one.trusted, "it is trusted")
    assert one.keeper.is_at_work
    assert one.keeper.figures().failures == 0


def test_without_a_configuration_it_is_ready_and_one_that_comes_later_is_filled_in(bare: Cluster) -> None:
    one = bare.start()
    until(lambda: one.trusted, "it is trusted")
    bare.configure("svc")
    until(lambda: bare.bundles() == [bare.secret()["ca.crt"]], "the bundle is there", seconds=1)


def test_where_all_is_well_nothing_is_written(made: Cluster) -> None:
    one, other = made.start(), made.start()
    until(lambda: ours(made) and one.trusted and other.trusted, "all is well")
    sleep(0.6)
    before = [writes(made, path) for path in (SECRETS, CONFIGURATIONS)]
    sleep(1.2)

    assert [writes(made, path) for path in (SECRETS, CONFIGURATIONS)] == before


def test_a_replica_without_knowledge_of_the_first_follows_the_secret(made: Cluster) -> None:
    one = made.start()
    until(lambda: ours(made) and one.trusted, "it is trusted")
    later = made.start()
    until(lambda: later.trusted, "the other one is, too")

    assert later.served == one.served


def test_a_rotation_that_is_asked_for_is_done_once(made: Cluster) -> None:
    one, other = made.start(), made.start()
    until(lambda: one.trusted and other.trusted, "both are trusted")
    old = made.secret()
    data = made.fake.collections[SECRETS][OWN, "tls"]["data"]
    made.fake.put(SECRETS, OWN, "tls", data=data, annotations={ROTATE: "today"})
    until(lambda: len(split(made.secret()["ca.crt"])) == 2, "a new authority is introduced")
    assert made.secret()["tls.crt"] == old["tls.crt"]
    leader = one if one.leads else other
    for wanted in ("switched", "dropped"):
        # Leases are renewed while the clock is pushed on, by less than they last at a time.
        for _ in range(4):
            made.clock.ahead += SETTLE_SECONDS / 3
            sleep(0.4)
        until(lambda: leader.keeper.figures().written.get(wanted), wanted)  # noqa: B023
    until(lambda: ours(made) and len(split(made.secret()["ca.crt"])) == 1, "the old authority is dropped")

    assert made.fake.collections[SECRETS][OWN, "tls"]["metadata"]["annotations"][ROTATED] == "today"
    assert one.served == other.served
    assert len(one.served) == 2
    assert leader.keeper.figures().written["introduced"] == 1


def test_a_certificate_that_is_due_is_renewed(made: Cluster) -> None:
    one = made.start()
    until(lambda: ours(made) and one.trusted, "it is trusted")
    made.clock.ahead += SETTLE_SECONDS
    made.now += timedelta(days=61)
    until(lambda: len(one.served) == 2, "it is renewed")

    assert len(split(made.secret()["ca.crt"])) == 1


CERT_MANAGER = {"metadata": {"annotations": {"cert-manager.io/certificate-name": "x"}}, "data": {"tls.crt": ""}}
SEALED = {"metadata": {"ownerReferences": [{"controller": True, "kind": "SealedSecret", "name": "tls"}]}, "data": {}}
OWN_PAIR = {"metadata": {}, "data": {"tls.crt": "b25l", "tls.key": "b25l"}}


@pytest.mark.parametrize(
    ("secret", "owner"), [(CERT_MANAGER, "cert-manager"), (SEALED, "SealedSecret/tls"), (OWN_PAIR, "unknown")]
)
def test_a_secret_that_somebody_else_looks_after_is_left_alone_and_the_fix_is_told(
    made: Cluster, secret: dict[str, Any], owner: str
) -> None:
    made.fake.put(SECRETS, OWN, "tls", data=secret["data"])
    made.fake.collections[SECRETS][OWN, "tls"]["metadata"] |= secret["metadata"]
    one = made.start()
    (told,) = until(lambda: one.log.fields("the Secret is left alone"), "it is told")

    assert (told["owner"], "delete it" in told["message"]) == (owner, True)
    assert [writes(made, path) for path in (SECRETS, CONFIGURATIONS)] == [0, 0]
    assert not one.trusted


@pytest.mark.parametrize("changed", [{}, {"tls.crt": "JSUl"}])
def test_a_secret_of_ours_that_lost_its_key_is_put_back_by_who_knows_it(made: Cluster, changed: dict[str, str]) -> None:
    one = made.start()
    until(lambda: ours(made) and one.trusted, "it is trusted")
    before = made.secret()
    data = {key: b64encode(value).decode() for key, value in before.items() if key != "ca.key"} | changed
    made.fake.put(SECRETS, OWN, "tls", data=data)
    until(lambda: made.secret() == before, "it is put back")


def test_somebodys_own_pair_that_is_put_into_the_secret_is_left_alone_and_the_old_one_is_served(made: Cluster) -> None:
    one = made.start()
    until(lambda: ours(made) and one.trusted, "it is trusted")
    served, now = list(one.served), datetime.now(UTC)
    own = issue_serving(issue_authority(now), [f"svc.{OWN}.svc"], now)
    data = {"tls.crt": b64encode(own.certificate).decode(), "tls.key": b64encode(own.key).decode()}
    before = writes(made, SECRETS)
    made.fake.put(SECRETS, OWN, "tls", data=data)
    (told,) = until(lambda: one.log.fields("the Secret is left alone"), "it is told")

    assert "--tls-cert" in told["message"]
    assert made.secret() == {"tls.crt": own.certificate, "tls.key": own.key}
    assert (writes(made, SECRETS), one.served) == (before, served)
    made.fake.delete(SECRETS, OWN, "tls")
    until(lambda: made.secret().get("tls.crt") == served[0].certificate, "without it what is served comes back")


def test_a_secret_that_cannot_be_written_keeps_no_bundle_from_being_healed(made: Cluster) -> None:
    one = made.start()
    until(lambda: ours(made) and one.trusted, "it is trusted")
    right = made.secret()["ca.crt"]
    made.fake.put(SECRETS, OWN, "tls", data={"ca.crt": "%"}, immutable=True)
    until(lambda: one.log.fields("certificate not looked after"), "it is told")
    made.configure("svc")
    until(lambda: made.bundles() == [right], "the bundle is healed")
    assert "immutable; allowed: " in one.log.fields("certificate not looked after")[0]["message"]


def test_a_report_that_cannot_be_written_keeps_nothing_from_being_healed(made: Cluster) -> None:
    one = made.start()
    until(lambda: ours(made) and one.trusted and one.leads, "it is trusted")
    made.fake.faults.status[f"{LEASES}/lead"] = 422
    made.fake.put(LEASES, OWN, "lead", spec=made.lease()["spec"])
    made.clock.ahead += AGAIN_SECONDS
    until(lambda: one.log.fields("certificate not looked after"), "it is told")
    made.configure("svc")
    until(lambda: made.bundles() == [made.secret()["ca.crt"]], "the bundle is healed", seconds=2)


def test_a_broken_secret_of_unknown_origin_is_issued_anew(made: Cluster) -> None:
    made.fake.put(SECRETS, OWN, "tls", data={"tls.crt": "JSUl", "ca.crt": "%"})
    one = made.start()
    until(lambda: ours(made) and one.trusted, "it is trusted")

    assert one.log.fields("certificate written")[0]["message"].startswith("ca.crt is missing or no base64")


def test_a_lost_race_for_the_secret_is_no_failure(made: Cluster) -> None:
    made.fake.faults.status[SECRET] = 409
    one = made.start()
    until(lambda: writes(made, SECRETS) > 1, "it is tried")
    assert one.keeper.figures().failures == 0
    assert not one.log.fields("certificate not looked after")

    made.fake.faults.status.clear()
    until(lambda: ours(made) and one.trusted, "it is trusted")


def test_a_sick_api_server_is_asked_at_a_bounded_rate(made: Cluster) -> None:
    made.fake.faults.status[SECRET] = 500
    one = made.start()
    until(lambda: one.keeper.figures().failures >= 3, "it is tried")
    before = writes(made, SECRETS)
    sleep(1)
    assert writes(made, SECRETS) - before <= 12


def test_an_outage_leaves_what_is_served(made: Cluster) -> None:
    one = made.start()
    until(lambda: ours(made) and one.trusted, "it is trusted")
    made.fake.faults.hang = True
    made.fake.break_watches()
    sleep(0.3)
    assert len(one.served) == 1
    made.fake.faults.hang = False
    made.fake.collections[CONFIGURATIONS]["", "hook"]["webhooks"][0]["clientConfig"]["caBundle"] = ""
    made.fake.forget_history()
    made.fake.break_watches()
    until(lambda: ours(made), "the bundles are right")


def test_a_restored_api_server_whose_versions_are_lower_is_followed(made: Cluster) -> None:
    one = made.start()
    until(lambda: ours(made) and one.trusted, "it is trusted")
    made.configure("svc", "svc", "other")
    until(lambda: made.bundles()[:2] == [made.secret()["ca.crt"]] * 2, "the bundles are mended")
    with made.fake.changed:
        made.fake.version = 50
        made.fake.history.clear()
    made.configure("svc", "svc", "other")
    made.fake.oldest = made.fake.version
    made.fake.faults.expired = 30
    made.fake.break_watches()
    until(lambda: made.bundles()[:2] == [made.secret()["ca.crt"]] * 2, "the bundles are mended again")


def test_who_ends_leaves_lease_and_report_and_another_leads(made: Cluster) -> None:
    one, other = made.start(), made.start()
    until(lambda: one.trusted and other.trusted and len(reports(made)) == 2, "both have reported")
    leader, follower = (one, other) if one.leads else (other, one)
    leader.keeper.stop()
    until(lambda: follower.leads, "the other one leads", seconds=1)

    assert len(reports(made)) == 1


def test_the_end_waits_for_no_api_server_that_hangs(made: Cluster) -> None:
    one = made.start()
    until(lambda: one.leads and one.trusted and reports(made), "it leads and has reported")
    made.fake.faults.hang = True
    began = monotonic()

    one.keeper.stop()

    assert monotonic() - began < STOP_SECONDS + 1


def test_it_tells_whether_its_threads_are_at_work(made: Cluster) -> None:
    one = made.start()
    assert one.keeper.is_at_work
    until(lambda: one.trusted, "it is trusted")
    assert one.keeper.is_at_work
    one.keeper.stop()
    assert not one.keeper.is_at_work


def test_reports_of_who_is_gone_are_removed(made: Cluster) -> None:
    one = made.start()
    until(lambda: ours(made) and one.trusted, "it is trusted")
    spec = made.lease()["spec"]
    made.fake.put(LEASES, OWN, "lead", spec=spec, annotations={REPORT + "dead": "{}"})
    until(lambda: len(reports(made)) == 2, "one of the living is there, too")
    made.clock.ahead += GONE_SECONDS
    until(lambda: reports(made) and REPORT + "dead" not in reports(made), "it is removed")


def reports(cluster: Cluster) -> list[str]:
    annotations = cluster.lease().get("metadata", {}).get("annotations", {})
    return [key for key in annotations if key.startswith(REPORT)]


@pytest.mark.parametrize("key", ["example.com/notes", REPORT + "nobody"])
def test_annotations_of_others_that_leave_no_room_for_a_report_are_removed(made: Cluster, key: str) -> None:
    made.fake.put(LEASES, OWN, "lead", spec={}, annotations={key: "x" * (262_144 - len(key))})
    one = made.start()
    until(lambda: ours(made) and one.trusted and reports(made), "it is trusted")
    until(lambda: key not in made.lease()["metadata"]["annotations"], "there is room")

    assert one.log.fields("strange annotations removed from the Lease") == [{"count": 1}]
    made.fake.put(LEASES, OWN, "lead", spec=made.lease()["spec"], annotations={"example.com/notes": "short"})
    made.clock.ahead += AGAIN_SECONDS
    until(lambda: reports(made), "the report is there")
    assert made.lease()["metadata"]["annotations"]["example.com/notes"] == "short"


def test_a_deleted_lease_comes_back_with_the_reports(made: Cluster) -> None:
    one = made.start()
    until(lambda: ours(made) and one.trusted and reports(made), "it is trusted")
    made.fake.delete(LEASES, OWN, "lead")
    until(made.lease, "it is there")
    made.clock.ahead += 2.0
    until(lambda: reports(made), "the report is there")


def test_a_secret_changed_by_hand_is_put_back_at_once(made: Cluster) -> None:
    one = made.start()
    until(lambda: ours(made) and one.trusted, "it is trusted")
    before = made.secret()
    data = {key: b64encode(value).decode() for key, value in before.items()}
    made.fake.put(SECRETS, OWN, "tls", data=data | {"tls.key": "Z2FyYmFnZQ=="})
    until(lambda: made.secret() == before, "it is put back", seconds=1)

    assert len(one.served) == 1


def test_a_deleted_secret_comes_back_with_what_is_served(made: Cluster) -> None:
    one = made.start()
    until(lambda: ours(made) and one.trusted, "it is trusted")
    before = made.secret()
    made.fake.delete(SECRETS, OWN, "tls")
    until(lambda: made.secret() and ours(made), "it is there", seconds=2)

    assert made.secret()["tls.crt"] == before["tls.crt"]
    assert before["ca.crt"] in made.secret()["ca.crt"]
    assert before["ca.crt"] != made.secret()["ca.crt"]
    assert len(one.served) == 1


def test_nothing_secret_is_logged(made: Cluster) -> None:
    one = made.start()
    until(lambda: ours(made) and one.trusted, "it is trusted")
    made.fake.put(SECRETS, OWN, "tls", data=dict.fromkeys(made.secret(), "Z2FyYmFnZQ=="))
    until(lambda: len(one.log.fields("certificate written")) > 1, "it is put back")

    assert "PRIVATE" not in repr(one.log.lines)
    assert "garbage" not in repr(one.log.lines)


@pytest.mark.parametrize("ahead", [timedelta(minutes=30), -timedelta(minutes=30)])
def test_a_clock_that_is_off_by_more_than_a_minute_is_told_once_and_shown(made: Cluster, ahead: timedelta) -> None:
    one = made.start(ahead=ahead)
    until(lambda: ours(made) and one.trusted, "it is trusted")
    (told,) = one.log.fields("clocks differ")
    assert told["seconds_ahead"] == pytest.approx(ahead.total_seconds(), abs=30)
    assert one.keeper.figures().seconds_ahead == pytest.approx(ahead.total_seconds(), abs=30)
    assert "NTP" in told["message"]

    right = made.start()
    until(lambda: right.trusted, "it is trusted")
    assert right.log.fields("clocks differ") == []


@pytest.mark.parametrize("ahead", [timedelta(hours=2), -timedelta(hours=2)])
def test_nothing_is_issued_by_a_clock_that_is_off_by_more_than_an_hour_and_another_leads(
    made: Cluster, ahead: timedelta
) -> None:
    wrong = made.start(ahead=ahead)
    until(lambda: wrong.log.fields("clocks differ"), "it is told")
    made.pass_time(YIELD_SECONDS)
    until(lambda: wrong.leads and wrong.log.fields(NOT_ISSUED), "it leads, for want of another, and issues nothing")
    assert (made.secret(), wrong.served) == ({}, [])
    right = made.start()
    made.pass_time(UNFIT_SECONDS)
    until(lambda: ours(made) and right.trusted, "the other one has issued")
    assert describe(made.secret()["tls.crt"]).not_before == (made.now - CLOCK_SKEW).replace(microsecond=0)


def test_a_renewal_waits_while_the_clock_is_off_and_the_bundles_are_healed_all_the_same(made: Cluster) -> None:
    one = made.start()
    until(lambda: ours(made) and one.trusted, "it is trusted")
    one.ahead = timedelta(days=61)
    made.pass_time(RENEW_SECONDS)
    until(lambda: one.log.fields("no longer leading"), "it makes room")
    made.pass_time(YIELD_SECONDS)
    until(lambda: one.leads and one.log.fields(NOT_ISSUED), "it leads again, and issues nothing")
    made.configure("svc")
    until(lambda: made.bundles() == [made.secret()["ca.crt"]], "the bundle is healed")
    assert len(one.served) == 1
    made.now += timedelta(days=61)
    one.ahead = timedelta()
    made.pass_time(SETTLE_SECONDS)
    until(lambda: len(one.served) == 2, "it is renewed")
