"""What is done again and again: whatever fails is told and counted, and delays nothing but itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cluster.keeping import Clock
from tests.cluster.support import FAST, RecordingLog
from webhook.cluster.task import PATIENCE, Task
from webhook.errors import CertificateError, ClusterError


class Case:
    """A task that raises what a test says."""

    def __init__(self) -> None:
        self.clock, self.log = Clock(), RecordingLog()
        self.error: Exception | None = None
        self.done = 0
        self.task = Task(self._do, pace=replace(FAST, clock=self.clock, draw=lambda: 0.0), log=self.log)

    def _do(self) -> None:
        self.done += 1
        if self.error:
            raise self.error

    def run(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.ahead += FAST.longest_delay
            self.task.run()


@pytest.fixture
def case() -> Case:
    return Case()


def conflict() -> ClusterError:
    error = ClusterError("x was answered 409", fix="wait")
    error.status = 409
    return error


@pytest.mark.parametrize("error", [CertificateError("x", fix="y"), ClusterError("x", fix="y"), RecursionError("deep")])
def test_whatever_fails_is_told_and_counted_and_tried_again_after_a_while(case: Case, error: Exception) -> None:
    case.error = error
    case.run()
    case.task.run()
    assert (case.done, case.task.failures) == (1, 1)
    (told,) = case.log.fields("certificate not looked after")
    assert told.get("code", told.get("error")) in ("RAY804", "RAY806", "RecursionError")
    case.run()
    assert case.done == 2


def test_a_conflict_is_no_failure_until_it_has_come_too_often_in_a_row(case: Case) -> None:
    case.error = conflict()
    case.run(PATIENCE)
    case.error = None
    case.run()
    case.error = conflict()
    case.run(PATIENCE)
    assert (case.task.failures, case.log.lines) == (0, [])
    case.run()
    assert case.task.failures == 1
    assert "409" in case.log.fields("certificate not looked after")[0]["message"]
