"""For tests that look at pages in a real Chromium: the fixture, to be imported in a conftest.py above them, and axe.

A page is had by ``browser.new_context(...)``: ``java_script_enabled=False``, ``color_scheme="dark"`` and ``viewport``
are Playwright's (https://playwright.dev/python/docs/api/class-browser#browser-new-context).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from tests.browser.chromium import ChromiumError, find_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS: Final = ("--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars")
"""The sandbox is not to be had for root in a container, and all that is looked at is our own."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole run; a test takes a context of its own in it."""
    try:
        program = find_chromium()
    except ChromiumError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(program), args=list(FLAGS))
        try:
            yield chromium
        finally:
            chromium.close()


def axe(page: Page) -> list[str]:
    """The faults that axe finds on a page that may run scripts: the rule, where, and why."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{fault['id']}: {' '.join(map(str, node['target']))} ({node['failureSummary']})"
        for fault in found
        for node in fault["nodes"]
    ]


@contextmanager
def no_faults(page: Page) -> Iterator[None]:
    """Fails where the page, while the block runs, asks another host, breaks its own CSP, or a script in it fails."""
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: told.append(request.url) if not _is_local(request.url) else None)
    yield
    assert not told, told


def _is_local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "http://localhost:", "file://", "data:", "blob:"))


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window, so that it would have to be scrolled sideways."""
    found: Any = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return int(found)
