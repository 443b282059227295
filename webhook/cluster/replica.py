"""What one replica serves: it follows the Secret, but never to where it would not be trusted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from time import monotonic
from typing import Final

from webhook import __version__
from webhook.certificates.authority import KeyPair
from webhook.certificates.content import Content, fingerprint, is_valid, split
from webhook.certificates.rotation import SETTLE_SECONDS, Report
from webhook.errors import CertificateError

AGAIN_SECONDS: Final = 10.0
"""After which a pair that could not be served is tried again: the reason may have been a passing one, such as too few
file descriptors."""


class Replica:
    """This process as one of several; used by one thread.

    The pair of the Secret is taken up

    - at once where none is served yet, where no configuration makes anybody call, and where the one that is served is
      not trusted but the new one is,
    - else when every bundle of the configuration was seen to trust it for `settle` seconds, which is what an API server
      may take to heed a configuration. After a switch in the order of :mod:`webhook.certificates.rotation` that is so
      already; a Secret that somebody replaced by hand has to wait.

    What is outside its life by this process' clock is neither taken up nor reported as trusted: a leader whose clock is
    ahead has issued it, and API servers would refuse it, too.

    Args:
        serve: serves a pair from now on; returns whether it could.
        now: the time of day, aware.

    Attributes:
        untimely: the pair that is not taken up because its time has not come, or is over; None for none.
    """

    def __init__(
        self,
        serve: Callable[[KeyPair], bool],
        *,
        now: Callable[[], datetime],
        settle: float = SETTLE_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Serve nothing yet."""
        self._serve, self._now, self._settle, self._clock = serve, now, settle, clock
        self.untimely: KeyPair | None = None
        self._since: dict[str, float] = {}
        self._is_called = True
        self._serving: KeyPair | None = None
        self._refused: tuple[KeyPair, float] | None = None
        self._issuer = ""

    @property
    def is_trusted(self) -> bool:
        """Whether whoever calls now is seen to trust what is served."""
        return self._serving is not None and self._sees(self._issuer)

    def look(self, content: Content | None, bundles: Mapping[str, bytes]) -> None:
        """Take note of what the Secret and the configuration's bundles say, and serve what follows from it."""
        self._is_called = bool(bundles)
        self._note(bundles)
        self.untimely = None
        if content is None or content.serving == self._serving or self._was_refused(content.serving):
            return
        if not is_valid(content.serving.certificate, self._now()):
            self.untimely = content.serving
        elif self._may_serve(content.issuer):
            self._take(content.serving, content.issuer)

    def report(self, content: Content | None) -> Report:
        """What to tell the others."""
        now = self._now()
        known = (fingerprint(one) for one in (content.authorities if content else ()) if is_valid(one, now))
        trusted = filter(self._has_settled, known)
        serves = fingerprint(self._serving.certificate) if self._serving else ""
        return Report(trusted=frozenset(trusted), serves=serves, issuer=self._issuer, version=__version__)

    def _note(self, bundles: Mapping[str, bytes]) -> None:
        now = self._clock()
        seen = set.intersection(*map(_fingerprints, bundles.values())) if bundles else set()
        self._since = {one: self._since.get(one, now) for one in seen}

    def _was_refused(self, pair: KeyPair) -> bool:
        """Whether it was tried a short while ago."""
        if self._refused is None:
            return False
        refused, at = self._refused
        return refused == pair and self._clock() - at < AGAIN_SECONDS

    def _may_serve(self, issuer: str) -> bool:
        if self._serving is None or self._has_settled(issuer):
            return True
        return self._sees(issuer) and not self._sees(self._issuer)

    def _sees(self, issuer: str) -> bool:
        return not self._is_called or issuer in self._since

    def _has_settled(self, issuer: str) -> bool:
        return not self._is_called or (issuer in self._since and self._clock() - self._since[issuer] >= self._settle)

    def _take(self, pair: KeyPair, issuer: str) -> None:
        if self._serve(pair):
            self._serving, self._issuer, self._refused = pair, issuer, None
        else:
            self._refused = pair, self._clock()


def _fingerprints(bundle: bytes) -> set[str]:
    found = set()
    for pem in split(bundle):
        try:
            found.add(fingerprint(pem))
        except CertificateError:
            continue
    return found
