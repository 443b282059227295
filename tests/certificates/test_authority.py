"""The authority and its serving certificates: accepted by real verifiers, refused when wrong, renewed in time."""

import hashlib
import ssl
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.certificates.support import NAMES, NOW, odd_certificates, parsed, verify
from webhook.certificates.authority import (
    KeyPair,
    describe,
    due_for_renewal,
    issue_authority,
    issue_serving,
    parse_certificate,
)
from webhook.errors import CertificateError


@pytest.fixture(scope="module")
def authority() -> KeyPair:
    return issue_authority(NOW)


class TestIssuing:
    @pytest.mark.parametrize("name", NAMES)
    def test_a_client_that_trusts_the_authority_accepts_each_name(self, authority: KeyPair, name: str) -> None:
        serving = issue_serving(authority, NAMES, NOW)
        verify(serving.certificate, authority.certificate, name, NOW)

    def test_a_client_refuses_another_name_and_another_authority(self, authority: KeyPair) -> None:
        serving = issue_serving(authority, NAMES, NOW)
        with pytest.raises(verification.VerificationError):
            verify(serving.certificate, authority.certificate, "example.com", NOW)
        with pytest.raises(verification.VerificationError):
            verify(serving.certificate, issue_authority(NOW).certificate, "localhost", NOW)

    def test_a_client_whose_clock_is_an_hour_behind_accepts_it(self, authority: KeyPair) -> None:
        serving = issue_serving(authority, NAMES, NOW)
        verify(serving.certificate, authority.certificate, "localhost", NOW - timedelta(hours=1))
        with pytest.raises(verification.VerificationError):
            verify(serving.certificate, authority.certificate, "localhost", NOW - timedelta(hours=1, seconds=1))

    def test_the_authority_may_sign_serving_certificates_and_nothing_else(self, authority: KeyPair) -> None:
        extensions = parsed(authority.certificate).extensions
        constraints = extensions.get_extension_for_class(x509.BasicConstraints)
        usage = extensions.get_extension_for_class(x509.KeyUsage)
        assert (constraints.critical, constraints.value.ca, constraints.value.path_length) == (True, True, 0)
        assert (usage.critical, usage.value.key_cert_sign, usage.value.crl_sign) == (True, True, True)
        assert not usage.value.digital_signature
        assert extensions.get_extension_for_class(
            x509.SubjectKeyIdentifier
        ).value == x509.SubjectKeyIdentifier.from_public_key(parsed(authority.certificate).public_key())

    def test_the_serving_certificate_may_serve_tls_and_nothing_else(self, authority: KeyPair) -> None:
        extensions = parsed(issue_serving(authority, NAMES, NOW).certificate).extensions
        usage = extensions.get_extension_for_class(x509.KeyUsage)
        issuer = parsed(authority.certificate).extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        identifier = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
        assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert (usage.value.digital_signature, usage.value.key_cert_sign) == (True, False)
        assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
            ExtendedKeyUsageOID.SERVER_AUTH
        ]
        assert identifier.value.key_identifier == issuer.value.digest

    def test_keys_and_serial_numbers_are_never_the_same_twice(self, authority: KeyPair) -> None:
        pairs = [issue_serving(authority, NAMES, NOW) for _ in range(3)]
        assert len({pair.key for pair in pairs}) == 3
        assert len({parsed(pair.certificate).serial_number for pair in pairs}) == 3

    def test_keys_are_p256(self, authority: KeyPair) -> None:
        key = serialization.load_pem_private_key(authority.key, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert isinstance(key.curve, ec.SECP256R1)

    def test_a_pair_never_shows_its_key(self, authority: KeyPair) -> None:
        assert "PRIVATE KEY" in authority.key.decode()
        assert "PRIVATE KEY" not in repr(authority)

    def test_a_renewed_authority_still_vouches_for_what_the_old_one_issued_and_the_other_way_round(
        self, authority: KeyPair
    ) -> None:
        later = NOW + timedelta(days=30)
        renewed = issue_authority(later, key=authority.key)
        assert renewed.certificate != authority.certificate
        verify(issue_serving(authority, NAMES, NOW).certificate, renewed.certificate, "localhost", later)
        verify(issue_serving(renewed, NAMES, later).certificate, authority.certificate, "localhost", later)

    def test_a_serving_certificate_does_not_outlive_its_authority(self, authority: KeyPair) -> None:
        end = describe(authority.certificate).not_after
        assert describe(issue_serving(authority, NAMES, end - timedelta(days=1)).certificate).not_after == end
        with pytest.raises(CertificateError, match="expired"):
            issue_serving(authority, NAMES, end)

    @pytest.mark.parametrize(
        "name", ["", "a b", "-a.example", "a..b", "a.", "[::1]", "*", "a.*.b", "ä.example", "x" * 64]
    )
    def test_a_name_that_no_client_could_ask_for_is_refused(self, authority: KeyPair, name: str) -> None:
        with pytest.raises(CertificateError, match="a name for the serving certificate"):
            issue_serving(authority, ["localhost", name], NOW)

    def test_no_name_at_all_is_refused(self, authority: KeyPair) -> None:
        with pytest.raises(CertificateError, match="empty"):
            issue_serving(authority, [], NOW)

    def test_names_longer_than_a_common_name_may_be_are_fine(self, authority: KeyPair) -> None:
        name = f"ray-webhook.{'n' * 63}.svc.cluster.local"
        verify(issue_serving(authority, [name], NOW).certificate, authority.certificate, name, NOW)

    def test_an_authority_that_cannot_be_read_is_refused(self, authority: KeyPair) -> None:
        with pytest.raises(CertificateError, match="the authority's certificate holds no certificate"):
            issue_serving(KeyPair(certificate=b"garbage", key=authority.key), NAMES, NOW)


class TestRenewalAndDescription:
    def test_it_is_due_when_a_third_of_its_life_is_left(self, authority: KeyPair) -> None:
        pem = issue_serving(authority, NAMES, NOW).certificate
        life = timedelta(days=90, hours=1)
        due = NOW + timedelta(days=90) - life / 3
        assert not due_for_renewal(pem, NOW)
        assert not due_for_renewal(pem, due - timedelta(seconds=1))
        assert due_for_renewal(pem, due)

    def test_it_is_due_when_the_clock_was_set_back_before_its_beginning(self, authority: KeyPair) -> None:
        assert due_for_renewal(authority.certificate, NOW - timedelta(hours=2))

    def test_lives_are_ninety_days_and_ten_years(self, authority: KeyPair) -> None:
        assert describe(issue_serving(authority, NAMES, NOW).certificate).not_after == NOW + timedelta(days=90)
        assert describe(authority.certificate).not_after == NOW + timedelta(days=3650)

    def test_a_description_tells_names_times_parties_and_the_fingerprint(self, authority: KeyPair) -> None:
        pem = issue_serving(authority, NAMES, NOW).certificate
        info = describe(pem)
        assert info.names == tuple(NAMES)
        assert (info.not_before, info.not_after) == (NOW - timedelta(hours=1), NOW + timedelta(days=90))
        assert info.issuer == describe(authority.certificate).subject != info.subject
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.decode())).digest()
        assert info.fingerprint == digest.hex(":").upper()

    def test_a_description_of_something_else_is_refused_in_one_line_that_names_it(self) -> None:
        with pytest.raises(CertificateError) as caught:
            describe(b"garbage", "tls.crt of the Secret")
        assert str(caught.value).startswith("RAY804: tls.crt of the Secret holds no certificate; allowed: ")
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("what", odd_certificates())
    def test_a_certificate_that_cannot_be_described_is_refused_as_any_other_fault(self, what: str) -> None:
        for read in (describe, parse_certificate):
            with pytest.raises(CertificateError, match=r"ca\.crt holds no certificate"):
                read(odd_certificates()[what], "ca.crt")
