"""A certificate authority of our own, the serving certificates that it issues, and when to renew them.

Pure functions on PEM bytes, and :func:`ensure_self_signed` for `ray-webhook serve --self-signed DIR`. Time is always an
argument, an aware datetime. Keys are ECDSA P-256: a handshake costs a third less than with RSA of 2048 bits.

cryptography is imported at the top of this module and by no other: beside what the service loads anyway it takes 30 ms
and 9 MB, of 0.8 s and 70 MB for the whole process. So `webhook.server.tls` reads a given pair and its expiry with the
standard library, and whoever issues certificates imports this module at that moment.

Sources: RFC 5280 for the extensions; Go's crypto/x509, by which the API server verifies (a subjectAltName is required,
the common name is ignored, an extendedKeyUsage without serverAuth is refused).
"""

from __future__ import annotations

import errno
import fcntl
import ipaddress
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from webhook.errors import CertificateError, quote

AUTHORITY_LIFE: Final = timedelta(days=3650)
SERVING_LIFE: Final = timedelta(days=90)

# A peer whose clock is up to an hour behind accepts what is issued now. Drift is far less; a hardware clock kept in
# local time is off by that hour when summer time ends. Let's Encrypt backdates by an hour, too.
CLOCK_SKEW: Final = timedelta(hours=1)

_AUTHORITY: Final = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ray-webhook self-signed authority")])
_SERVING: Final = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ray-webhook")])

# As Go's verifier takes host names: with underscores, and a wildcard as the whole first label only.
_LABEL: Final = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_DNS_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z)(\*\.)?{_LABEL}(\.{_LABEL})*")

_KEY_MODE: Final = 0o600
_CERTIFICATE_MODE: Final = 0o644
_LONGEST_PATH: Final = 4096
_ELSEWHERE: Final = "choose another directory, or serve your own pair with --tls-cert and --tls-key"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyPair:
    """A certificate (with any intermediates behind it) and its private key, both in PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateInfo:
    """What a certificate says. Times are UTC; the fingerprint is SHA-256 as `openssl x509 -fingerprint` prints it."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    fingerprint: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SelfSigned:
    """The files of a directory that holds an authority and what it issued, and which of the two were just issued."""

    authority: Path
    certificate: Path
    key: Path
    authority_issued: bool
    certificate_issued: bool


def issue_authority(now: datetime, *, key: bytes | None = None) -> KeyPair:
    """A certificate authority for serving certificates only, valid for 10 years; over a new key unless one is given.

    A renewal over the same key keeps every copy of the old certificate (a caBundle) right until that one expires.
    """
    private = _new_key() if key is None else _own_key(key, "the authority's key")
    certificate = (
        _builder(_AUTHORITY, _AUTHORITY, private, now, now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .sign(private, hashes.SHA256())
    )
    return _pair(certificate, private, key)


def issue_serving(authority: KeyPair, names: Sequence[str], now: datetime, *, key: bytes | None = None) -> KeyPair:
    """A certificate for a TLS server with these DNS names and IP addresses, valid for 90 days or as long as its issuer.

    Raises `CertificateError` for a name that no client could ask for, no name at all, and an authority that expired.
    """
    issuer = _parse(authority.certificate, "the authority's certificate")
    if issuer.not_valid_after_utc <= now:
        raise CertificateError("the authority's certificate has expired", fix="issue a new authority")
    signer = _own_key(authority.key, "the authority's key")
    private = _new_key() if key is None else _own_key(key, "the serving key")
    not_after = min(now + SERVING_LIFE, issuer.not_valid_after_utc)
    certificate = (
        _builder(_SERVING, issuer.subject, private, now, not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_general_names(names)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return _pair(certificate, private, key)


def due_for_renewal(pem: bytes, now: datetime) -> bool:
    """Whether a third or less of the certificate's life is left, or the clock stands before its beginning."""
    info = describe(pem)
    renewal = info.not_after - (info.not_after - info.not_before) / 3
    return not info.not_before <= now < renewal


def expiry(pem: bytes) -> datetime:
    """When the certificate expires (UTC)."""
    return describe(pem).not_after


def describe(pem: bytes, source: str = "the certificate") -> CertificateInfo:
    """What the first certificate in `pem` says; an error calls it `source`."""
    certificate = _parse(pem, source)
    return CertificateInfo(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        names=tuple(str(name.value) for name in _names_of(certificate)),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
    )


def load_pair(certificate: Path, key: Path) -> KeyPair:
    """Both files' bytes, if they can be read and belong together; else a `CertificateError` that names the file."""
    files = _Files(certificate=certificate, key=key)
    return files.matching(_required(certificate), _required(key))


def ensure_self_signed(directory: Path, *, names: Sequence[str], now: datetime) -> SelfSigned:
    """Have ca.crt, ca.key, tls.crt and tls.key in `directory`, valid for `names`; issue only what is missing or due.

    A key is written once, before its certificate, and kept: a renewal replaces one file, so no crash and no reader
    meets a pair that does not match, and a copied ca.crt stays right. (A new serving key would protect nothing while
    the authority's key lies beside it; to have new keys, remove the directory.) Everything is judged before anything
    is written: files that are not ours are left alone, with a `CertificateError`.
    """
    authority_files = _Files(certificate=directory / "ca.crt", key=directory / "ca.key")
    serving_files = _Files(certificate=directory / "tls.crt", key=directory / "tls.key")
    try:
        with _exclusive(directory):
            authority = _current_authority(authority_files, now)
            serving = _current_serving(serving_files, authority, names, now)
            authority_issued = authority_files.keep(authority)
            certificate_issued = serving_files.keep(serving)
    except OSError as error:
        raise CertificateError(
            f"the directory {_quoted(directory)} cannot be used ({error.strerror})",
            allowed="a directory that this process may write, or one that is not there yet",
            fix="choose another directory",
        ) from error
    return SelfSigned(
        authority=authority_files.certificate,
        certificate=serving_files.certificate,
        key=serving_files.key,
        authority_issued=authority_issued,
        certificate_issued=certificate_issued,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Files:
    """Where a pair is kept."""

    certificate: Path
    key: Path

    def read(self) -> KeyPair | bytes | None:
        """The pair; or only its key, where a crash came between; or None."""
        certificate, key = _read(self.certificate), _read(self.key)
        if key is not None:
            _own_key(key, _quoted(self.key))
        if certificate is None:
            return key
        if key is None:
            raise _not_ours(self.certificate, f"has no {self.key.name} beside it")
        return self.matching(certificate, key)

    def matching(self, certificate: bytes, key: bytes) -> KeyPair:
        """The pair, if the key is the certificate's own."""
        public = _parse(certificate, _quoted(self.certificate)).public_key()
        if _load_key(key, _quoted(self.key)).public_key() != public:
            raise CertificateError(
                f"the key {_quoted(self.key)} does not belong to the certificate {_quoted(self.certificate)}",
                allowed="the private key of that certificate",
                fix="put the key and the certificate there that were issued together",
            )
        return KeyPair(certificate=certificate, key=key)

    def keep(self, pair: KeyPair) -> bool:
        """Write what differs from the files, the key first; True if the certificate was written."""
        if _read(self.key) != pair.key:
            _write(self.key, pair.key, _KEY_MODE)
        elif stat.S_IMODE(self.key.stat().st_mode) & ~_KEY_MODE:
            self.key.chmod(_KEY_MODE)
        if _read(self.certificate) == pair.certificate:
            return False
        _write(self.certificate, pair.certificate, _CERTIFICATE_MODE)
        return True


def _current_authority(files: _Files, now: datetime) -> KeyPair:
    """The authority that is kept, or a new certificate for its key, or a new one."""
    kept = files.read()
    if not isinstance(kept, KeyPair):
        return issue_authority(now, key=kept)
    certificate = _parse(kept.certificate, _quoted(files.certificate))
    if certificate.subject != _AUTHORITY or not _issued_by(certificate, certificate):
        raise _not_ours(files.certificate, f"is the certificate of {quote(certificate.subject.rfc4514_string())}")
    return issue_authority(now, key=kept.key) if due_for_renewal(kept.certificate, now) else kept


def _current_serving(files: _Files, authority: KeyPair, names: Sequence[str], now: datetime) -> KeyPair:
    """The pair that is kept, or a new certificate for its key, or a new pair."""
    wanted = set(_general_names(names))
    kept = files.read()
    if not isinstance(kept, KeyPair):
        return issue_serving(authority, names, now, key=kept)
    certificate = _parse(kept.certificate, _quoted(files.certificate))
    if not _issued_by(certificate, x509.load_pem_x509_certificate(authority.certificate)):
        raise _not_ours(files.certificate, "was not issued by the ca.key beside it")
    if due_for_renewal(kept.certificate, now) or not wanted <= set(_names_of(certificate)):
        return issue_serving(authority, names, now, key=kept.key)
    return kept


@contextmanager
def _exclusive(directory: Path) -> Iterator[None]:
    """Make the directory, and keep out another process that starts on it at the same time."""
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700, parents=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read(path: Path) -> bytes | None:
    """The file's bytes, None if there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


def _required(path: Path) -> bytes:
    content = _read(path)
    if content is None:
        raise _unreadable(path, os.strerror(errno.ENOENT))
    return content


def _write(path: Path, content: bytes, mode: int) -> None:
    """Replace the file at once or not at all; mkstemp makes it with mode 0600, so a key is never wider."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise


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


def _general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    if not names:
        raise _bad_name("the list of names for the serving certificate is empty", None)
    return [_general_name(name) for name in dict.fromkeys(names)]


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        if not _DNS_NAME.fullmatch(name.lower()):
            raise _bad_name("a name for the serving certificate", name) from None
        return x509.DNSName(name.lower())


def _names_of(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _parse(pem: bytes, source: str) -> x509.Certificate:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        _names_of(certificate)  # extensions and keys are parsed when asked for
        certificate.public_key()
    except (ValueError, x509.DuplicateExtension, UnsupportedAlgorithm) as error:
        raise CertificateError(
            f"{source} holds no certificate", allowed="a certificate in PEM", fix="put the certificate there"
        ) from error
    return certificate


def _load_key(pem: bytes, source: str) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateError(
            f"{source} holds no private key, or one with a password",
            allowed="a private key in PEM, without a password",
            fix="put the certificate's key there",
        ) from error


def _own_key(pem: bytes, source: str) -> ec.EllipticCurvePrivateKey:
    key = _load_key(pem, source)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError(f"{source} is not ECDSA", allowed="a key that --self-signed made", fix=_ELSEWHERE)
    return key


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, key_pem: bytes | None) -> KeyPair:
    """Both in PEM; a key that was given stays the same to the byte."""
    pem, unencrypted = serialization.Encoding.PEM, serialization.NoEncryption()
    if key_pem is None:
        key_pem = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, unencrypted)
    return KeyPair(certificate=certificate.public_bytes(pem), key=key_pem)


def _unreadable(path: Path, why: str) -> CertificateError:
    return CertificateError(
        f"{_quoted(path)} cannot be read ({why})", allowed="a PEM file", fix="give the path of a readable file"
    )


def _not_ours(path: Path, what: str) -> CertificateError:
    return CertificateError(
        f"{_quoted(path)} {what}, and was left as it is", allowed="files that --self-signed made", fix=_ELSEWHERE
    )


def _bad_name(thing: str, value: str | None) -> CertificateError:
    return CertificateError(
        thing,
        value=value,
        allowed="DNS names and IP addresses, at least one",
        fix="give the names by which clients call the service",
    )


def _quoted(path: Path) -> str:
    return quote(str(path), limit=_LONGEST_PATH)
