"""The functions of :mod:`ray_config` that wait, as coroutines of the same names, for readiness endpoints and the like.

Each runs on a daemon thread of its own: the event loop goes on, its executor keeps its threads, and a program that ends
waits for none. Where its task is cancelled, no more attempts are made.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ray_config.bounded import Call

if TYPE_CHECKING:
    from ray_config.connect import Session

T = TypeVar("T")


async def init_ray_with_smart_defaults(
    address: str | None = None,
    namespace: str | None = None,
    *,
    timeout: float = 30.0,  # noqa: ASYNC109  handed on: it also bounds what a cancelled task leaves behind
    retry: float = 3.0,
    **ray_init_arguments: Any,
) -> Session:
    """See :func:`ray_config.init_ray_with_smart_defaults`."""
    from ray_config.connect import Wanted, connect

    wanted = Wanted(address=address, namespace=namespace, arguments=ray_init_arguments)
    return await _on_thread(lambda stop: connect(wanted, timeout=timeout, retry=retry, stop=stop))


async def wait_ready(timeout: float = 60.0) -> Session:  # noqa: ASYNC109  as above
    """See :func:`ray_config.wait_ready`."""
    from ray_config.connect import connect, last_wanted

    return await _on_thread(lambda stop: connect(last_wanted(), timeout=timeout, retry=timeout, stop=stop))


async def is_connected(timeout: float = 2.0) -> bool:  # noqa: ASYNC109  as above
    """See :func:`ray_config.is_connected`."""
    from ray_config import connect

    return await _on_thread(lambda _: connect.is_connected(timeout))


async def _on_thread(function: Callable[[threading.Event], T]) -> T:
    """What `function` returns or raises; it is handed an event that is set where nobody waits any more."""
    import asyncio
    import contextvars

    loop, stop, context = asyncio.get_running_loop(), threading.Event(), contextvars.copy_context()
    ended: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        if not ended.done():
            ended.set_result(None)

    def run() -> T:
        try:
            return context.run(function, stop)
        finally:
            loop.call_soon_threadsafe(end)

    call = Call(run, "aio")
    try:
        await ended
    finally:
        stop.set()
    return call.result(1)  # its thread has just ended, or is about to
