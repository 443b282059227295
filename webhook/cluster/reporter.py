"""A replica's report, as an annotation of its own on the Lease."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from time import monotonic
from typing import Final

from webhook.certificates.rotation import Report
from webhook.cluster.client import Api
from webhook.cluster.lease import REPORT, Lease, report_text
from webhook.cluster.log import Log
from webhook.errors import ClusterError

BEAT_SECONDS: Final = 30.0
"""Between two reports that say the same, by which others see that this replica lives."""
AGAIN_SECONDS: Final = 2.0
"""After which a report that is not to be seen is written again: there was no Lease yet, or it was deleted."""
TOO_LONG: Final = "Too long"
"""What an API server says where an object's annotations have more than 256 KiB."""
MANAGER: Final = "ray-webhook-reports"


class Reporter:
    """Writes the report of one replica; used by one thread.

    Args:
        path: of the Lease, which somebody else creates.
    """

    def __init__(self, api: Api, path: str, identity: str, *, log: Log, clock: Callable[[], float] = monotonic) -> None:
        """Have told nothing yet."""
        self._api, self._path, self._identity, self._log, self._clock = api, path, identity, log, clock
        self._told: Report | None = None
        self._told_at = 0.0
        self._beat = 0

    def tell(self, report: Report, lease: Lease) -> None:
        """Write the report if it is new, old, or not to be seen on the Lease; raises ClusterError.

        Where others have filled the Lease with annotations, so that a report does not fit any more, these are removed.
        """
        age = self._clock() - self._told_at
        if report == self._told and age < (BEAT_SECONDS if self._identity in lease.reports else AGAIN_SECONDS):
            return
        self._beat += 1
        own = {REPORT + self._identity: report_text(report, self._beat)}
        try:
            self._write(own)
        except ClusterError as error:
            if not lease.strange or error.status != HTTPStatus.UNPROCESSABLE_ENTITY or TOO_LONG not in error.message:
                raise
            self._write(dict.fromkeys(lease.strange) | own)
            self._log.warning("strange annotations removed from the Lease", count=len(lease.strange))
        self._told, self._told_at = report, self._clock()

    def forget(self, identities: Iterable[str]) -> None:
        """Remove the reports of others, who are gone; raises ClusterError."""
        self._write(dict.fromkeys(REPORT + identity for identity in identities))

    def leave(self) -> None:
        """Remove the own one; raises ClusterError."""
        if self._told is not None:
            self._write({REPORT + self._identity: None})

    def _write(self, annotations: Mapping[str, str | None]) -> None:
        try:
            self._api.merge(self._path, {"metadata": {"annotations": annotations}}, manager=MANAGER)
        except ClusterError as error:
            # No Lease: whoever leads creates it.
            if error.status != HTTPStatus.NOT_FOUND:
                raise
