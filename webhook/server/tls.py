"""The serving certificate: a TLS context for uvicorn that follows the pair's source, two files or a Secret.

Begin each handshake with its :attr:`~ServingCertificate.context` of that moment, and poll
:meth:`ServingCertificate.reload_if_changed`. What is open stays open; only later handshakes see a new certificate.

Why each handshake is pointed at a fresh context (by the callback meant for server names, which OpenSSL calls for
clients without SNI too) instead of calling `load_cert_chain` on the live one: that call replaces the certificate before
it finds that the key does not match, and it keeps the old certificate beside a new one of another key type, so after a
change from RSA to ECDSA some clients would be shown the old one until it expires. The callback costs nothing
measurable in a handshake of 0.7 ms.

Only the standard library is used: cryptography would cost 9 MB and 30 ms in a process that merely serves, of a budget
of 70 MB and 0.8 s. OpenSSL's judgement is also the one that counts here. Sources: docs.python.org/3/library/ssl.html
(`SSLContext.sni_callback`, `SSLSocket.context`) and the manual page SSL_CTX_use_certificate(3).
"""

from __future__ import annotations

import os
import ssl
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from webhook.errors import CertificateError, quote_path
from webhook.server.files import read_regular_file
from webhook.server.pairs import Content, PairSource

# Forward secrecy and AEAD, for RSA and ECDSA certificates alike; the suites of TLS 1.3 are not listed here.
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"

# X509_V_FLAG_NO_CHECK_TIME of x509_vfy.h, to which the ssl module gives no name.
_NO_CHECK_TIME: Final = ssl.VerifyFlags(0x200000)

_NO_CERTIFICATE: Final = "PEER_DID_NOT_RETURN_A_CERTIFICATE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reload:
    """What became of a change: it is in force, or what `error` names was refused and stays as it was."""

    error: CertificateError | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Proven:
    """A context that shook hands with a client, and until when its certificate is valid."""

    certificate: bytes
    context: ssl.SSLContext
    not_after: datetime


_Seen = tuple[Content | None, bytes | str | None]
"""The pair, and the authorities of clients."""


class ServingCertificate:
    """The pair that is served, as its source has it; may be reloaded by several threads.

    With `client_ca`, a PEM file of authorities, only clients that show a certificate of one of them get through the
    handshake.
    """

    def __init__(self, source: PairSource, client_ca: Path | None = None) -> None:
        """Load the pair, if there is one yet; raise `CertificateError` naming what no TLS client could be served with.

        Time is not judged: with an expired certificate the process runs on, shows `not_after`, and heals by itself.
        """
        self._source, self._client_ca = source, client_ca
        self._reloading = threading.Lock()
        self._pair: Content | None = None
        self._authorities: bytes | str | None = None
        self._live: _Proven | None = None
        self._context = self._listening()
        self._seen, self._is_refused = self._read(), False
        if error := self._load(self._seen):
            raise error

    @property
    def context(self) -> ssl.SSLContext:
        """To begin a handshake with; ask for it each time.

        Whoever resumes a session is not asked for a certificate again. Sessions live in the context that a handshake
        began with, so after each change there is another one, and who is not trusted any more cannot resume.
        """
        return self._context

    @property
    def not_after(self) -> datetime | None:
        """When the certificate that is served expires (UTC); None while there is none, and no handshake succeeds."""
        return self._live.not_after if self._live else None

    @property
    def served(self) -> bytes | None:
        """The certificate that is served, in PEM."""
        return self._live.certificate if self._live else None

    def reload_if_changed(self, *, retry: bool = False) -> Reload | None:
        """Compare all bytes with those last seen; None if they are the same, so a fault is told once.

        With `retry` what was refused is judged again.

        Bytes and not times are compared: in a mounted Secret the kubelet swaps symbolic links. A swap between the two
        reads looks like a pair that does not match, until the next call.
        """
        with self._reloading:
            content = self._read()
            if content == self._seen and not (retry and self._is_refused):
                return None
            # Before it is noted as seen: what fails for want of a descriptor, say, is tried again.
            error = self._load(content)
            self._seen, self._is_refused = content, error is not None
            return Reload(error=error)

    def _read(self) -> _Seen:
        return self._source.read(), read_regular_file(self._client_ca) if self._client_ca else None

    def _load(self, content: _Seen) -> CertificateError | None:
        """Serve with what is good of both, each judged by itself; returns why the other stays as it was."""
        pair, authorities = content
        error = self._take_pair(pair)
        error = self._take_authorities(authorities) or error
        self._live, self._context = self._proven(), self._listening()
        return error

    def _take_pair(self, pair: Content | None) -> CertificateError | None:
        try:
            if pair:
                _prove(self._source.names, pair)
        except CertificateError as error:
            return error
        self._pair = pair or self._pair
        return None

    def _take_authorities(self, authorities: bytes | str | None) -> CertificateError | None:
        try:
            self._trust(_server_context(), authorities)
        except CertificateError as error:
            return error
        self._authorities = authorities
        return None

    def _proven(self) -> _Proven | None:
        if not self._pair:
            return None
        proven = _prove(self._source.names, self._pair)
        self._trust(proven.context, self._authorities)
        return proven

    def _trust(self, server: ssl.SSLContext, authorities: bytes | str | None) -> None:
        if self._client_ca and authorities is not None:
            _trust(server, quote_path(self._client_ca), authorities)

    def _listening(self) -> ssl.SSLContext:
        """What a handshake begins with, before it is pointed at the certificate."""
        context = _server_context()
        if self._client_ca:
            # Unlike certificate and authorities this stays that of the context that the handshake began with.
            context.verify_mode = ssl.CERT_REQUIRED
        context.sni_callback = self._present
        return context

    def _present(self, connection: ssl.SSLObject, _server_name: str | None, _context: ssl.SSLContext) -> None:
        if self._live:
            connection.context = self._live.context


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _prove(names: tuple[str, str], content: Content) -> _Proven:
    """Load exactly these bytes into a context of their own, and show it to a client in memory."""
    certificate, key = map(_readable, names, content)
    server = _server_context()
    with _as_file(certificate) as certificate_file, _as_file(key) as key_file:
        client = _client_trusting(certificate_file, names[0])
        try:
            # Without a password OpenSSL would ask for one on the terminal.
            server.load_cert_chain(certificate_file, key_file, password="")
        except ssl.SSLError as error:
            raise _mismatch(names, error) from error
    return _Proven(certificate=certificate, context=server, not_after=_rehearse(server, client, names[0]))


def _trust(server: ssl.SSLContext, name: str, authorities: bytes | str) -> None:
    """Ask clients for a certificate of these authorities, once the rehearsal, whose client has none, is over."""
    pem = _readable(name, authorities).decode("ascii", "replace")
    try:
        server.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise _no_certificate(name, _reason(error) if isinstance(error, ssl.SSLError) else "it is empty") from error
    server.verify_mode = ssl.CERT_REQUIRED


def _readable(name: str, content: bytes | str) -> bytes:
    if isinstance(content, str):
        raise CertificateError(
            f"{name} cannot be read: {content}",
            allowed="a PEM file",
            fix="give the path of a readable file",
        )
    return content


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A path to these bytes for OpenSSL, which loads from files only; on Linux they never touch a disk.

    The path given by the user is not handed on, since what it names may change between the proof and the load.
    """
    if sys.platform == "linux":
        with os.fdopen(os.memfd_create("pem"), "wb", buffering=0) as file:
            file.write(content)
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with tempfile.NamedTemporaryFile(buffering=0) as temporary:
            temporary.write(content)
            yield temporary.name


def _client_trusting(certificate_file: str, name: str) -> ssl.SSLContext:
    """A client that trusts this certificate alone, whoever issued it and whatever the time is."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    try:
        client.load_verify_locations(certificate_file)
    except ssl.SSLError as error:
        raise _no_certificate(name, _reason(error), ", the server's own first") from error
    return client


def _rehearse(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> datetime:
    """Shake hands as the API server will, and return when the certificate expires (UTC).

    The API server, like every Go client, ignores the common name: without a subjectAltName it refuses a certificate.
    """
    try:
        peer = _handshake(server, client)
    except ssl.SSLError as error:
        raise _unfit(name, _reason(error)) from error
    if not {"DNS", "IP Address"} & {kind for kind, _ in peer.get("subjectAltName", ())}:
        raise _unfit(name, "no DNS name and no IP address in its subjectAltName")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(peer["notAfter"]), UTC)


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> dict[str, Any]:
    """The server's certificate as the client sees it after two flights each way, in `SSLSocket.getpeercert`'s shape."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server)
    far = server.wrap_bio(to_server, to_client, server_side=True)
    for end in (near, far, near, far):
        with suppress(ssl.SSLWantReadError):
            end.do_handshake()
    return dict(near.getpeercert() or {})


def _no_certificate(name: str, why: str, order: str = "") -> CertificateError:
    return CertificateError(
        f"{name} holds no certificate ({why})",
        allowed=f"certificates in PEM{order}",
        fix="put the certificate there",
    )


def _mismatch(names: tuple[str, str], error: ssl.SSLError) -> CertificateError:
    certificate, key = names
    return CertificateError(
        f"the key {key} cannot serve the certificate {certificate} ({_reason(error)})",
        allowed="the private key of that certificate in PEM, without a password, RSA of 2048 bits or stronger",
        fix="put the key and the certificate there that were issued together",
    )


def _unfit(name: str, why: str) -> CertificateError:
    return CertificateError(
        f"the certificate {name} is not fit for a TLS server ({why})",
        allowed="a certificate for server authentication with a subjectAltName",
        fix="issue it anew for the names by which the API server calls the webhook",
    )


def failure(error: Exception | None) -> str:
    """Why a handshake failed, for a metric: one of four words."""
    if isinstance(error, ssl.SSLError):
        unknown = isinstance(error, ssl.SSLCertVerificationError) or error.reason == _NO_CERTIFICATE
        return "client_certificate" if unknown else "tls"
    # asyncio's error for a handshake that takes too long.
    return "time_out" if isinstance(error, ConnectionAbortedError) else "disconnected"


def _reason(error: ssl.SSLError) -> str:
    """OpenSSL's reason in words; it has none for text that is not PEM, and an odd one for a key of another type."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if error.reason == "NO_CERTIFICATE_ASSIGNED":
        return "key type mismatch"
    return error.reason.replace("_", " ").lower() if error.reason else "not PEM, or with a password"
