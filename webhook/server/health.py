"""Health, readiness and metrics, on the plain port; health and readiness on the TLS port too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from webhook.server.state import State

RENDER_SECONDS: Final = 0.1
"""From the end of one rendering of the metrics to the next: at 4 ms each they take a twentieth of the event loop."""


class Exposition:
    """A text that is costly to render, of which all who wait at a time are given the same one.

    The plain port asks nobody who he is, and its work is done by the loop that admits pods: scrapers in great numbers
    share one rendering, and wait for the next. What is given was rendered after it was asked for, so it is never old.
    """

    def __init__(self, render: Callable[[], bytes]) -> None:
        """Have rendered nothing yet."""
        self._render = render
        self._next: asyncio.Task[bytes] | None = None
        self._free_at = 0.0

    async def text(self) -> bytes:
        """The text of now, or of a moment later."""
        if self._next is None:
            self._next = asyncio.create_task(self._render_when_free())
        # Who goes away takes nothing from the others who wait.
        return await asyncio.shield(self._next)

    async def _render_when_free(self) -> bytes:
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(self._free_at - clock())
        self._next = None
        try:
            return self._render()
        finally:
            self._free_at = clock() + RENDER_SECONDS


def health_routes(state: State) -> APIRouter:
    """``/healthz``: the process works. ``/readyz``: it can decide; 503 until then and while it ends.

    ``/healthz`` says what only a restart mends. A stuck event loop answers no probe, which times out; what else could
    end unseen is in ``state.vital``. The API server's health is none of it: a restart would not mend that, and would
    lose the settings that are in force.
    """
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz", summary="The process works", responses={503: {"description": "a part of it has ended"}})
    async def healthz() -> JSONResponse:
        ended = [name for name, is_at_work in state.vital.items() if not is_at_work()]
        if ended:
            return JSONResponse({"status": "failing", "ended": ended}, status_code=503)
        return JSONResponse({"status": "ok"})

    @routes.get("/readyz", summary="Admission requests can be decided", responses={503: {"description": "not yet"}})
    async def readyz() -> JSONResponse:
        if state.is_ready:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready"}, status_code=503, headers={"Retry-After": "1"})

    return routes


def metrics_route(state: State) -> APIRouter:
    """``/metrics`` in Prometheus' text format."""
    routes = APIRouter(tags=["metrics"])
    exposition = Exposition(state.metrics.render)

    @routes.get("/metrics", summary="Prometheus metrics", response_class=Response)
    async def metrics() -> Response:
        return Response(await exposition.text(), media_type=CONTENT_TYPE_LATEST)

    return routes
