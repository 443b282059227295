"""The short form of ``mutated_bodies.py``: every broken review is answered, and none costs memory."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path
from typing import Any

from tests.fuzz.mutate import Body, corpus, mutated
from tests.fuzz.mutated_bodies import judge, post, run
from tests.service import FIXTURES

SEED = 1
BODY = Body(content=b'{"request":{"uid":"right","object":{"metadata":{},"spec":{}}}}', mutations=())


def texts() -> list[str]:
    return corpus([file.read_bytes() for file in sorted((FIXTURES / "reviews").glob("*.json"))])


def answer(**response: Any) -> dict[str, Any]:
    return {"response": {"uid": "right", "allowed": True, "auditAnnotations": {"code": "RAY201"}, **response}}


def test_a_seed_and_a_number_give_the_same_body_again() -> None:
    assert mutated(texts(), SEED, 7) == mutated(texts(), SEED, 7)
    assert len({mutated(texts(), SEED, number).content for number in range(100)}) == 100


def test_the_service_answers_every_broken_review_and_keeps_its_memory(tmp_path: Path) -> None:
    # So few bodies do not warm the allocator up; but if each was kept, they would be 12 MiB.
    report = run(tmp_path, bodies=2_000, seed=SEED, max_growth=5.0)

    assert not report.failures
    assert report.outcomes.total() == 2_000
    # The bodies reach every way to an answer, or the test would say little.
    assert report.outcomes.keys() >= {"200 patched", "200 allowed", "200 denied", "400 RAY813", "400 RAY814"}


def test_an_answer_that_breaks_a_promise_is_a_failure_with_its_outcome() -> None:
    """All promises have their tests beside :mod:`tests.fuzz.oracles`."""
    assert judge(503, {"code": "RAY512"}, BODY) == ("503 RAY512", "answered 503 RAY512")
    assert judge(200, answer(uid="wrong"), BODY) == ("200 allowed", "uid is 'wrong', not 'right'")
    outcome, failure = judge(200, answer(patch="WzFd"), BODY)
    assert outcome == "200 patched"
    assert failure


def test_right_answers_are_told_apart_by_their_outcome() -> None:
    assert judge(200, answer(), BODY) == ("200 allowed", None)
    denied = answer(allowed=False, status={"code": 403, "message": "RAY301: no"})
    assert judge(200, denied, BODY) == ("200 denied", None)
    assert judge(200, answer(patch="W10="), BODY) == ("200 patched", None)
    assert judge(400, {"code": "RAY813", "message": "no JSON"}, BODY) == ("400 RAY813", None)


def test_a_connection_without_an_answer_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        connection = http.client.HTTPSConnection("127.0.0.1", taken.getsockname()[1], timeout=0.2)
        outcome, failure = post(connection, BODY, "/mutate")
    assert outcome == "dropped"
    assert failure
