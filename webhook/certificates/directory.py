"""The directory of `ray-webhook serve --self-signed DIR`: ca.crt, ca.key, tls.crt and tls.key."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from webhook.certificates.authority import (
    ELSEWHERE,
    KeyPair,
    check_pair,
    due_for_renewal,
    general_names,
    is_authority,
    issue_authority,
    issue_serving,
    issued_by,
    names_of,
    parse_certificate,
    parse_key,
)
from webhook.errors import CertificateError, quote, quote_path

_KEY_MODE: Final = 0o600
_CERTIFICATE_MODE: Final = 0o644

# Two seconds in all; to issue and write everything takes 0.01 s.
_LOCK_TRIES: Final = 40
_LOCK_PAUSE: Final = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class SelfSigned:
    """The files of a directory that holds an authority and what it issued, and which of the two were just issued."""

    authority: Path
    certificate: Path
    key: Path
    authority_issued: bool
    certificate_issued: bool


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
            f"the directory {quote_path(directory)} cannot be used ({error.strerror})",
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
            parse_key(key, quote_path(self.key))
        if certificate is None:
            return key
        if key is None:
            raise _not_ours(self.certificate, f"has no {self.key.name} beside it")
        return check_pair(KeyPair(certificate=certificate, key=key), quote_path(self.certificate), quote_path(self.key))

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
    certificate = parse_certificate(kept.certificate, quote_path(files.certificate))
    if not is_authority(certificate):
        raise _not_ours(files.certificate, f"is the certificate of {quote(certificate.subject.rfc4514_string())}")
    return issue_authority(now, key=kept.key) if due_for_renewal(kept.certificate, now) else kept


def _current_serving(files: _Files, authority: KeyPair, names: Sequence[str], now: datetime) -> KeyPair:
    """The pair that is kept, or a new certificate for its key, or a new pair."""
    wanted = set(general_names(names))
    kept = files.read()
    if not isinstance(kept, KeyPair):
        return issue_serving(authority, names, now, key=kept)
    certificate = parse_certificate(kept.certificate, quote_path(files.certificate))
    if not issued_by(certificate, parse_certificate(authority.certificate, "the authority's certificate")):
        raise _not_ours(files.certificate, "was not issued by the ca.key beside it")
    if due_for_renewal(kept.certificate, now) or not wanted <= set(names_of(certificate)):
        return issue_serving(authority, names, now, key=kept.key)
    return kept


@contextmanager
def _exclusive(directory: Path) -> Iterator[None]:
    """Make the directory, and keep out another process that starts on it at the same time."""
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700, parents=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor, directory)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, directory: Path) -> None:
    """Wait for another process that is at work there, but not for one that hangs."""
    for _ in range(_LOCK_TRIES):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_LOCK_PAUSE)
    raise CertificateError(
        f"the directory {quote_path(directory)} is in use by another process",
        allowed="a directory that no process keeps locked",
        fix="end that process, or choose another directory",
    )


def _read(path: Path) -> bytes | None:
    """The file's bytes, None if there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


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


def _unreadable(path: Path, why: str) -> CertificateError:
    return CertificateError(
        f"{quote_path(path)} cannot be read ({why})", allowed="a PEM file", fix="give the path of a readable file"
    )


def _not_ours(path: Path, what: str) -> CertificateError:
    return CertificateError(
        f"{quote_path(path)} {what}, and was left as it is", allowed="files that --self-signed made", fix=ELSEWHERE
    )
