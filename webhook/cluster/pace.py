"""How often the API server is asked: growing, bounded, jittered delays, so that a sick one is left to recover."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """Times in seconds, the size of a page, and where time and randomness come from.

    Attributes:
        first_delay, longest_delay: after the first failure in a row, and at most; each is jittered by up to a half.
            Three watches at 10 s are 0.3 requests a second, and changes are seen 10 s after an outage at the latest.
        healthy: a watch that lived this long was no failure, however it ended.
        absent: between two looks for a kind that the API server does not serve.
        watch: after which the API server ends a watch; just before it sends a bookmark, so that nothing is listed
            again. It is short so that a peer that is gone without a word is noticed soon.
        silence: beyond `watch`, after which such a peer counts as gone.
        page: objects of one page of a list.
        clock: a monotonic time.
        draw: a random number in [0, 1).
    """

    first_delay: float = 0.2
    longest_delay: float = 10.0
    healthy: float = 5.0
    absent: float = 10.0
    watch: float = 120.0
    silence: float = 15.0
    page: int = 100
    clock: Callable[[], float] = monotonic
    draw: Callable[[], float] = field(default=random.random)


class Backoff:
    """The delays after failures in a row."""

    def __init__(self, pace: Pace) -> None:
        """Start without a failure."""
        self._pace = pace
        self._failures = 0

    def next(self, at_least: float = 0.0) -> float:
        """The delay after one more failure, in seconds: doubled each time, of which a random half is taken off.

        `at_least` is what the API server itself asked for; it is honoured up to the longest delay.
        """
        doubled = self._pace.first_delay * 2.0 ** min(self._failures, 32)
        self._failures += 1
        jittered = min(doubled, self._pace.longest_delay) * (1.0 - self._pace.draw() / 2.0)
        return max(jittered, min(at_least, self._pace.longest_delay))

    def reset(self) -> None:
        """Forget the failures."""
        self._failures = 0
