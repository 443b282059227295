"""One fault, with pods being created before, while and after it, and what came of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import quantiles
from time import monotonic

from tests.control_plane.process import wait_for
from tests.soak.creator import Attempt, Creator
from tests.soak.inspector import Found, inspect
from tests.soak.stage import Fault, Stage

LONGEST_SECONDS = 900.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a run of a fault came to.

    Attributes:
        rounds: how many times it was done.
        refused_seconds: from the first to the last refusal of a round, the longest of all.
        unserved: what the API server failed by itself.
        seconds: how long the answers took that created a pod.
    """

    fault: Fault
    rounds: int
    pods: int
    refused: int
    refused_seconds: float
    unserved: list[str]
    denied: list[str]
    found: Found
    seconds: list[float]

    def milliseconds(self, percent: int) -> float:
        """A percentile of the answers' time."""
        return 1000 * quantiles(self.seconds, n=100)[percent - 1]

    def keeps_the_bar(self) -> bool:
        """Nothing missed, nothing wrong, and refused or unserved only where and for as long as that may be."""
        found = self.found
        faulty = found.missed or found.wrong or found.lost or self.denied
        if faulty or (self.unserved and not self.fault.interrupts):
            return False
        return not self.refused or self.refused_seconds <= self.fault.refused_seconds


def live_through(stage: Stage, fault: Fault, *, pods: int, rate: float, repeat: bool) -> Result:
    """Create at least so many pods, and let the fault happen meanwhile: once, or again after each tenth of them."""
    namespace = stage.plane.create_namespace("soak-" + re.sub(r"\W+", "-", fault.name.lower()))
    begun: list[float] = []
    with Creator(stage.plane, namespace, rate) as creator:
        while not begun or (repeat and len(creator.created) < 0.8 * pods):
            _wait_until(creator, len(creator.created) + pods // 10)
            begun.append(monotonic())
            fault.act(stage)
        _wait_until(creator, pods)
    return Result(
        fault=fault,
        rounds=len(begun),
        pods=len(creator.created),
        refused=len(creator.refused),
        refused_seconds=longest(creator.refused, begun),
        unserved=creator.unserved,
        denied=creator.denied,
        found=inspect(stage.plane, namespace, creator, stage.settings),
        seconds=[attempt.seconds for attempt in creator.created.values()],
    )


def _wait_until(creator: Creator, pods: int) -> None:
    wait_for(lambda: len(creator.created) >= pods, f"{pods} pods are created", seconds=LONGEST_SECONDS)


def longest(refused: list[Attempt], begun: list[float]) -> float:
    """The longest time from the first to the last refusal of a round."""
    spans = [0.0]
    for start, end in zip(begun, [*begun[1:], float("inf")], strict=True):
        if times := [(attempt.begun, attempt.done) for attempt in refused if start <= attempt.begun < end]:
            spans.append(max(done for _, done in times) - min(first for first, _ in times))
    return max(spans)
