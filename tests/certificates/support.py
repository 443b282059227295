"""What both test files need: the time and the names of the tests, and a TLS client's verifier."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import verification
from cryptography.x509.oid import ExtensionOID, NameOID

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMES = ["ray-webhook.ray-system.svc", "localhost", "127.0.0.1", "::1"]


def parsed(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def verify(leaf: bytes, root: bytes, name: str, now: datetime) -> None:
    """Verify as a TLS client would, by the web's rules (RFC 5280 and the CA/Browser Forum's)."""
    try:
        subject: x509.DNSName | x509.IPAddress = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        subject = x509.DNSName(name)
    policy = verification.PolicyBuilder().store(verification.Store([parsed(root)])).time(now)
    policy.build_server_verifier(subject).verify(parsed(leaf), [])


def odd_certificates() -> dict[str, bytes]:
    """In PEM, by what is odd: each is loaded without an error, or has one of a kind of its own."""
    unknown_name = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, bytes.fromhex("3006a5040c026162"))
    version, text = bytes.fromhex("a003020102"), b"odd-name"
    found = {
        "its version": _odd().replace(version, bytes.fromhex("a003020105"), 1),
        "the kind of a name": _odd(unknown_name),
        "a subject that is no UTF-8": _odd().replace(text, b"odd-\xffame"),
    }
    return {what: ssl.DER_cert_to_PEM_cert(der).encode() for what, der in found.items()}


def _odd(*extensions: x509.ExtensionType) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "odd-name")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 5, NOW, NOW + timedelta(days=9))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
