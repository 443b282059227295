"""The coroutines, with a fake Ray."""

from __future__ import annotations

import pytest

from tests.ray_config.support import free_port, run
from tests.ray_config.test_connect import CALL, client, port

__all__ = ["port"]  # a fixture


def test_coroutines_leave_the_event_loop_free(port: int) -> None:
    program = f"""{CALL}
import asyncio
from ray_config import aio
async def main():
    ticks = 0
    connecting = asyncio.ensure_future(aio.init_ray_with_smart_defaults(timeout=0.5))
    while not connecting.done():
        ticks += 1
        await asyncio.sleep(0.01)
    reason = connecting.exception().reason
    session = await aio.wait_ready(5)
    return [ticks > 10, reason, session.namespace, await aio.is_connected()]
result = asyncio.run(main())
"""
    assert run(program, fake_ray=True, env=client(port, FAKE_RAY="hang;ok")) == [True, "deadline", "ns", True]


def test_a_cancelled_coroutine_keeps_neither_the_process_nor_a_thread_of_the_executor() -> None:
    program = f"""{CALL}
import asyncio
from ray_config import aio, metrics
async def main():
    waiting = [asyncio.ensure_future(aio.wait_ready(30)) for _ in range(40)]
    await asyncio.sleep(0.5)
    free = await asyncio.wait_for(asyncio.to_thread(lambda: True), 2)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return free
started = time.monotonic()
free = asyncio.run(main())
took = time.monotonic() - started
time.sleep(0.5)
result = [free, took, [thread.name for thread in threading.enumerate() if thread.name == "ray_config.aio"]]
"""
    free, took, left = run(program, fake_ray=True, env=client(free_port()))

    assert free is True
    assert took < 5
    assert left == []


@pytest.mark.parametrize("call", ["wait_ready(0.5)", "is_connected(0.5)"])
def test_no_coroutine_holds_up_the_event_loop(port: int, call: str) -> None:
    program = f"""{CALL}
import asyncio
from ray_config import aio
init_ray_with_smart_defaults()
async def main():
    ticks = 0
    waiting = asyncio.ensure_future(aio.{call})
    while not waiting.done():
        ticks += 1
        await asyncio.sleep(0.01)
    waiting.exception()
    return ticks
result = asyncio.run(main())
"""
    assert run(program, fake_ray=True, env=client(port, FAKE_RAY_STALLS="1")) > 10
