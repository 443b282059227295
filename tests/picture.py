"""What a terminal shows, drawn as SVG: text that stays text, in the colours of a light page or a dark one.

No font and nothing else is fetched, so that the picture looks alike in a browser, on a code host and offline.
"""

from __future__ import annotations

import re
from html import escape
from typing import Final

_STYLED: Final = re.compile(r"\x1b\[([0-9;]*)m")
_CLASSES: Final = {"1": "bold", "31": "red", "32": "green", "33": "yellow"}
COLUMNS, _CHARACTER, _LINE, _MARGIN = 100, 8.43, 19, 16
"""The width in characters; what one takes at 14 px, a line's height and the margin, in pixels."""
_STYLE: Final = """
  rect { fill: #f6f8fa; stroke: #d1d9e0 } text { fill: #1f2328; font: 14px ui-monospace, monospace; white-space: pre }
  .bold { font-weight: 700 } .red { fill: #cf222e } .green { fill: #1a7f37 } .yellow { fill: #9a6700 }
  @media (prefers-color-scheme: dark) {
    rect { fill: #161b22; stroke: #3d444d } text { fill: #e6edf3 }
    .red { fill: #ff7b72 } .green { fill: #3fb950 } .yellow { fill: #d29922 }
  }
"""


def picture(title: str, text: str) -> str:
    """`text` as it came to a terminal, on a page of its own; `title` is what a screen reader says first."""
    lines = [folded for line in text.splitlines() for folded in _fold(line)]
    width, height = round(COLUMNS * _CHARACTER) + 2 * _MARGIN, len(lines) * _LINE + 2 * _MARGIN
    frame = f'width="{width - 1}" height="{height - 1}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect x="0.5" y="0.5" {frame} rx="8"/>',
            *(_line(number, line) for number, line in enumerate(lines, start=1) if line),
            "</svg>\n",
        ]
    )


def _fold(line: str) -> list[str]:
    """A line too long for the picture is folded at blanks, under its own beginning; styles take no room."""
    shown = _STYLED.sub("", line)
    if len(shown) <= COLUMNS:
        return [line]
    indent = " " * (len(shown) - len(shown.lstrip()))
    end = line.rindex(" ", 0, COLUMNS + len(line) - len(shown))
    return [line[:end], *_fold(indent + line[end + 1 :])]


def _line(number: int, line: str) -> str:
    first, *styled = _STYLED.split(line)
    spans = [escape(first, quote=False)]
    for code, piece in zip(styled[::2], styled[1::2], strict=True):
        text = escape(piece, quote=False)
        spans.append(f'<tspan class="{_CLASSES[code]}">{text}</tspan>' if code in _CLASSES and piece else text)
    return f'<text x="{_MARGIN}" y="{_MARGIN + number * _LINE - 5}" xml:space="preserve">{"".join(spans)}</text>'
