"""Turns of the event loop: how long one decides reviews, and which ones wait for the next.

A review that is ready is decided at once, as long as the present turn has time left. Where it has none, reviews wait,
and each following turn decides for :data:`TURN_SECONDS`, the smallest first: an API server's usual review is small and
cheap, and one that takes long is large. What comes meanwhile is read between two turns, so a small one waits for one or
two of them, however many large ones wait. Without that all that are ready would be decided in one turn, and those whose
senders gave up long ago before those that have just come.

Smallest first starves the largest under a flood of smaller ones. So nobody waits for longer than
:data:`PATIENCE_SECONDS`: who does is answered 503 with ``Retry-After: 1``, and an API server asks again within its 3 s.
A flood of reviews as small as an API server's is not told from these here: client certificates and the bounds of
:mod:`webhook.server.connections` are for that.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from time import perf_counter
from typing import Final

from webhook.errors import DisconnectedError, OverloadedError, RequestError

TURN_SECONDS: Final = 0.02
"""Hundreds of usual reviews, or three of the dearest; the probes' answers wait for a few turns."""
PATIENCE_SECONDS: Final = 1.0
"""What is answered then can be asked again twice within an API server's time-out, 3 s as shipped."""
MAX_WAITING: Final = 256
"""Reviews; one API server has at most 200 mutating requests under way."""
MAX_WAITING_BYTES: Final = 32 * 1024 * 1024
"""Of bodies: four of the largest, or more than as many usual ones as may wait."""

_AGAIN: Final = "try again in a second"
_size: Final = attrgetter("size")


@dataclass(eq=False, kw_only=True, slots=True)
class Review:
    """One that waits.

    Attributes:
        size: bytes of its body.
        decide: decides and answers it.
        refuse: answers it with an error.
        is_gone: whether there is nobody to answer any more.
        since: when its wait began.
    """

    size: int
    decide: Callable[[], None]
    refuse: Callable[[RequestError], None]
    is_gone: Callable[[], bool]
    since: float = 0.0


def _call_soon(callback: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(callback)


class Turns:
    """The turns of one event loop.

    Attributes:
        is_free: whether a review may be decided at once: nobody waits, and there is time left.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = perf_counter,
        call_soon: Callable[[Callable[[], None]], None] = _call_soon,
    ) -> None:
        """Begin the first; `call_soon` calls back in the next turn of the event loop."""
        self.is_free = True
        self._clock, self._call_soon = clock, call_soon
        self._spent = 0.0
        self._waiting: list[Review] = []
        self._bytes = 0

    def __len__(self) -> int:
        """How many reviews wait."""
        return len(self._waiting)

    def spend(self, seconds: float) -> None:
        """Take the time for a review that was decided at once.

        It is added up over the turns until it is a turn's worth, so that those which do little cost no callback.
        """
        self._spent += seconds
        if self._spent >= TURN_SECONDS and self.is_free:
            self.is_free = False
            self._call_soon(self._turn)

    def wait(self, review: Review) -> None:
        """Decide `review` in one of the next turns, as :attr:`is_free` says that it has to wait.

        Where too many wait then, the largest gives way at once, of several the one that came last.
        """
        review.since = self._clock()
        insort(self._waiting, review, key=_size)
        self._bytes += review.size
        while len(self._waiting) > MAX_WAITING or self._bytes > MAX_WAITING_BYTES:
            largest = self._take(-1)
            largest.refuse(OverloadedError("more reviews wait than may, and none of them is larger", fix=_AGAIN))

    def _turn(self) -> None:
        try:
            self._send_away()
            end = self._clock() + TURN_SECONDS
            while self._waiting and self._clock() < end:
                self._take(0).decide()
        finally:
            # Whatever one of them raised, the others get their turn.
            self._spent = 0.0
            self.is_free = not self._waiting
            if self._waiting:
                self._call_soon(self._turn)

    def _send_away(self) -> None:
        """Refuse what waits for nobody, or has waited for too long."""
        latest = self._clock() - PATIENCE_SECONDS
        for review in [review for review in self._waiting if review.since < latest or review.is_gone()]:
            self._take(self._waiting.index(review))
            if review.is_gone():
                review.refuse(DisconnectedError("the sender is gone", fix="nothing: there is nobody to answer"))
            else:
                review.refuse(OverloadedError(f"it waited for {PATIENCE_SECONDS:g} s, behind smaller ones", fix=_AGAIN))

    def _take(self, index: int) -> Review:
        review = self._waiting.pop(index)
        self._bytes -= review.size
        return review
