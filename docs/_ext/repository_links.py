"""Links from pages to the repository's other files, which work on a code host, in the site as well.

A link to a Markdown file outside docs/ becomes a download, as MyST makes one of a link to any other file, and one to a
folder becomes plain text. A link to what does not exist stays as it is, and is MyST's error.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.addnodes import download_reference, pending_xref

if TYPE_CHECKING:
    from docutils.nodes import document
    from sphinx.application import Sphinx

BEFORE_DOWNLOADS_ARE_COLLECTED = 400


def mend_links(app: Sphinx, page: document) -> None:
    """Replace what MyST takes for references to pages and leads out of docs/."""
    here = Path(app.env.doc2path(app.env.docname)).parent
    for link in list(page.findall(pending_xref)):
        target = meant(Path(app.srcdir), here, link)
        if target.is_relative_to(app.srcdir):
            continue
        if target.is_file():
            download = download_reference(refdomain=None, reftype="myst", refdoc=link["refdoc"], refexplicit=True)
            download["reftarget"] = os.path.relpath(target, here)
            download.extend(link.children)
            link.replace_self(download)
        elif target.is_dir():
            link.replace_self(link.children)


def meant(top: Path, here: Path, link: pending_xref) -> Path:
    """The file or folder of a link: of a page MyST has cut the suffix, and counts its path from docs/, the top."""
    path = top / (link["reftarget"] + ".md") if link.get("refdomain") == "doc" else here / link["reftarget"]
    return Path(os.path.normpath(path))


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx, for conf.py names this module."""
    app.connect("doctree-read", mend_links, priority=BEFORE_DOWNLOADS_ARE_COLLECTED)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
