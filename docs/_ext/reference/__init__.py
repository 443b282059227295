"""The reference, written from the code before each build: a page cannot say what the code does not.

The pages are in docs/reference, which git ignores. A page is written only where it has changed, and one that nothing
makes any more is removed, so that a build after another one is quick and right.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from docs._ext.reference import commands, operations, pods, reasons

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def every_page() -> Iterator[tuple[str, str]]:
    """Each page's name, below the reference, and its text."""
    for part in (pods, commands, operations, reasons):
        yield from part.pages()


def write(folder: Path) -> None:
    """Make the files of `folder` the pages, and nothing else."""
    pages = {folder / f"{name}.md": text for name, text in every_page()}
    for stale in set(folder.rglob("*.md")) - pages.keys():
        stale.unlink()
    for file, text in pages.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx, for conf.py names this module."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir, "reference")))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
