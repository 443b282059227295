"""How far this machine's time of day is off, by the API server's: they have to agree about what a certificate says.

Whoever issues by a clock that is ahead makes certificates that API servers refuse as not yet valid. Which of two clocks
is wrong nobody here can tell, so nothing is issued while they are further apart than certificates are back-dated.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from webhook.certificates.authority import CLOCK_SKEW
from webhook.cluster.client import Api
from webhook.cluster.log import Log

NOTABLE: Final = timedelta(minutes=1)
"""A difference that is told; the API server says whole seconds, and an answer may take some."""
TOO_FAR: Final = CLOCK_SKEW + NOTABLE


class Clocks:
    """Compares this process' clock with the API server's.

    Args:
        now: the time of day here, aware.
    """

    def __init__(self, api: Api, *, log: Log, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Know of no difference."""
        self._api, self._log, self._now = api, log, now
        self._is_told = False

    @property
    def ahead(self) -> timedelta | None:
        """How far this clock is ahead of the API server's; None while that has said nothing."""
        theirs = self._api.server_time
        return None if theirs is None else self._now() - theirs

    @property
    def agree(self) -> bool:
        """Whether what is issued by this clock is valid by the API server's."""
        return abs(self.ahead or timedelta()) <= TOO_FAR

    def compare(self) -> None:
        """Tell once where they differ by more than a minute, and where they do no more."""
        ahead = self.ahead or timedelta()
        if (abs(ahead) > NOTABLE) == self._is_told:
            return
        self._is_told = not self._is_told
        if self._is_told:
            self._log.warning(
                "clocks differ",
                seconds_ahead=round(ahead.total_seconds()),
                message="this node's clock and the API server's are to agree within a minute; see to their NTP. "
                "While they are more than an hour apart, this replica issues no certificate",
            )
        else:
            self._log.info("clocks agree again")
