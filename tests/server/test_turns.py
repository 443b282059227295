"""Who is decided in which turn, with a clock and an event loop of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from webhook.errors import DisconnectedError, OverloadedError, RequestError
from webhook.server.turns import MAX_WAITING, MAX_WAITING_BYTES, PATIENCE_SECONDS, TURN_SECONDS, Review, Turns


@dataclass
class Stage:
    """Turns whose time and callbacks are the test's; each decision takes `cost` seconds."""

    cost: float = TURN_SECONDS / 2
    now: float = 1000.0
    decided: list[str] = field(default_factory=list)
    refused: list[tuple[str, type[RequestError]]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    callbacks: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.turns = Turns(clock=lambda: self.now, call_soon=self.callbacks.append)

    def busy(self) -> Stage:
        """Spend the present turn."""
        self.turns.spend(TURN_SECONDS)
        return self

    def wait(self, name: str, size: int = 1) -> None:
        def decide() -> None:
            self.now += self.cost
            self.decided.append(name)

        review = Review(
            size=size,
            decide=decide,
            refuse=lambda error: self.refused.append((name, type(error))),
            is_gone=lambda: name in self.gone,
        )
        self.turns.wait(review)

    def turn(self) -> None:
        """One turn of the event loop."""
        callbacks = self.callbacks[:]
        self.callbacks.clear()
        for callback in callbacks:
            callback()


def test_a_turn_with_time_left_is_free_and_costs_no_callback() -> None:
    stage = Stage()

    stage.turns.spend(TURN_SECONDS * 0.9)

    assert (stage.turns.is_free, stage.callbacks) == (True, [])


def test_what_was_spent_is_added_up_and_the_next_turn_is_free_again() -> None:
    stage = Stage()
    for _ in range(4):
        stage.turns.spend(TURN_SECONDS * 0.3)
    assert (stage.turns.is_free, len(stage.callbacks)) == (False, 1)

    stage.turn()

    assert (stage.turns.is_free, stage.callbacks) == (True, [])
    stage.turns.spend(TURN_SECONDS * 0.9)
    assert stage.turns.is_free


def test_the_smallest_first_and_of_one_size_who_came_first() -> None:
    stage = Stage(cost=0).busy()
    for name, size in [("large", 9), ("first", 5), ("small", 1), ("second", 5)]:
        stage.wait(name, size)

    stage.turn()

    assert stage.decided == ["small", "first", "second", "large"]


def test_a_turn_decides_no_longer_than_its_time_and_who_comes_between_two_is_counted_in() -> None:
    stage = Stage().busy()
    for number in range(5):
        stage.wait(f"large {number}", 9)

    stage.turn()
    assert (stage.decided, len(stage.turns), stage.turns.is_free) == (["large 0", "large 1"], 3, False)
    stage.wait("small", 1)
    stage.turn()
    assert stage.decided[2:] == ["small", "large 2"]
    stage.turn()
    assert (len(stage.turns), stage.turns.is_free, stage.callbacks) == (0, True, [])


def test_one_that_takes_longer_than_a_turn_is_decided_nevertheless() -> None:
    stage = Stage(cost=10 * TURN_SECONDS).busy()
    stage.wait("dear")
    stage.turn()

    assert stage.decided == ["dear"]


def test_who_waited_for_too_long_is_told_to_come_again_and_not_decided() -> None:
    stage = Stage().busy()
    stage.wait("old")
    stage.now += PATIENCE_SECONDS * 0.9
    stage.wait("young")
    stage.now += PATIENCE_SECONDS * 0.2

    stage.turn()

    assert (stage.refused, stage.decided) == ([("old", OverloadedError)], ["young"])


def test_who_is_gone_is_not_decided() -> None:
    stage = Stage().busy()
    stage.wait("gone")
    stage.wait("there")
    stage.gone.add("gone")

    stage.turn()

    assert (stage.refused, stage.decided) == ([("gone", DisconnectedError)], ["there"])


def test_the_largest_gives_way_at_once_where_too_many_wait_and_of_one_size_the_newest() -> None:
    stage = Stage().busy()
    stage.wait("largest", 9)
    for number in range(MAX_WAITING - 1):
        stage.wait(f"first {number}", 5)
    stage.wait("newest", 5)
    stage.wait("one more", 5)

    assert stage.refused == [("largest", OverloadedError), ("one more", OverloadedError)]
    assert len(stage.turns) == MAX_WAITING


def test_the_largest_gives_way_where_bodies_are_too_many_bytes_and_what_was_answered_counts_no_more() -> None:
    stage = Stage(cost=0).busy()
    for _ in range(2):
        stage.wait("half", MAX_WAITING_BYTES // 2)
    stage.turn()
    stage.busy()
    stage.wait("most", MAX_WAITING_BYTES - 1)
    assert stage.refused == []

    stage.wait("few", 2)

    assert stage.refused == [("most", OverloadedError)]
    stage.turn()
    assert stage.decided == ["half", "half", "few"]


def test_one_that_fails_takes_the_turn_from_nobody() -> None:
    stage = Stage().busy()
    stage.wait("before")

    def fail() -> None:
        raise MemoryError

    stage.turns.wait(Review(size=2, decide=fail, refuse=lambda _: None, is_gone=lambda: False))
    stage.wait("after", 3)

    with pytest.raises(MemoryError):
        stage.turn()
    stage.turn()

    assert stage.decided == ["before", "after"]
    assert stage.turns.is_free
