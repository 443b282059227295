"""The console's application: four pages, a form, and nothing that changes anything.

Everything is done on a thread of its own, for the event loop decides about pods; and of manifests one at a time. The
pages are plain HTML without scripts (:mod:`webhook.console.guard` has the policy that a browser holds them to).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp

from webhook.console.charts import KINDS, chart
from webhook.console.facts import Facts
from webhook.console.form import MAX_MANIFEST, Form, read_form
from webhook.console.guard import Guard
from webhook.console.levels import levels
from webhook.console.recent import MOST, Recent, Recorded
from webhook.console.texts import moment, span, utc
from webhook.console.trial import try_manifest
from webhook.contract import Role
from webhook.errors import MethodError, NotReadyError, PathError, RequestError, WebhookError
from webhook.injection.reasons import Code

PAGES: Final = {"/": "Overview", "/decisions": "Decisions", "/try": "Try a manifest", "/counts": "Counts"}
SHOWN: Final = 100
"""Decisions on a page, of those that are kept and pass the filter."""
_ASSETS: Final = {"console.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}
_READ: Final = ["GET", "HEAD"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Where the pages get what they show.

    Attributes:
        facts: gathers them, on any thread.
        refused: told the code of each request that is answered with an error.
    """

    facts: Callable[[], Facts]
    recent: Recent
    refused: Callable[[str], None] = lambda _code: None


def console_app(sources: Sources) -> ASGIApp:
    """The application."""
    console = _Console(sources)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/", console.overview, methods=_READ, response_class=HTMLResponse)
    app.add_api_route("/decisions", console.decisions, methods=_READ, response_class=HTMLResponse)
    app.add_api_route("/counts", console.counts, methods=_READ, response_class=HTMLResponse)
    app.add_api_route("/try", console.form, methods=_READ, response_class=HTMLResponse)
    app.add_api_route("/try", console.trial, methods=["POST"], response_class=HTMLResponse)
    for name, media_type in _ASSETS.items():
        app.add_api_route(f"/{name}", _asset(name, media_type), methods=_READ)

    async def answer(request: Request, error: Exception) -> Response:
        told: RequestError = PathError("path", value=request.url.path, allowed=", ".join(PAGES), fix="mend the path")
        if isinstance(error, HTTPException) and error.status_code == MethodError.status:
            told = MethodError("method", value=request.method, allowed="GET, HEAD", fix="use GET")
        return console.refusal(told)

    app.add_exception_handler(HTTPException, answer)
    return Guard(app, console.refusal)


def _asset(name: str, media_type: str) -> Callable[[], Response]:
    content = files("webhook.console").joinpath("pages", name).read_bytes()

    def asset() -> Response:
        return Response(content, media_type=media_type)

    return asset


class _Console:
    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._trying = asyncio.Lock()
        environment = Environment(
            loader=PackageLoader("webhook.console", "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals |= {"pages": PAGES, "moment": moment, "span": span, "utc": utc}
        self._template: Callable[[str], Template] = environment.get_template

    def overview(self, request: Request, namespace: str = "") -> Response:
        """The process, its certificate, the cluster, the settings in force."""
        facts = self._sources.facts()
        found = levels(facts.snapshot, namespace.strip()) if facts.snapshot else ([], 0)
        now = datetime.now(UTC)
        return self._page(request, "overview.html", facts=facts, levels=found, namespace=namespace.strip(), now=now)

    def decisions(self, request: Request, namespace: str = "", role: str = "", code: str = "") -> Response:
        """The last decisions."""
        chosen = {"namespace": namespace.strip(), "role": role.strip(), "code": code.strip().upper()}
        every = self._sources.recent.decisions()
        found = [one for one in every if _passes(one, **chosen)]
        roles = [*map(str, Role)]
        return self._page(
            request,
            "decisions.html",
            chosen=chosen,
            shown=found[:SHOWN],
            found=len(found),
            kept=len(every),
            most=MOST,
            roles=roles,
            codes=_codes(every),
        )

    def counts(self, request: Request) -> Response:
        """Reasons over time."""
        return self._page(request, "counts.html", chart=chart(self._sources.recent), kinds=KINDS)

    def form(self, request: Request) -> Response:
        """The form, empty."""
        return self._tried(request, Form())

    async def trial(self, request: Request) -> Response:
        """What would happen to the pods of what was typed; where it cannot be told, it stays there as it was typed."""
        form = Form()
        try:
            form = await read_form(request)
            async with self._trying:
                return await run_in_threadpool(self._try, request, form)
        except WebhookError as error:
            return await run_in_threadpool(self._tried, request, form, error)

    def _try(self, request: Request, form: Form) -> Response:
        snapshot = self._sources.facts().snapshot
        if snapshot is None:
            raise NotReadyError("settings are not there yet", fix="try again in a second")
        trials = try_manifest(
            form.manifest,
            namespace=form.namespace or "default",
            default_role=form.default_role,
            snapshot=snapshot,
            most=MAX_MANIFEST,
        )
        # A manifest has values of other variables, too: without a fault there is no need to show it again.
        kept = Form(namespace=form.namespace, default_role=form.default_role)
        return self._tried(request, kept, trials=trials)

    def _tried(self, request: Request, form: Form, error: WebhookError | None = None, **shown: Any) -> Response:
        status = 200
        if error is not None:
            status = error.status if isinstance(error, RequestError) else 400
            self._sources.refused(error.code) if isinstance(error, RequestError) else None
        return self._page(
            request, "try.html", status, **{"form": form, "error": error, "trials": [], "most": MAX_MANIFEST, **shown}
        )

    def refusal(self, error: RequestError) -> Response:
        """The page of an error."""
        self._sources.refused(error.code)
        text = self._template("error.html").render(error=error, path="")
        return HTMLResponse(text, status_code=error.status)

    def _page(self, request: Request, name: str, status: int = 200, **shown: Any) -> Response:
        return HTMLResponse(self._template(name).render(path=request.url.path, **shown), status_code=status)


def _passes(one: Recorded, *, namespace: str, role: str, code: str) -> bool:
    return (
        (not namespace or one.namespace == namespace)
        and (not role or one.role == role)
        and (not code or code in one.codes)
    )


def _codes(every: list[Recorded]) -> Mapping[str, str]:
    """The codes among the decisions, with a few words."""
    found = {code for one in every for code in one.codes}
    return {code.value: code.summary for code in Code if code in found}
