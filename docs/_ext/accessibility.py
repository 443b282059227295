"""What the theme leaves out for people who use a keyboard or a screen reader, as axe found it, put into each page.

Captions of navigation have a level, the two sides of a page have names, and what scrolls sideways on a narrow screen
can be reached by the keyboard. Templates would have to be copied whole for that.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

REPLACED = {
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Site">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="Page">',
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper ': '<div tabindex="0" class="table-wrapper ',
}


def mend(page: str) -> str:
    """The HTML of a page, mended; once more changes nothing."""
    for found, better in REPLACED.items():
        page = page.replace(found, better)
    return page


def mend_all(app: Sphinx, exception: Exception | None) -> None:
    """Mend every page of a site that was built."""
    if exception is None and app.builder.format == "html":
        for file in Path(app.outdir).rglob("*.html"):
            text = file.read_text(encoding="utf-8")
            if (mended := mend(text)) != text:
                file.write_text(mended, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx, for conf.py names this module."""
    app.connect("build-finished", mend_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
