"""What is kept of decisions, and that it is bounded."""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

from tests.service import client_pod
from webhook.console.recent import MOST, MOST_BYTES, Recent, tell
from webhook.injection.decision import decide
from webhook.injection.excerpt import Names
from webhook.injection.reasons import Code
from webhook.injection.review import parse_review
from webhook.injection.settings import parse_settings
from webhook.injection.snapshot import Snapshot
from webhook.server.answers import verdict_of
from webhook.server.decision_log import decided

SNAPSHOT = Snapshot(cluster_wide=parse_settings({"RAY_HOST": "ray.example"}, source="file s", cluster_wide=True))


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def add(recent: Recent, review: dict[str, Any]) -> None:
    request = parse_review(json.dumps(review).encode())
    decision = decide(request, SNAPSHOT, default_role=None)
    verdict = verdict_of(decision, observes=False, told=tell(decision))
    recent.add(decided(request, Names(), verdict, 0.001), tell(decision))


def test_a_decision_is_kept_with_what_it_did_by_name_and_no_value_of_the_pod() -> None:
    recent = Recent()
    add(recent, client_pod(env=[{"name": "RAY_HOST", "value": "old"}, {"name": "PASSWORD", "value": "hunter2"}]))
    (kept,) = recent.decisions()
    assert (kept.namespace, kept.role, kept.told.code, kept.told.source) == ("apps", "client", Code.CLIENT, "file s")
    assert set(kept.told.containers[0].written) >= {"RAY_HOST", "RAY_ADDRESS"}
    assert b"hunter2" not in msgspec.json.encode(kept)
    assert b"old" not in msgspec.json.encode(kept.told.containers)


def test_of_a_hostile_pod_only_what_is_shown_is_kept() -> None:
    recent = Recent()
    review = client_pod({"ray.seedcore.io/containers": ",".join(f"c{number}" * 50 for number in range(400))})
    review["request"]["object"]["spec"]["containers"] = [
        {"name": f"c{number}" + "x" * 5000, "image": "i"} for number in range(400)
    ]
    add(recent, review)
    review["request"]["object"]["metadata"]["annotations"] = {"ray.seedcore.io/role": "x" * 100_000}
    add(recent, review)
    assert len(msgspec.json.encode(recent.decisions())) < 60_000


def test_the_oldest_go_by_number_and_by_bytes() -> None:
    recent = Recent()
    for _ in range(MOST + 5):
        add(recent, client_pod())
    assert len(recent.decisions()) == MOST
    review = client_pod()
    review["request"]["object"]["spec"]["containers"] = [
        {"name": f"{number:03}" + "x" * 300, "image": "i"} for number in range(20)
    ]
    for _ in range(MOST):
        add(recent, review)
    kept = recent.decisions()
    assert len(kept) < MOST
    assert sum(sys.getsizeof(c.name) for one in kept for c in one.told.containers) < MOST_BYTES


def test_codes_are_counted_by_the_minute_and_forgotten_after_an_hour() -> None:
    clock = Clock()
    recent = Recent(clock=clock)
    add(recent, client_pod())
    clock.now += 120
    add(recent, client_pod())
    add(recent, client_pod({"ray.seedcore.io/role": "master"}))
    counts = [dict(counts) for _, counts in recent.minutes()]
    assert len(counts) == 60
    assert counts[-3:] == [{Code.CLIENT: 1}, {}, {Code.CLIENT: 1, Code.BAD_ROLE: 1}]
    clock.now += 3600
    assert not any(counts for _, counts in recent.minutes())
