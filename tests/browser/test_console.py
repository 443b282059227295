"""The console in a real Chromium: without scripts, by keyboard, narrow, light and dark, by axe; and its pictures.

``UPDATE_SCREENSHOTS=1`` writes the pictures that docs/how-to/console.md shows; without it no file is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.fixtures import axe, no_faults, overflow
from tests.console.manifests import DEPLOYMENT, SECRET
from tests.service import RunningService, client_pod, recorded, running_service

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.e2e

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PAGES = {"overview": "/", "decisions": "/decisions", "try": "/try", "counts": "/counts"}
BROKEN = "kind: Pod\nmetadata: {name: {{ .Release.Name }}}\n"
PICTURED = ("overview", "decisions", "counts", "told", "refused")
SEEN = ("kuberay-head", "pod-role-none-in-default-namespace", "statefulset-head", "job-client-jobs-connect")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that has decided about some pods, one with a secret among them."""
    with running_service(tmp_path_factory.mktemp("service")) as service:
        for name in SEEN:
            service.review(recorded(name))
        service.review(client_pod({"ray.seedcore.io/role": "master"}))
        service.review(client_pod(env=[{"name": "DATABASE_PASSWORD", "value": SECRET}]))
        yield service


@pytest.fixture
def context(request: pytest.FixtureRequest, browser: Browser, service: RunningService) -> Iterator[BrowserContext]:
    """A context with the options that the test is parametrized with."""
    options: dict[str, Any] = getattr(request, "param", {})
    context = browser.new_context(base_url=service.console_url, **options)
    yield context
    context.close()


def send(page: Page, manifest: str) -> None:
    """Paste a manifest and ask."""
    page.goto("/try")
    page.get_by_role("textbox", name="Manifest").fill(manifest)
    page.get_by_role("button", name="Tell me").click()


def every_state(page: Page) -> Iterator[str]:
    """Each page in turn, and the answers to a good and to a bad manifest."""
    for name, path in PAGES.items():
        page.goto(path)
        yield name
    send(page, DEPLOYMENT)
    yield "told"
    send(page, BROKEN)
    yield "refused"


@pytest.mark.parametrize(
    "context",
    [{"color_scheme": scheme, "viewport": {"width": 1000, "height": 760}} for scheme in ("light", "dark")],
    indirect=True,
    ids=["light", "dark"],
)
def test_axe_finds_nothing_and_the_policy_is_kept(context: BrowserContext, request: pytest.FixtureRequest) -> None:
    """In either scheme; these are the pages of which the documentation has pictures."""
    scheme = request.node.callspec.id
    page = context.new_page()
    with no_faults(page, but="status of 400"):
        for name in every_state(page):
            if name in PICTURED:
                write_picture(page, f"console-{name}-{scheme}.png")
            for summary in page.locator("summary").all():
                summary.click()
            assert (name, axe(page)) == (name, [])


def write_picture(page: Page, name: str) -> None:
    page.evaluate("scrollTo(0, 0)")
    picture = page.screenshot(animations="disabled")
    assert 5_000 < len(picture) < 200_000, name
    if os.environ.get("UPDATE_SCREENSHOTS"):
        IMAGES.mkdir(exist_ok=True)
        (IMAGES / name).write_bytes(picture)


@pytest.mark.parametrize("context", [{"viewport": {"width": 320, "height": 640}}], indirect=True)
def test_nothing_is_too_wide_for_a_narrow_screen(context: BrowserContext) -> None:
    page = context.new_page()
    for name in every_state(page):
        for summary in page.locator("summary").all():
            summary.click()
        assert (name, overflow(page)) == (name, 0)


@pytest.mark.parametrize("context", [{"java_script_enabled": False}], indirect=True)
def test_all_of_it_works_without_scripts(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    assert page.get_by_role("heading", name="Settings in force").is_visible()
    page.get_by_role("link", name="Decisions").click()
    page.get_by_label("Role").select_option("head")
    page.get_by_role("button", name="Filter").click()
    assert page.get_by_role("article").count() == 2
    page.locator("summary").first.click()
    assert page.get_by_text("The pod is").first.is_visible()
    send(page, DEPLOYMENT)
    row = page.get_by_role("row", name="RAY_HOST")
    assert row.get_by_role("cell").all_inner_texts() == [
        "changed",
        "ray-old",
        "seedcore-head-svc.seedcore-dev",
        "file settings.env",
    ]


def test_all_of_it_works_by_the_keyboard(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    assert skip.evaluate("node => node === document.activeElement")
    assert skip.bounding_box()["x"] >= 0  # it is seen when it has the focus
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.goto("/")
    for _ in range(4):
        page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/try")
    for _ in range(6):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "manifest"
    page.keyboard.insert_text(BROKEN)
    for _ in range(3):
        page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    # What came of it has the focus, so that a screen reader says it.
    page.wait_for_function("document.activeElement.getAttribute('role') === 'alert'")
    assert "RAY802" in page.evaluate("document.activeElement.textContent")
    assert page.title().startswith("RAY802 unusable input")
    assert page.get_by_role("textbox", name="Manifest").input_value() == BROKEN


def test_landmarks_headings_and_the_present_page_are_told(context: BrowserContext) -> None:
    page = context.new_page()
    for name, path in PAGES.items():
        page.goto(path)
        for landmark in ("banner", "main", "contentinfo"):
            assert page.get_by_role(landmark).count() == 1, (name, landmark)
        assert page.get_by_role("heading", level=1).count() == 1
        assert page.locator("nav a[aria-current=page]").get_attribute("href") == path
        for table in page.locator("table").all():
            assert table.locator("caption").count() == 1
            assert table.locator("th:not([scope])").count() == 0


def test_no_value_of_another_variable_is_on_any_page(context: BrowserContext) -> None:
    page = context.new_page()
    for path in PAGES.values():
        page.goto(path)
        assert SECRET not in page.content()
    send(page, DEPLOYMENT)
    assert "DATABASE_PASSWORD" in page.content()
    assert SECRET not in page.content()


def test_a_page_of_another_site_can_neither_frame_it_nor_send_its_form(
    context: BrowserContext, service: RunningService
) -> None:
    page = context.new_page()
    # Another origin on this machine: the name differs.
    other = service.console_url.replace("127.0.0.1", "localhost")
    page.route(f"{other}/evil", lambda route: route.fulfill(content_type="text/html", body=_evil(service.console_url)))
    page.goto(f"{other}/evil")
    assert page.frames[1].url in ("about:blank", "chrome-error://chromewebdata/")
    page.get_by_role("button").click()
    assert page.get_by_role("heading", name="RAY824 form of another site").is_visible()


def _evil(url: str) -> str:
    form = f"<form method=post action='{url}/try'><input name=manifest value=a><button>send</button></form>"
    return f"<!doctype html><title>evil</title><iframe src='{url}/'></iframe>{form}"


def test_the_pictures_are_those_that_the_documentation_shows() -> None:
    text = (IMAGES.parent / "how-to" / "console.md").read_text(encoding="utf-8")
    shown = {f"../images/{file.name}" for file in IMAGES.glob("console-*.png")}
    assert shown
    assert {name for name in shown if name in text} == shown
    assert text.count("../images/console-") == len(shown)
