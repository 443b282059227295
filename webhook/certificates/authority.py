"""Issue an authority and its serving certificates, describe a certificate, and say when to renew it.

Keys are ECDSA P-256: a handshake costs a third less than with RSA of 2048 bits.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from webhook.errors import CertificateError

AUTHORITY_LIFE: Final = timedelta(days=3650)
SERVING_LIFE: Final = timedelta(days=90)

# A peer whose clock is up to an hour behind accepts what is issued now. Drift is far less; a hardware clock kept in
# local time is off by that hour when summer time ends. Let's Encrypt backdates by an hour, too.
CLOCK_SKEW: Final = timedelta(hours=1)

_PEM: Final = serialization.Encoding.PEM
_AUTHORITY: Final = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ray-webhook self-signed authority")])
_SERVING: Final = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ray-webhook")])

# As Go's verifier takes host names: with underscores, and a wildcard as the whole first label only.
_LABEL: Final = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_DNS_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z)(\*\.)?{_LABEL}(\.{_LABEL})*")

# The way out for whoever has keys or files that are not ours.
ELSEWHERE: Final = "choose another directory, or serve your own pair with --tls-cert and --tls-key"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyPair:
    """A certificate (with any intermediates behind it) and its private key, both in PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateInfo:
    """What a certificate says. Times are UTC; the fingerprint is SHA-256 as `openssl x509 -fingerprint` prints it.

    Attributes:
        key: the kind of its key, such as ``ECDSA secp256r1`` or ``RSA 2048``.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    key: str
    fingerprint: str


def issue_authority(now: datetime, *, key: bytes | None = None, life: timedelta = AUTHORITY_LIFE) -> KeyPair:
    """A certificate authority for serving certificates only, valid for `life`; over a new key unless one is given.

    A renewal over the same key keeps every copy of the old certificate (a caBundle) right until that one expires.
    """
    key = _new_key() if key is None else key
    private = parse_key(key, "the authority's key")
    certificate = (
        _builder(_AUTHORITY, _AUTHORITY, private, now, now + life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .sign(private, hashes.SHA256())
    )
    return KeyPair(certificate=certificate.public_bytes(_PEM), key=key)


def issue_serving(authority: KeyPair, names: Sequence[str], now: datetime, *, key: bytes | None = None) -> KeyPair:
    """A certificate for a TLS server with these DNS names and IP addresses, valid for 90 days or as long as its issuer.

    Raises `CertificateError` for a name that no client could ask for, no name at all, and an authority that expired.
    """
    issuer = parse_certificate(authority.certificate, "the authority's certificate")
    if issuer.not_valid_after_utc <= now:
        raise CertificateError("the authority's certificate has expired", fix="issue a new authority")
    signer = parse_key(authority.key, "the authority's key")
    key = _new_key() if key is None else key
    private = parse_key(key, "the serving key")
    not_after = min(now + SERVING_LIFE, issuer.not_valid_after_utc)
    certificate = (
        _builder(_SERVING, issuer.subject, private, now, not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(general_names(names)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return KeyPair(certificate=certificate.public_bytes(_PEM), key=key)


def due_for_renewal(pem: bytes, now: datetime) -> bool:
    """Whether a third or less of the certificate's life is left, or the clock stands before its beginning."""
    info = describe(pem)
    renewal = info.not_after - (info.not_after - info.not_before) / 3
    return not info.not_before <= now < renewal


def describe(pem: bytes, source: str = "the certificate") -> CertificateInfo:
    """What the first certificate in `pem` says; an error calls it `source`."""
    return _parsed(pem, source)[1]


def _described(certificate: x509.Certificate) -> CertificateInfo:
    return CertificateInfo(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        names=tuple(str(name.value) for name in names_of(certificate)),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key=_kind_of(certificate.public_key()),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
    )


def _kind_of(key: object) -> str:
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA {key.curve.name}"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return type(key).__name__.removesuffix("PublicKey")


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether :func:`issue_authority` made the certificate, by its name and its signature."""
    return certificate.subject == _AUTHORITY and issued_by(certificate, certificate)


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer's name is the one in the certificate, and its key made the signature."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    """DNS names and IP addresses as a certificate has them, each once; `CertificateError` for none or a bad one."""
    if not names:
        raise _bad_name("the list of names for the serving certificate is empty")
    return [_general_name(name) for name in dict.fromkeys(names)]


def names_of(certificate: x509.Certificate) -> list[x509.GeneralName]:
    """The names that the certificate is valid for; none if it has no subjectAltName."""
    try:
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def parse_certificate(pem: bytes, source: str) -> x509.Certificate:
    """The first certificate in `pem`; a `CertificateError` that names `source` if there is none."""
    return _parsed(pem, source)[0]


def _parsed(pem: bytes, source: str) -> tuple[x509.Certificate, CertificateInfo]:
    """A certificate is parsed when its parts are asked for, so all of them are: none can fail later."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        return certificate, _described(certificate)
    except Exception as error:  # the library's errors for what others wrote have no base of their own
        raise CertificateError(
            f"{source} holds no certificate", allowed="a certificate in PEM", fix="put the certificate there"
        ) from error


def check_pair(pair: KeyPair, certificate: str, key: str) -> KeyPair:
    """The pair, if the key is the certificate's own; errors call the two `certificate` and `key`."""
    public = parse_certificate(pair.certificate, certificate).public_key()
    if parse_key(pair.key, key).public_key() != public:
        raise CertificateError(
            f"the key {key} does not belong to the certificate {certificate}",
            allowed="the private key of that certificate",
            fix="put the key and the certificate there that were issued together",
        )
    return pair


def parse_key(pem: bytes, source: str) -> ec.EllipticCurvePrivateKey:
    """The ECDSA key in `pem`; a `CertificateError` that names `source` if it holds none, or one with a password."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateError(
            f"{source} holds no private key, or one with a password",
            allowed="a private key in PEM, without a password",
            fix="put the certificate's key there",
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError(f"{source} is not ECDSA", allowed="a key that --self-signed made", fix=ELSEWHERE)
    return key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, not_after: datetime
) -> x509.CertificateBuilder:
    """What both kinds of certificate have; the serial number is random."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        if not _DNS_NAME.fullmatch(name.lower()):
            raise _bad_name("a name for the serving certificate", name) from None
        return x509.DNSName(name.lower())


def _new_key() -> bytes:
    private = ec.generate_private_key(ec.SECP256R1())
    return private.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _bad_name(thing: str, value: str | None = None) -> CertificateError:
    allowed = "DNS names and IP addresses, at least one"
    return CertificateError(thing, value=value, allowed=allowed, fix="give the names by which clients call the service")
