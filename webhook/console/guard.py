"""Who may ask, and what a browser may do with the answer.

The port is bound to the loopback address, but a browser on that machine runs what any site sends it. A name of such a
site may be made to lead here (DNS rebinding), so only loopback names are answered; and a form of such a site may be
sent here, so a POST has to come from a page of our own. A request that does not say whence it comes is no browser's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webhook.errors import CrossSiteError, HostError, RequestError

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with that a browser says Origin: null for our own form, too.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Stands before the application; `refuse` makes the answer of an error."""

    def __init__(self, app: ASGIApp, refuse: Callable[[RequestError], Response]) -> None:
        """See the class."""
        self._app, self._refuse = app, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        try:
            _check(str(scope["method"]), Headers(scope=scope))
        except RequestError as error:
            await self._refuse(error)(scope, receive, send_guarded)
        else:
            await self._app(scope, receive, send_guarded)


def _check(method: str, headers: Headers) -> None:
    host = headers.get("host", "")
    name, _, port = host.rpartition(":")
    if (name if name and port.isdecimal() else host) not in LOOPBACK:
        raise HostError("Host", value=host, allowed="localhost, 127.0.0.1, [::1]", fix="use kubectl port-forward")
    if method == "POST":
        _check_origin(host, headers)


def _check_origin(host: str, headers: Headers) -> None:
    origin, site = headers.get("origin", f"http://{host}"), headers.get("sec-fetch-site", "same-origin")
    if origin != f"http://{host}" or site != "same-origin":
        told = origin if origin != f"http://{host}" else site
        raise CrossSiteError("the form's origin", value=told, allowed="a page of the console", fix="use its own form")
