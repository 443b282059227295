"""The console of a real service, asked as a browser asks it."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True)
class Page:
    """An answer: its status, headers and text."""

    status: int
    headers: dict[str, str]
    text: str


class Asker:
    """Asks the console at `url`."""

    def __init__(self, url: str) -> None:
        """Ask for nothing yet."""
        self.host = urlsplit(url).netloc

    def __call__(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Page:
        """Send a request over a connection of its own."""
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Page(status=answer.status, headers=named, text=answer.read().decode())
        finally:
            connection.close()

    def get(self, path: str) -> str:
        """The text of a page that is there."""
        page = self("GET", path)
        assert page.status == 200, page
        return page.text

    def paste(self, manifest: str, **fields: str) -> Page:
        """Send the form."""
        body = urlencode({"manifest": manifest, "namespace": "shop", **fields}).encode()
        return self("POST", "/try", body, Content_Type="application/x-www-form-urlencoded")
