"""What the one that leads does: the next step, on what was seen of the one before."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, Final

from webhook.certificates.content import certificates_in, fingerprint, issuer_of
from webhook.certificates.rotation import Reason, Situation, Trust, Wait, Write, next_step, next_trust
from webhook.cluster.bundle import Bundles, bundle_document
from webhook.cluster.client import Api
from webhook.cluster.lease import LeaseView
from webhook.cluster.lease_writes import MANAGER
from webhook.cluster.log import Log
from webhook.cluster.names import Names, path_of
from webhook.cluster.secret import UNKNOWN, SecretView, Stored, secret_document
from webhook.cluster.watched import Watched
from webhook.errors import CertificateError

BUNDLE_SECONDS: Final = 0.5
"""Between two writes of a bundle: where somebody else insists on another one, each of their writes is mended within
this time, and costs one write."""
UNSEEN_SECONDS: Final = 5.0
"""After which a write of one's own that no watch has shown is not waited for any longer."""
_ISSUING: Final = frozenset({Reason.ISSUED, Reason.INTRODUCED, Reason.SWITCHED, Reason.RENEWED})
"""Writes of a certificate that did not exist before."""

_FIX: Final = (
    "it is not ray-webhook's to change; delete it and whatever writes it (a Certificate of cert-manager, say) "
    "to have one issued, or mount it and serve it by --tls-cert and --tls-key"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Views:
    """What is watched."""

    secret: SecretView
    bundles: Watched[Bundles]
    lease: LeaseView


class Leader:
    """Takes the steps; used by one thread.

    Args:
        now: the time of day, aware.
        may_issue: whether that is right enough to issue by.

    Attributes:
        written: how many contents were stored, by reason.
        bundles_written: how many times the configuration was put right.
    """

    def __init__(
        self,
        api: Api,
        names: Names,
        views: Views,
        *,
        log: Log,
        now: Callable[[], datetime],
        may_issue: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Do nothing yet."""
        self._api, self._names, self._views, self._log = api, names, views, log
        self._now, self._may_issue, self._clock = now, may_issue, clock
        self._unseen: tuple[Watched[Any], str, float] | None = None
        self._bundle_at = -BUNDLE_SECONDS
        self._said: tuple[str, dict[str, object]] | None = None
        self.written: Counter[str] = Counter()
        self.bundles_written = 0

    def step(self) -> None:
        """Take the next step, if what was done before has been seen; raises ClusterError, CertificateError.

        What is decided on is read once: a write says its version, whatever the watches bring in the meantime.
        """
        if self._has_to_look():
            return
        stored, bundles = self._views.secret.value, self._views.bundles.value
        if self._is_anothers(stored):
            self._warn(stored)
            return
        step = next_step(self._situation(stored, bundles), names=self._names.of_certificate, now=self._now())
        if isinstance(step, Wait):
            self._tell(step)
        elif isinstance(step, Write):
            if step.reason in _ISSUING and not self._may_issue():
                self._say("certificate not issued, for the clocks differ", next=step.reason)
            else:
                self._store(step, stored)

    def trust(self) -> None:
        """Put the bundles right; apart from :meth:`step`, so that neither waits for what the other is refused."""
        if self._has_to_look() or self._clock() - self._bundle_at < BUNDLE_SECONDS:
            return
        stored, bundles = self._views.secret.value, self._views.bundles.value
        trust = None if self._is_anothers(stored) else next_trust(self._situation(stored, bundles))
        if trust:
            self._trust(trust, bundles)

    def _is_anothers(self, stored: Stored) -> bool:
        """Whether somebody else looks after the Secret; ours without its key is put back by who knows it."""
        known = self._views.secret.known
        if stored.owner != UNKNOWN or known is None:
            return bool(stored.owner)
        return bool(certificates_in([stored.certificate])) and not issuer_of(stored.certificate, known.authorities)

    def _warn(self, stored: Stored) -> None:
        if self._said != (stored.owner, {}):
            self._said = (stored.owner, {})
            self._log.warning("the Secret is left alone", owner=stored.owner, message=_FIX)

    def _has_to_look(self) -> bool:
        """Whether a write of this process is still to be seen."""
        if self._unseen is None:
            return False
        view, version, at = self._unseen
        if not view.has_seen(version) and self._clock() - at < UNSEEN_SECONDS:
            return True
        self._unseen = None
        return False

    def _situation(self, stored: Stored, bundles: Bundles) -> Situation:
        return Situation(
            stored=stored.content,
            is_broken=bool(stored.version) and stored.content is None,
            known=self._views.secret.known,
            bundles=bundles.entries,
            reports=self._views.lease.reports(),
            steady=self._clock() - self._views.secret.since,
            asked=stored.asked not in ("", stored.done),
        )

    def _store(self, step: Write, stored: Stored) -> None:
        """Write the Secret that was looked at, or create it if there was none and is none."""
        if stored.is_immutable:
            raise CertificateError(
                "the Secret is immutable", allowed="one that can be changed", fix="delete the Secret"
            )
        done = stored.asked if step.reason in (Reason.INTRODUCED, Reason.ISSUED) else stored.done
        document = secret_document(
            self._names.secret, self._names.namespace, step.content, done=done, version=stored.version
        )
        path = path_of(self._names.secret_resource)
        if stored.version:
            version = self._api.apply(path, document, manager=MANAGER)
        else:
            # Not forced, by a manager that nobody else is: whoever comes second meets a conflict.
            version = self._api.apply(path, document, manager=f"{MANAGER}-{secrets.token_hex(4)}", force=False)
        self._unseen = (self._views.secret, version, self._clock())
        self.written[step.reason] += 1
        self._log.info(
            "certificate written",
            reason=step.reason,
            authority=fingerprint(step.content.authority.certificate),
            certificate=fingerprint(step.content.serving.certificate),
            **({"message": stored.fault} if stored.fault else {}),
        )

    def _trust(self, step: Trust, bundles: Bundles) -> None:
        document = bundle_document(self._names.configuration, step.bundle, step.entries, version=bundles.version)
        self._bundle_at = self._clock()
        version = self._api.apply(path_of(self._names.configuration_resource), document, manager=MANAGER)
        self._unseen = (self._views.bundles, version, self._clock())
        self.bundles_written += 1
        took = round(1000 * (self._clock() - self._views.bundles.since))
        self._log.info("bundle written", entries=list(step.entries), milliseconds=took)

    def _tell(self, wait: Wait) -> None:
        if wait.reason:
            self._say("certificate waits", next=wait.reason, replicas=list(wait.replicas))
        else:
            self._said = None

    def _say(self, event: str, **fields: object) -> None:
        """Tell once what is waited for."""
        if (event, fields) != self._said:
            self._said = (event, fields)
            self._log.info(event, **fields)
