"""What is kept of a certificate that looks after itself: who issues next, who is trusted, and what is served."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from webhook.certificates.authority import (
    KeyPair,
    check_pair,
    describe,
    is_authority,
    issued_by,
    parse_certificate,
)
from webhook.errors import CertificateError

_CERTIFICATE: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
MAX_AUTHORITIES: Final = 8
"""In one bundle; a rotation needs two."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """A set that belongs together; make one with :func:`checked`.

    Attributes:
        authority: issues what comes next, and is trusted.
        older: certificates that are trusted still, in PEM: of authorities whose keys are gone, or of others before us.
        serving: issued by one of them all.
    """

    authority: KeyPair
    older: tuple[bytes, ...] = ()
    serving: KeyPair

    @property
    def authorities(self) -> tuple[bytes, ...]:
        """All that are trusted, the newest first."""
        return (self.authority.certificate, *self.older)

    @property
    def bundle(self) -> bytes:
        """What a client has to trust, in PEM."""
        return b"".join(self.authorities)

    @property
    def issuer(self) -> str:
        """The fingerprint of the authority that issued the serving certificate; empty for none of them."""
        return issuer_of(self.serving.certificate, self.authorities)


def checked(content: Content) -> Content:
    """The same, if its keys belong to its certificates, and somebody trusted has issued what is served.

    Raises:
        CertificateError: a part is broken, or does not belong to the others.
    """
    check_pair(content.authority, "ca.crt", "ca.key")
    check_pair(content.serving, "tls.crt", "tls.key")
    is_foreign = not is_authority(parse_certificate(content.authority.certificate, "ca.crt"))
    for pem in content.older:
        parse_certificate(pem, "ca.crt")
    if is_foreign or not content.issuer:
        raise CertificateError(
            "ca.crt begins with another's certificate" if is_foreign else "ca.crt has not issued tls.crt",
            allowed="certificates that ray-webhook issued",
            fix="serve a pair of your own with --tls-cert and --tls-key",
        )
    return content


def split(pem: bytes) -> tuple[bytes, ...]:
    """The certificates in `pem`, each once, ending in a line break."""
    return tuple(dict.fromkeys(found + b"\n" for found in _CERTIFICATE.findall(pem)))


def authorities_in(pems: Iterable[bytes]) -> tuple[bytes, ...]:
    """Of all certificates in `pems` those of authorities that are ours, each once, at most `MAX_AUTHORITIES`."""
    found = dict.fromkeys(one for pem in pems for one in split(pem) if is_ours(one))
    return tuple(found)[:MAX_AUTHORITIES]


def certificates_in(pems: Iterable[bytes]) -> tuple[bytes, ...]:
    """All certificates in `pems` that can be read, whose ever they are, each once."""
    return tuple(dict.fromkeys(one for pem in pems for one in split(pem) if _is_readable(one)))


@lru_cache(maxsize=64)
def fingerprint(pem: bytes) -> str:
    """SHA-256 of the first certificate in `pem`, as `openssl x509 -fingerprint` prints it; raises CertificateError."""
    return describe(pem).fingerprint


def is_valid(pem: bytes, now: datetime) -> bool:
    """Whether `now` is within the life of the first certificate in `pem`; raises CertificateError."""
    begins, ends = _life(pem)
    return begins <= now < ends


@lru_cache(maxsize=64)
def _life(pem: bytes) -> tuple[datetime, datetime]:
    info = describe(pem)
    return info.not_before, info.not_after


@lru_cache(maxsize=64)
def issuer_of(certificate: bytes, authorities: tuple[bytes, ...]) -> str:
    """The fingerprint of the one that issued the certificate; empty for none, or where one is broken."""
    try:
        issued = parse_certificate(certificate, "the certificate")
        found = (one for one in authorities if issued_by(issued, parse_certificate(one, "the authority")))
        return next(map(fingerprint, found), "")
    except CertificateError:
        return ""


@lru_cache(maxsize=64)
def is_ours(pem: bytes) -> bool:
    """Whether the first certificate in `pem` is that of an authority of ours."""
    try:
        return is_authority(parse_certificate(pem, "the authority"))
    except CertificateError:
        return False


def _is_readable(pem: bytes) -> bool:
    try:
        return bool(fingerprint(pem))
    except CertificateError:
        return False
