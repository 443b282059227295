"""The chart of what an admission costs, beside other servers: SVG text, made of the figures that cost.py gives.

It is shown as an image, where a page's own colours do not reach it: it follows the reader's choice of light or dark,
and looks right on either where it is not told. Its figures are in its description, for those who do not see it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from bench.figures import Figure
from bench.peers import OURS

WIDTH, BAR, GAP, LEFT, RIGHT = 820, 20, 8, 270, 210
STYLE: Final = """\
<style>
  text { font: 14px system-ui, sans-serif; fill: #656d76 }
  .title { font-size: 16px; font-weight: 600 }
  .group { font-weight: 600 }
  .note { font-size: 12px }
  .ours { fill: #1a7f37 }
  .other { fill: #8c959f }
  @media (prefers-color-scheme: dark) { text { fill: #b1bac4 } .ours { fill: #3fb950 } .other { fill: #6e7681 } }
</style>"""
TITLE: Final = "Processor time of an admission, at the server"
Groups = Mapping[str, Mapping[str, float]]


def chart(figures: Sequence[Figure], about: Mapping[str, Any]) -> str:
    """The picture of a client's admission and of a large one."""
    shown = ("client (", "12 KB (")
    groups = {title: servers for title, servers in groups_of(figures).items() if title.startswith(shown)}
    longest = max(value for servers in groups.values() for value in servers.values())
    parts: list[str] = []
    y = 34
    for title, servers in groups.items():
        parts.append(_text(0, y, _words(title), "group"))
        y += 14
        for name, value in sorted(servers.items(), key=lambda item: item[1]):
            parts += _bar(y, name, value, value / longest, servers)
            y += BAR + GAP
        y += 22
    note = f"{about['processor']}, {about['cores']} cores, Python {about['python']}; median of {about['rounds']} rounds"
    parts.append(_text(0, y, note, "note"))
    return "\n".join([*_head(y + 14, groups), STYLE, _text(0, 14, TITLE, "title"), *parts, "</svg>\n"])


def groups_of(figures: Sequence[Figure]) -> dict[str, dict[str, float]]:
    """What was sent, to each server's microseconds."""
    groups: dict[str, dict[str, float]] = {}
    for item in figures:
        title, _, name = item.name.rpartition(": ")
        if item.unit == "us":
            groups.setdefault(title, {})[name] = item.median
    return groups


def _words(title: str) -> str:
    what, _, size = title.partition(" (")
    return f"A {what} pod, a review of {size.rstrip(')')}" if what == "client" else f"A client pod, a review of {what}"


def _head(height: int, groups: Groups) -> list[str]:
    told = "; ".join(
        f"{_words(title)}: {', '.join(f'{name} {value:,.0f} µs' for name, value in servers.items())}"
        for title, servers in groups.items()
    )
    size = f'viewBox="0 0 {WIDTH} {height}"'
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title description">',
        f'<title id="title">{escape(TITLE)}</title>',
        f'<desc id="description">{escape(told)}.</desc>',
    ]


def _bar(y: int, name: str, value: float, share: float, servers: Mapping[str, float]) -> list[str]:
    wide = max(2.0, share * (WIDTH - LEFT - RIGHT))
    kind, times = ("ours", "") if name == OURS else ("other", f", {value / servers[OURS]:.1f} times ours")
    return [
        _text(LEFT - 10, y + 15, name, "name", anchor="end"),
        f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{wide:.1f}" height="{BAR}" rx="3"/>',
        _text(LEFT + wide + 8, y + 15, f"{value:,.0f} µs{times}", "value"),
    ]


def _text(x: float, y: float, text: str, kind: str, *, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
