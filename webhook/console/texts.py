"""Times and spans as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def utc(seconds: float) -> datetime:
    """The time of day, in UTC, `seconds` after 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def moment(at: datetime) -> str:
    """A time of day.

    >>> moment(utc(0))
    '1970-01-01 00:00:00 UTC'
    """
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def span(seconds: float) -> str:
    """A span of time, in its largest unit.

    >>> span(90), span(7200), span(0.4)
    ('1 minute', '2 hours', 'less than a second')
    """
    for size, name in _UNITS:
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'s' if count > 1 else ''}"
    return "less than a second"
