"""The documentation's site in a real Chromium: readable for everybody, narrow and in the dark, without a network.

It is built anew, so that a page cannot be good only because an older one lies about, and served on loopback, since axe
may not read the style sheets of files.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.fixtures import axe, no_faults, overflow

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "index.html",
    "RAY_CONFIGURATION_PATTERN.html",
    "RELIABILITY.html",
    "THREAT_MODEL.html",
    "reference/flags.html",
    "reference/reasons/RAY301.html",
    "reference/reasons/index.html",
    "search.html",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the site is served."""
    folder = tmp_path_factory.mktemp("site")
    command = [str(Path(sys.executable).parent / "sphinx-build"), "--fail-on-warning", "--nitpicky", "--quiet"]
    subprocess.run([*command, "--doctree-dir", folder / "doctrees", ROOT / "docs", folder / "html"], check=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder / "html")) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 375)], ids=["wide-light", "narrow-dark"])
def test_every_kind_of_page_is_without_a_finding_of_axe(browser: Browser, site: str, scheme: str, width: int) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = context.new_page()
    with no_faults(page):
        for name in PAGES:
            page.goto(site + name)
            assert (name, axe(page), overflow(page)) == (name, [], 0)
    context.close()


def test_pictures_follow_the_colour_scheme(browser: Browser) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto((ROOT / "docs" / "images" / "admission.svg").as_uri())
        seen[scheme] = page.evaluate("getComputedStyle(document.querySelector('.paper')).fill")
        context.close()

    assert seen == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 25, 31)"}


def test_the_search_finds_a_reason_code_without_a_server(browser: Browser, site: str) -> None:
    page = browser.new_page()
    page.goto(f"{site}search.html?q=RAY304")
    page.wait_for_selector("#search-results a")

    assert "RAY304: reference not allowed" in page.inner_text("#search-results")
    page.close()


def test_a_page_can_be_read_and_walked_without_scripts(browser: Browser, site: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site)
    page.click("aside >> text=Reason codes")
    page.click("text=RAY301")

    assert page.inner_text("h1").startswith("RAY301: bad role")
    context.close()
