"""The next step of issuing and rotating, decided from what can be seen; pure, and without a memory of its own.

A rotation has this order, and each step waits for what the one before it needs:

1. ``introduced``: a new authority is added to those that are trusted; the old certificate is still served.
2. The bundles of the webhook configuration follow, and every replica reports that it has seen them for a while.
3. ``switched``: the new authority issues the certificate that is served.
4. Every replica reports that it serves it.
5. ``dropped``: nobody trusts the old authority any more. Its key is gone since the first step.

Nothing is remembered but what is stored, so whoever comes after a crash between two steps goes on from there. Every
content that is written is complete and matches in itself, and no step makes anybody serve what is not trusted:

- The bundles are only ever made from what is stored (:class:`Trust`), and nothing that a replica still serves is left
  out of it: where somebody else takes an authority away too early, it is put back (``kept``).
- A replica itself waits until it sees trusted what it is to serve (:mod:`webhook.cluster.replica`).
- Times are durations on one machine's monotonic clock; the time of day decides only whether a certificate is due, a
  third of its life before its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from webhook.certificates.authority import (
    KeyPair,
    describe,
    due_for_renewal,
    general_names,
    issue_authority,
    issue_serving,
    names_of,
    parse_certificate,
)
from webhook.certificates.content import (
    MAX_AUTHORITIES,
    Content,
    authorities_in,
    certificates_in,
    fingerprint,
    is_ours,
    split,
)

AUTHORITY_LIFE: Final = timedelta(days=365)
"""Renewed after eight months, when more than a serving certificate's whole life is left. Longer lives would only make
rotations so rare that nobody knows whether they work."""

SETTLE_SECONDS: Final = 10.0
"""How long an API server may take to heed a change of the webhook configuration that a replica has seen already. It
watches it as the replica does; 40 ms were measured. A rotation comes every eight months, so it can be patient."""

SILENT_SECONDS: Final = 120.0
"""After which nobody waits for a silent replica before the certificate is switched: four of its reports are missing.
It does no harm: a slow replica serves the old one, which stays trusted, and judges for itself when to follow."""

GONE_SECONDS: Final = 600.0
"""After which a silent replica counts as gone, and what it serves need not be trusted any more. By Kubernetes' defaults
a pod on a dead node leaves its Service after 50 s and is deleted after 6 minutes."""

LATE_SECONDS: Final = 86_400.0
"""After which even replicas that are heard of, but stay behind, are not waited for: what keeps one for a day is a fault
of its own, which every log line about the waiting has named. To wait costs nothing, for the old key is gone."""

_MOST_OLDER: Final = MAX_AUTHORITIES - 1


class Reason(StrEnum):
    """Why a content is written."""

    ISSUED = "issued"
    RESTORED = "restored"
    KEPT = "kept"
    INTRODUCED = "introduced"
    SWITCHED = "switched"
    RENEWED = "renewed"
    DROPPED = "dropped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a replica tells of itself.

    Attributes:
        trusted: fingerprints of the authorities that it has seen in every bundle for `SETTLE_SECONDS`.
        serves: the fingerprint of the certificate that it serves; empty for none.
        issuer: the fingerprint of the authority that issued it.
        silent: for how many seconds nothing was heard of it.
        version: of the program that runs there; empty where it does not say.
    """

    trusted: frozenset[str] = frozenset()
    serves: str = ""
    issuer: str = ""
    silent: float = 0.0
    version: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """What the leader sees.

    Attributes:
        stored: the content, None where there is none or a broken one.
        is_broken: whether something is stored that cannot be used.
        known: the last good content that this process has seen, whatever became of it.
        bundles: the caBundle of each of our entries in the webhook configuration, by the entry's name; empty where
            there is no configuration (yet).
        reports: of each replica.
        steady: for how many seconds this process has seen `stored` as it is.
        asked: whether somebody asks for a new authority.
    """

    stored: Content | None
    is_broken: bool = False
    known: Content | None = None
    bundles: Mapping[str, bytes] = field(default_factory=dict)
    reports: Mapping[str, Report] = field(default_factory=dict)
    steady: float = 0.0
    asked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """Store `content`."""

    reason: Reason
    content: Content


@dataclass(frozen=True, kw_only=True, slots=True)
class Trust:
    """Make `bundle` the caBundle of these entries: all of ours, since an apply takes away what it says no more."""

    bundle: bytes
    entries: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """Do nothing: all is well, or `reason` (the step that would come next) waits for these `replicas`."""

    reason: Reason | None = None
    replicas: tuple[str, ...] = ()


Step = Write | Trust | Wait


def next_step(situation: Situation, *, names: Sequence[str], now: datetime) -> Step:
    """What to do now, of which the result has to be seen before this is asked again."""
    stored = situation.stored
    if stored is None:
        return _issue(situation, names, now)
    if missing := _needed(situation, stored):
        return Write(reason=Reason.KEPT, content=replace(stored, older=(*stored.older, *missing)))
    if trust := next_trust(situation):
        return trust
    if _has_expired(stored.authority.certificate, now):
        return _introduce(stored, now)
    if stored.issuer != fingerprint(stored.authority.certificate):
        return _switch(situation, stored, names, now)
    return _keep_up(situation, stored, names, now)


def next_trust(situation: Situation) -> Trust | None:
    """What the bundles have to be, whether or not the Secret can be written; None where they are right.

    Without a usable Secret that follows from what is known, and nothing of ours that is trusted is left out.
    """
    stored, known = situation.stored, situation.known
    if stored and not _needed(situation, stored):
        bundle, wanted = stored.bundle, None
    elif base := stored or known:
        bundle = b"".join(authorities_in((*base.authorities, *situation.bundles.values())))
        wanted = set(base.authorities)
    else:
        return None
    is_right = (one == bundle if wanted is None else wanted <= set(split(one)) for one in situation.bundles.values())
    return None if all(is_right) else Trust(bundle=bundle, entries=tuple(situation.bundles))


def _keep_up(situation: Situation, stored: Content, names: Sequence[str], now: datetime) -> Step:
    """The step where the newest authority has issued what is served."""
    if _serving_is_due(stored.serving, names, now):
        serving = issue_serving(stored.authority, names, now)
        return Write(reason=Reason.RENEWED, content=replace(stored, serving=serving))
    if stored.older:
        return _drop(situation, stored)
    if situation.asked or due_for_renewal(stored.authority.certificate, now):
        return _introduce(stored, now)
    return Wait()


def _issue(situation: Situation, names: Sequence[str], now: datetime) -> Write:
    """A content where there is none.

    What is broken is put back as it was. What was deleted is replaced by a new authority, but the certificate that is
    served now stays until the new one is trusted. A process that knows of none makes all anew, and leaves trusted what
    the bundles say, for other replicas may serve what came of it.
    """
    known = situation.known
    if known and situation.is_broken:
        return Write(reason=Reason.RESTORED, content=known)
    if known:
        return _introduce(known, now)
    authority = issue_authority(now, life=AUTHORITY_LIFE)
    serving = issue_serving(authority, names, now)
    older = certificates_in(situation.bundles.values())[:_MOST_OLDER]
    return Write(reason=Reason.ISSUED, content=Content(authority=authority, older=older, serving=serving))


def _introduce(content: Content, now: datetime) -> Write:
    """Trust a new authority beside those that are trusted now."""
    authority = issue_authority(now, life=AUTHORITY_LIFE)
    return Write(
        reason=Reason.INTRODUCED,
        content=Content(authority=authority, older=_fitting(content), serving=content.serving),
    )


def _fitting(content: Content) -> tuple[bytes, ...]:
    """Of the authorities as many as fit beside a new one, the issuer of what is served among them."""
    first = sorted(content.authorities, key=lambda pem: fingerprint(pem) != content.issuer)[:_MOST_OLDER]
    return tuple(pem for pem in content.authorities if pem in first)


def _needed(situation: Situation, stored: Content) -> tuple[bytes, ...]:
    """The authorities that are not in `stored`, though a replica serves what they issued."""
    known = situation.known.authorities if situation.known else ()
    stored_ones = set(map(fingerprint, stored.authorities))
    needed = {report.issuer for report in situation.reports.values() if report.silent < GONE_SECONDS} - stored_ones
    found = (one for one in authorities_in((*situation.bundles.values(), *known)) if fingerprint(one) in needed)
    return tuple(found)[: _MOST_OLDER - len(stored.older)]


def _switch(situation: Situation, stored: Content, names: Sequence[str], now: datetime) -> Step:
    """Serve what the newest authority issues, once everybody trusts that one.

    One that is heard of and does not come to trust it (may it not read the configuration?) is waited for as long as one
    that is gone: the old authority can issue nothing any more, and the certificate must not run out.
    """
    wanted = fingerprint(stored.authority.certificate)
    doubtful = _names(situation.reports, lambda report: report.silent < SILENT_SECONDS and wanted not in report.trusted)
    if (doubtful and situation.steady < GONE_SECONDS) or (situation.bundles and situation.steady < SETTLE_SECONDS):
        return Wait(reason=Reason.SWITCHED, replicas=doubtful)
    serving = issue_serving(stored.authority, names, now)
    return Write(reason=Reason.SWITCHED, content=replace(stored, serving=serving))


def _drop(situation: Situation, stored: Content) -> Step:
    """Trust the newest authority alone, once everybody serves what it issued."""
    wanted = fingerprint(stored.authority.certificate)
    late = _names(situation.reports, lambda report: report.silent < GONE_SECONDS and report.issuer not in ("", wanted))
    # Who serves what another's authority issued makes no report: pods of before, which end in their own time.
    patience = SETTLE_SECONDS if all(map(is_ours, stored.older)) else GONE_SECONDS
    if (late and situation.steady < LATE_SECONDS) or situation.steady < patience:
        return Wait(reason=Reason.DROPPED, replicas=late)
    return Write(reason=Reason.DROPPED, content=replace(stored, older=()))


def _names(reports: Mapping[str, Report], applies: Callable[[Report], bool]) -> tuple[str, ...]:
    return tuple(sorted(name for name, report in reports.items() if applies(report)))


def _serving_is_due(serving: KeyPair, names: Sequence[str], now: datetime) -> bool:
    """Whether the certificate is near its end, or not for these very names."""
    certificate = parse_certificate(serving.certificate, "tls.crt")
    return due_for_renewal(serving.certificate, now) or set(general_names(names)) != set(names_of(certificate))


def _has_expired(pem: bytes, now: datetime) -> bool:
    return describe(pem).not_after <= now
