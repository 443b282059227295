"""A replica's report, as an annotation of its own on the Lease."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from time import monotonic
from typing import Final

from webhook.certificates.rotation import Report
from webhook.cluster.client import Api
from webhook.cluster.lease import REPORT, report_text
from webhook.errors import ClusterError

BEAT_SECONDS: Final = 30.0
"""Between two reports that say the same, by which others see that this replica lives."""
AGAIN_SECONDS: Final = 2.0
"""After which a report that is not to be seen is written again: there was no Lease yet, or it was deleted."""
MANAGER: Final = "ray-webhook-reports"


class Reporter:
    """Writes the report of one replica; used by one thread.

    Args:
        path: of the Lease, which somebody else creates.
    """

    def __init__(self, api: Api, path: str, identity: str, clock: Callable[[], float] = monotonic) -> None:
        """Have told nothing yet."""
        self._api, self._path, self._identity, self._clock = api, path, identity, clock
        self._told: Report | None = None
        self._told_at = 0.0
        self._beat = 0

    def tell(self, report: Report, *, is_seen: bool) -> None:
        """Write the report if it is new, old, or not to be seen on the Lease; raises ClusterError."""
        age = self._clock() - self._told_at
        if report == self._told and age < (BEAT_SECONDS if is_seen else AGAIN_SECONDS):
            return
        self._beat += 1
        self._write({self._identity: report_text(report, self._beat)})
        self._told, self._told_at = report, self._clock()

    def forget(self, identities: Iterable[str]) -> None:
        """Remove the reports of others, who are gone; raises ClusterError."""
        self._write(dict.fromkeys(identities))

    def leave(self) -> None:
        """Remove the own one; raises ClusterError."""
        if self._told is not None:
            self._write({self._identity: None})

    def _write(self, reports: dict[str, str | None]) -> None:
        annotations = {REPORT + identity: text for identity, text in reports.items()}
        try:
            self._api.merge(self._path, {"metadata": {"annotations": annotations}}, manager=MANAGER)
        except ClusterError as error:
            # No Lease: whoever leads creates it.
            if error.status != HTTPStatus.NOT_FOUND:
                raise
