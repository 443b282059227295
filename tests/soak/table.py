"""The results as one table, in Markdown, which is read as it is too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tests.soak.running import Result

HEADER: Final = (
    *("fault", "times", "pods", "refused", "for at most", "missed", "wrong", "API server failed", "p50 ms", "p99 ms"),
)


def table(results: Iterable[Result]) -> str:
    """A row a fault."""
    lines = [HEADER, ("---", *["---:"] * (len(HEADER) - 1)), *(row(result) for result in results)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def row(result: Result) -> tuple[str, ...]:
    """The cells of a fault."""
    counts = (result.rounds, result.pods, result.refused)
    healing = f"{result.refused_seconds:.1f} s" if result.refused else "-"
    bad = (len(result.found.missed), len(result.found.wrong) + len(result.found.lost), len(result.unserved))
    percentiles = (f"{result.milliseconds(percent):.0f}" for percent in (50, 99))
    return (result.fault.name, *(f"{n:,}" for n in counts), healing, *(f"{n:,}" for n in bad), *percentiles)
