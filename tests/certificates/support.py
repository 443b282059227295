"""What both test files need: the time and the names of the tests, and a TLS client's verifier."""

import ipaddress
from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509 import verification

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
