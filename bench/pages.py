"""What the documentation shows of the recorded results: docs/images/cost.svg, and tables between markers in pages.

``python -m bench.pages`` writes them from bench/recorded; with ``--check`` it says what differs, exit status 1. Give a
folder to do so in another tree. A table stands between ``<!-- measured: NAME -->`` and ``<!-- end -->``, where NAME
is a measurement, or one of ``bars``, ``summary`` and ``machine``.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.chart import chart, groups_of
from bench.figures import RECORDED, RESULTS, ROOT, Figure, read
from bench.peers import OURS

PLACE: Final = re.compile(r"(<!-- measured: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
SUMMARY: Final = ("client", "12 KB")
"""The reviews in the summary."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown whose columns but the first hold numbers."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def number(value: float) -> str:
    """As many digits as mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def measured(figures: Sequence[Figure]) -> str:
    """All figures of a measurement."""
    rows = (
        [item.name, f"{number(item.median)} {_unit(item)}", f"{number(item.lowest)} to {number(item.highest)}"]
        for item in figures
    )
    return table(["", "median", "spread"], rows)


def bars(figures: Iterable[Figure]) -> str:
    """Every figure that has a bar, with its verdict."""
    rows = (
        [item.name, f"{number(item.median)} {_unit(item)}", f"{item.bar:g}", item.verdict]
        for item in figures
        if item.bar is not None
    )
    return table(["", "measured", "bar", ""], rows)


def summary(figures: Sequence[Figure]) -> str:
    """What an admission costs beside other servers."""
    groups = {title.partition(" (")[0]: servers for title, servers in groups_of(figures).items()}
    found = [groups[what] for what in SUMMARY]
    rows = ([name, *(f"{number(one[name])} µs ({one[name] / one[OURS]:.2f})" for one in found)] for name in found[0])
    return table(["server", "client, 4 KB", "client, 12 KB"], rows)


def _unit(item: Figure) -> str:
    return {"us": "µs", "x": "times"}.get(item.unit, item.unit)


def made(root: Path) -> Iterator[tuple[Path, str]]:
    """Each file that shows recorded figures, with the text that it has to have."""
    recorded = root / RECORDED.relative_to(ROOT)
    found = {file.stem: read(recorded, file.stem) for file in sorted(recorded.glob("*.json")) if file.stem != "quick"}
    about, cost = found["cost"]
    yield root / "docs" / "images" / "cost.svg", chart(cost, about)
    tables = {name: measured(figures) for name, (_, figures) in found.items()}
    tables["bars"] = bars(item for _, figures in found.values() for item in figures)
    tables["summary"] = summary(cost)
    tables["machine"] = f"{', '.join(f'{key} {value}' for key, value in about.items())}\n"
    for page in [root / "README.md", *sorted((root / "docs").glob("**/*.md"))]:
        text = page.read_text(encoding="utf-8")
        if PLACE.search(text):
            yield page, PLACE.sub(_filled(page, tables), text)


def _filled(page: Path, tables: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
    def fill(place: re.Match[str]) -> str:
        if place[2] not in tables:
            raise SystemExit(f"{page.name}: <!-- measured: {place[2]} --> is none of {', '.join(sorted(tables))}")
        return f"{place[1]}\n{tables[place[2]]}\n{place[3]}"

    return fill


def write(root: Path) -> None:
    for file, text in made(root):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        print(file.relative_to(root))


def differing(root: Path) -> list[str]:
    """The files that do not show what is recorded."""
    return [
        str(file.relative_to(root))
        for file, text in made(root)
        if not file.exists() or file.read_text(encoding="utf-8") != text
    ]


def record(names: Iterable[str]) -> None:
    """Take the results of these measurements as the recorded ones, and show them."""
    RECORDED.mkdir(exist_ok=True)
    for name in names:
        shutil.copy(RESULTS / f"{name}.json", RECORDED)
    write(ROOT)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description="Show what was recorded.")
    parser.add_argument("--check", action="store_true", help="change nothing, say what differs")
    parser.add_argument("root", nargs="?", type=Path, default=ROOT)
    given = parser.parse_args()
    if not given.check:
        write(given.root)
        return 0
    found = differing(given.root)
    for file in found:
        print(f"{file} is not what bench/recorded says; write it by: python -m bench.pages")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
