"""Health, readiness and metrics, on the plain port; health and readiness on the TLS port too."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from webhook.server.state import State


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

    @routes.get("/metrics", summary="Prometheus metrics", response_class=Response)
    async def metrics() -> Response:
        return Response(state.metrics.render(), media_type=CONTENT_TYPE_LATEST)

    return routes
