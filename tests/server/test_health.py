"""Metrics for many who ask at a time: what they cost the event loop, and how old they are."""

from __future__ import annotations

import asyncio
from itertools import count, pairwise

import pytest

from webhook.server.health import RENDER_SECONDS, Exposition


class Renderings:
    """Renders its own number, and notes when."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def __call__(self) -> bytes:
        self.at.append(asyncio.get_running_loop().time())
        return b"%d" % len(self.at)


def test_a_crowd_that_asks_without_a_pause_costs_one_rendering_at_a_time() -> None:
    renderings = Renderings()

    async def crowd() -> None:
        exposition = Exposition(renderings)

        async def scraper() -> None:
            for _ in range(4):
                await exposition.text()

        await asyncio.gather(*(scraper() for _ in range(150)))

    asyncio.run(crowd())

    assert len(renderings.at) == 4
    assert all(later - earlier >= RENDER_SECONDS for earlier, later in pairwise(renderings.at))


def test_what_is_given_was_rendered_after_it_was_asked_for() -> None:
    events = count()

    async def event_then_scrape() -> None:
        seen = 0
        exposition = Exposition(lambda: b"%d" % seen)
        for seen in (next(events) for _ in range(3)):
            assert await exposition.text() == b"%d" % seen

    asyncio.run(event_then_scrape())


def test_who_goes_away_leaves_the_others_waiting() -> None:
    async def one_of_two_leaves() -> bytes:
        exposition = Exposition(Renderings())
        await exposition.text()
        leaving, staying = (asyncio.create_task(exposition.text()) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    assert asyncio.run(one_of_two_leaves()) == b"2"


def test_a_rendering_that_fails_is_tried_again() -> None:
    answers = iter([b"text"])

    def render() -> bytes:
        if not renderings:
            renderings.append(1)
            raise ValueError("once")
        return next(answers)

    renderings: list[int] = []

    async def twice() -> bytes:
        exposition = Exposition(render)
        with pytest.raises(ValueError, match="once"):
            await exposition.text()
        return await exposition.text()

    assert asyncio.run(twice()) == b"text"
