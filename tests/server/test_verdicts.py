"""Which verdicts are kept, and for how long."""

from __future__ import annotations

import base64
import json

from tests.service import RunningService, recorded
from webhook.injection.snapshot import Snapshot
from webhook.server.answers import Verdict
from webhook.server.verdicts import MAX_EACH, MAX_KEPT, Verdicts

KNOWN = Snapshot()


def verdict(size: int = 100) -> Verdict:
    return Verdict(code="RAY101", role="client", warnings=(), operations=1, ending=b"e" * size)


def keeping(*keys: bytes, size: int = 100) -> Verdicts:
    kept = Verdicts()
    for key in keys:
        assert kept.find(("team", key), KNOWN) is None
        kept.keep(("team", key), verdict(size))
    return kept


def test_a_verdict_is_found_for_the_same_namespace_and_excerpt_alone() -> None:
    kept = keeping(b"pod")

    assert kept.find(("team", b"pod"), KNOWN) == verdict()
    assert kept.find(("other", b"pod"), KNOWN) is None
    assert kept.find(("team", b"other"), KNOWN) is None


def test_nothing_outlives_a_change_of_what_is_known() -> None:
    kept = keeping(b"pod")

    assert kept.find(("team", b"pod"), Snapshot()) is None
    assert (len(kept), kept.size) == (0, 0)


def test_what_is_kept_stays_within_its_bytes_and_the_longest_unused_goes() -> None:
    size = MAX_EACH // 2
    kept = keeping(b"used", b"unused", size=size)
    for number in range(MAX_KEPT // size):
        assert kept.find(("team", b"used"), KNOWN) is not None
        kept.keep(("team", b"%d" % number), verdict(size))

    assert kept.size <= MAX_KEPT
    assert kept.find(("team", b"unused"), KNOWN) is None
    assert kept.find(("team", b"used"), KNOWN) is not None


def test_what_is_too_large_is_not_kept() -> None:
    assert len(keeping(b"pod", size=MAX_EACH)) == 0
    assert len(keeping(b"p" * MAX_EACH)) == 0


def test_pods_of_one_workload_get_the_same_patch_each_with_its_own_uid_and_line(service: RunningService) -> None:
    reviews = [recorded("deployment-client") for _ in range(3)]
    for number, review in enumerate(reviews):
        review["request"] |= {"uid": f'pod "{number}"', "name": f"api-{number}"}
        review["request"]["object"]["metadata"] |= {"name": f"api-{number}", "ownerReferences": []}

    answers = [service.review(review) for review in reviews]

    assert [answer["uid"] for answer in answers] == ['pod "0"', 'pod "1"', 'pod "2"']
    assert len({answer["patch"] for answer in answers}) == 1
    assert {step["op"] for step in json.loads(base64.b64decode(answers[2]["patch"]))} == {"add"}
    events = [service.await_decision(answer["uid"]) for answer in answers]
    assert [event["name"] for event in events] == ["api-0", "api-1", "api-2"]
    assert {(tuple(event["codes"]), event["operations"]) for event in events} == {
        (("RAY101",), events[0]["operations"])
    }
