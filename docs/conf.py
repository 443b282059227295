"""How `make docs` builds the site: from Markdown, without a network, every warning an error."""

from __future__ import annotations

import sys
from pathlib import Path

from webhook import __version__

# Last, so that the installed wheel is what is documented, as it is what is tested.
sys.path.append(str(Path(__file__).parent.parent))

project = "Ray Webhook"
version = release = __version__
project_copyright = "the authors of Ray Webhook"
language = "en-GB"

extensions = [
    "myst_parser",
    "docs._ext.accessibility",
    "docs._ext.reference",
    "docs._ext.repository_links",
]
exclude_patterns = ["_ext"]
nitpicky = True
suppress_warnings = ["misc.highlighting_failure"]  # what a command prints may be any text

myst_heading_anchors = 3  # links such as page.md#a-heading, as code hosts have them; one that leads nowhere is an error
myst_enable_extensions = ["fieldlist"]

html_theme = "furo"
html_title = "Ray Webhook"
html_show_sphinx = False
html_copy_source = False
html_use_index = False  # no page has an entry
smartquotes = False  # what is quoted is to be typed
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
