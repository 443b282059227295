"""Draws docs/images/cost.svg from bench/results/cost.json: what an admission costs, beside other servers."""

from __future__ import annotations

import json
import sys
from html import escape
from typing import Any, Final

from bench.figures import RESULTS, ROOT

FILE: Final = ROOT / "docs" / "images" / "cost.svg"
WIDTH, BAR, GAP, LEFT, RIGHT = 720, 20, 8, 240, 90
INK, OURS, OTHERS = "#6e7781", "#1f883d", "#8c959f"
"""Readable on a light page and on a dark one."""


def chart(groups: dict[str, dict[str, float]], note: str) -> str:
    """The picture; `groups` is title to server to microseconds."""
    longest = max(value for servers in groups.values() for value in servers.values())
    parts: list[str] = []
    y = 34
    for title, servers in groups.items():
        parts.append(_text(0, y, title, weight="600"))
        y += 14
        for name, value in sorted(servers.items(), key=lambda item: item[1]):
            wide = max(2.0, value / longest * (WIDTH - LEFT - RIGHT))
            color = OURS if name == "ray-webhook" else OTHERS
            parts.append(_text(LEFT - 10, y + 15, name, anchor="end"))
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{wide:.1f}" height="{BAR}" rx="3" fill="{color}"/>')
            parts.append(_text(LEFT + wide + 8, y + 15, f"{value:,.0f} µs"))
            y += BAR + GAP
        y += 22
    parts.append(_text(0, y, note, size=12))
    alternative = "; ".join(
        f"{title}: " + ", ".join(f"{name} {value:.0f} µs" for name, value in servers.items())
        for title, servers in groups.items()
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 14}" role="img" font-family="sans-serif">'
    )
    title = _text(0, 14, "Processor time for each admission at the server", weight="600", size=16)
    return "\n".join([head, f"<title>{escape(alternative)}</title>", title, *parts, "</svg>\n"])


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "400", size: int = 14) -> str:
    style = f'font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="{INK}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'


def groups_of(document: dict[str, Any]) -> dict[str, dict[str, float]]:
    """From the figures that cost.py wrote, those in microseconds."""
    found: dict[str, dict[str, float]] = {}
    for item in document["figures"]:
        title, _, name = item["name"].rpartition(": ")
        if item["unit"] == "us":
            found.setdefault(f"Review of a {title}" if "KB)" in title else title, {})[name] = item["median"]
    return found


def main() -> int:
    document = json.loads((RESULTS / "cost.json").read_text())
    about = document["machine"]
    shown = {
        title: servers for title, servers in groups_of(document).items() if " client (" in title or "12 KB" in title
    }
    note = f"{about['processor']}, {about['cores']} cores, Python {about['python']}; medians, make bench"
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(chart(shown, note), encoding="utf-8")
    print(FILE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
