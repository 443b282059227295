"""The tests' own tools: what they are to find, they find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.fixtures import axe, no_faults, overflow

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.e2e
PAGE = "<!doctype html><html{lang}><title>t</title><body style='margin:0'><main><h1>h</h1>{body}</main></html>"


def test_axe_finds_a_fault_and_says_where(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(PAGE.format(lang=" lang=en", body="<p>text</p>"))
    assert axe(page) == []
    page.set_content(PAGE.format(lang=" lang=en", body="<input id=nameless>"))
    assert [fault.partition(" (")[0] for fault in axe(page)] == ["label: #nameless"]
    page.close()


def test_a_request_elsewhere_and_a_script_that_fails_are_faults(browser: Browser) -> None:
    for body in ("<img alt='' src='http://elsewhere.invalid/'>", "<script>nothing()</script>"):
        page = browser.new_page()
        with pytest.raises(AssertionError), no_faults(page):
            page.set_content(PAGE.format(lang="", body=body), wait_until="networkidle")
        page.close()


def test_what_is_too_wide_is_measured(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 600})
    page.set_content(PAGE.format(lang="", body="<div style='width:400px'>wide</div>"))
    assert overflow(page) == 80
    page.close()
