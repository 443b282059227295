"""The functions of :mod:`ray_config` that wait, as coroutines of the same names, for readiness endpoints and the like.

Each runs on a thread, so the event loop goes on; each ends by its own time-out, also where its task is cancelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ray_config

if TYPE_CHECKING:
    from ray_config.connect import Session


async def init_ray_with_smart_defaults(
    address: str | None = None,
    namespace: str | None = None,
    *,
    timeout: float = 30.0,  # noqa: ASYNC109  handed on: it also bounds what a cancelled task leaves behind
    retry: float = 3.0,
    **ray_init_arguments: Any,
) -> Session:
    """See :func:`ray_config.init_ray_with_smart_defaults`."""
    import asyncio

    return await asyncio.to_thread(
        ray_config.init_ray_with_smart_defaults, address, namespace, timeout=timeout, retry=retry, **ray_init_arguments
    )


async def wait_ready(timeout: float = 60.0) -> Session:  # noqa: ASYNC109  as above
    """See :func:`ray_config.wait_ready`."""
    import asyncio

    return await asyncio.to_thread(ray_config.wait_ready, timeout)


async def is_connected(timeout: float = 2.0) -> bool:  # noqa: ASYNC109  as above
    """See :func:`ray_config.is_connected`."""
    import asyncio

    return await asyncio.to_thread(ray_config.is_connected, timeout)
