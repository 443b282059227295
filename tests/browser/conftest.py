"""One Chromium for all that look at pages."""

from tests.browser.fixtures import browser

__all__ = ["browser"]
