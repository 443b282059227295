"""How often each reason was met in the last minutes: numbers for tables, and heights for bars beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from webhook.console.recent import Recent
from webhook.console.texts import utc
from webhook.injection.codes import ReasonCode

HEIGHT: Final = 24
"""Of a bar that is as high as any, in units of the drawing."""
KINDS: Final = {"1": "injected", "2": "nothing to do", "3": "denied", "4": "warnings", "5": "faults"}
"""What the first digit of a code says."""
FEW: Final = 5
"""Minutes that count as just now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One reason; `bars` has a height for each minute, the present one last."""

    code: ReasonCode
    total: int
    lately: int
    bars: Sequence[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Minute:
    """One minute, and how often each kind of reason was met in it."""

    began: datetime
    counts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """Rows by code, and the minutes in which anything happened, the newest first."""

    rows: Sequence[Row]
    minutes: Sequence[Minute]


def chart(recent: Recent) -> Chart:
    """The chart of now."""
    minutes = recent.minutes()
    totals: Counter[ReasonCode] = Counter()
    for _, counts in minutes:
        totals.update(counts)
    rows = [_row(code, [counts.get(code, 0) for _, counts in minutes]) for code in sorted(totals)]
    told = [Minute(began=utc(began), counts=_by_kind(counts)) for began, counts in reversed(minutes) if counts]
    return Chart(rows=rows, minutes=told)


def _row(code: ReasonCode, counts: Sequence[int]) -> Row:
    highest = max(counts)
    # What happened at all is seen, however much more happened in other minutes.
    bars = [-(-HEIGHT * count // highest) for count in counts]
    return Row(code=code, total=sum(counts), lately=sum(counts[-FEW:]), bars=bars)


def _by_kind(counts: Mapping[ReasonCode, int]) -> Mapping[str, int]:
    found = dict.fromkeys(KINDS, 0)
    for code, count in counts.items():
        found[code.removeprefix("RAY")[0]] += count
    return found
