"""The two applications: admission behind TLS, operations on a plain port."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from webhook import __version__, contract
from webhook.contract import Role
from webhook.errors import MethodError, PathError, RequestError
from webhook.server.admission import Admission
from webhook.server.health import health_routes, metrics_route
from webhook.server.limits import error_body
from webhook.server.protocol import Respond
from webhook.server.state import State

_REVIEW: Mapping[str, Any] = {"type": "object", "description": "AdmissionReview of admission.k8s.io/v1"}


class AdmissionApp(FastAPI):
    """FastAPI, with the admission paths answered before its router: see :mod:`webhook.server.admission`."""

    def __init__(self, state: State) -> None:
        """Make the application of the TLS port."""
        super().__init__(title="Ray Webhook", version=__version__, docs_url=None, redoc_url=None)
        self._admission = {
            contract.MUTATE_PATH: Admission(state, None),
            contract.DEFAULT_CLIENT_PATH: Admission(state, Role.CLIENT),
        }
        self._immediate = {path.encode(): admission.respond for path, admission in self._admission.items()}
        self.include_router(health_routes(state))
        _answer_errors_in_json(self, state)

    def immediate(self, method: bytes, target: bytes) -> Respond | None:
        """Who answers an admission request whose body is there."""
        return self._immediate.get(target.partition(b"?")[0]) if method == b"POST" else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        admission = self._admission.get(scope["path"]) if scope["type"] == "http" else None
        if admission is None:
            await super().__call__(scope, receive, send)
        else:
            await admission(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, with the admission paths that the router does not know."""
        document = super().openapi()
        document["paths"] |= {
            contract.MUTATE_PATH: _operation("Pods that declare a role, and KubeRay's pods"),
            contract.DEFAULT_CLIENT_PATH: _operation("Other pods of a namespace whose default role is client"),
        }
        return document


def _operation(summary: str) -> dict[str, Any]:
    content = {"application/json": {"schema": _REVIEW}}
    errors = {
        400: "not an AdmissionReview",
        408: "too slow",
        413: "too large",
        415: "not JSON",
        503: "not ready or overloaded",
    }
    responses = {str(status): {"description": text} for status, text in errors.items()}
    answered = {"200": {"description": "AdmissionReview with the response", "content": content}}
    return {
        "post": {
            "tags": ["admission"],
            "summary": summary,
            "requestBody": {"required": True, "content": content},
            "responses": answered | responses,
        }
    }


def operations_app(state: State) -> FastAPI:
    """The application of the plain port: health, readiness, metrics."""
    app = FastAPI(title="Ray Webhook operations", version=__version__, docs_url=None, redoc_url=None)
    app.include_router(health_routes(state))
    app.include_router(metrics_route(state))
    _answer_errors_in_json(app, state)
    return app


def _answer_errors_in_json(app: FastAPI, state: State) -> None:
    async def answer(request: Request, error: Exception) -> Response:
        told: RequestError = PathError("path", value=request.url.path, allowed="see /openapi.json", fix="mend the path")
        if isinstance(error, HTTPException) and error.status_code == MethodError.status:
            told = MethodError("method", value=request.method, allowed="GET", fix="use GET")
        state.metrics.refused.labels(told.code).inc()
        return Response(error_body(told), status_code=told.status, media_type="application/json")

    app.add_exception_handler(HTTPException, answer)
