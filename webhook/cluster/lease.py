"""The Lease: who leads, and what each replica reports, as values; when something was heard, on our own clock."""

from __future__ import annotations

import re
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

import msgspec

from webhook.certificates.rotation import Report
from webhook.cluster.client import UNDECODABLE
from webhook.cluster.decoding import decoder
from webhook.cluster.lists import Object
from webhook.cluster.watched import Watched

REPORT: Final = "replica.certificates.ray.seedcore.io/"
"""What the key of a report's annotation begins with; the replica's identity follows."""
DURATION_SECONDS: Final = 15
LONGEST_SECONDS: Final = 60
"""Of a duration that somebody else wrote: nobody is waited for longer."""
_LONGEST_HOST: Final = 50
_LONGEST_REPORT: Final = 4096
"""Characters; one that trusts as many authorities as there may be has 1,100."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """What the Lease says; `renewed` is compared and never read as a time, for clocks differ.

    Attributes:
        version: its resourceVersion; empty where there is no Lease.
        holder: who leads; empty for nobody.
        duration: seconds without a renewal after which another may take over.
        reports: the text of each replica's report, by its identity.
        strange: keys of annotations that are no replica's report, by their name or by their length.
    """

    version: str = ""
    holder: str = ""
    renewed: str = ""
    duration: float = DURATION_SECONDS
    transitions: int = 0
    reports: Mapping[str, str] = field(default_factory=dict)
    strange: frozenset[str] = frozenset()


def new_identity() -> str:
    """A name for this process that no other has, and by which people find its pod."""
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:_LONGEST_HOST].strip("-.")
    return f"{host or 'unnamed'}_{secrets.token_hex(4)}"


def read_lease(item: Object | None) -> Lease:
    """The value of the Lease as the API server sends it, of whatever form it is."""
    if item is None:
        return Lease()
    metadata, spec = item["metadata"], item.get("spec") or {}
    annotations: Mapping[str, Any] = metadata.get("annotations") or {}
    return Lease(
        version=str(metadata.get("resourceVersion") or ""),
        holder=str(spec.get("holderIdentity") or ""),
        renewed=str(spec.get("renewTime") or ""),
        duration=min(float(spec.get("leaseDurationSeconds") or DURATION_SECONDS), LONGEST_SECONDS),
        transitions=int(spec.get("leaseTransitions") or 0),
        reports={key.removeprefix(REPORT): str(text) for key, text in annotations.items() if key.startswith(REPORT)},
        strange=frozenset(key for key, text in annotations.items() if _is_strange(key, str(text))),
    )


def _is_strange(key: str, text: str) -> bool:
    return not key.startswith(REPORT) or len(text) > _LONGEST_REPORT


class LeaseView(Watched[Lease]):
    """The Lease as it is watched.

    Attributes:
        renewed_at: when the holder was last seen to change or to renew.
    """

    def __init__(self, changed: Callable[[], None], clock: Callable[[], float] = monotonic) -> None:
        """Have heard nothing."""
        super().__init__(read_lease, changed, clock)
        self.renewed_at = clock()
        self._heard: dict[str, tuple[str, float]] = {}

    def reports(self) -> dict[str, Report]:
        """Each replica's report, with the seconds since it was heard of."""
        now = self._clock()
        return {name: read_report(text, silent=now - at) for name, (text, at) in self._heard.items()}

    def _replace(self, value: Lease) -> None:
        now, known = self._clock(), self._heard
        if (value.holder, value.renewed) != (self.value.holder, self.value.renewed):
            self.renewed_at = now
        self._heard = {
            name: known[name] if name in known and known[name][0] == text else (text, now)
            for name, text in value.reports.items()
        }
        super()._replace(value)


class _Written(msgspec.Struct, omit_defaults=True):
    """A report in an annotation; `beat` makes each one differ from the one before."""

    serves: str = ""
    issuer: str = ""
    trusts: list[str] = []
    version: str = ""
    beat: int = 0


def report_text(report: Report, beat: int) -> str:
    """The text of a report."""
    written = _Written(
        serves=report.serves,
        issuer=report.issuer,
        trusts=sorted(report.trusted),
        version=report.version,
        beat=beat,
    )
    return msgspec.json.encode(written).decode()


def read_report(text: str, *, silent: float) -> Report:
    """What the text says; nothing where it is none of ours."""
    try:
        written = decoder(_Written).decode(text)
    except UNDECODABLE:
        written = _Written()
    return Report(
        trusted=frozenset(written.trusts),
        serves=written.serves,
        issuer=written.issuer,
        silent=silent,
        version=written.version,
    )
