"""``ray-webhook certs``: certificates that the service and a TLS client take, and what is told of any certificate."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from tests.certificates.support import verify
from tests.service import run_command, running_service
from webhook.certificates.authority import issue_authority, issue_serving
from webhook.certificates.directory import ensure_self_signed

NOW = datetime.now(UTC)
SERVICE = "ray-webhook.ray-webhook-system.svc"


def test_what_is_issued_is_good_for_the_service_and_its_keys_are_private(tmp_path: Path) -> None:
    ended = run_command("certs", "issue", str(tmp_path / "new"))
    files = {path.name: path for path in (tmp_path / "new").iterdir()}

    assert (ended.returncode, ended.stderr) == (0, "")
    assert files.keys() == {"ca.crt", "ca.key", "tls.crt", "tls.key"}
    verify(files["tls.crt"].read_bytes(), files["ca.crt"].read_bytes(), SERVICE, datetime.now(UTC))
    assert {stat.S_IMODE(files[name].stat().st_mode) for name in ("ca.key", "tls.key")} == {0o600}
    assert "PRIVATE" not in ended.stdout


def test_names_are_the_ones_given(tmp_path: Path) -> None:
    run_command("certs", "issue", str(tmp_path), "--name", "localhost", "--name", "127.0.0.1")
    (_, serving) = json.loads(run_command("certs", "show", str(tmp_path), "-o", "json").stdout)

    assert serving["names"] == ["localhost", "127.0.0.1"]


def test_the_namespace_is_part_of_the_services_name(tmp_path: Path) -> None:
    run_command("certs", "issue", str(tmp_path), "-n", "elsewhere")

    assert "ray-webhook.elsewhere.svc" in run_command("certs", "show", str(tmp_path / "tls.crt")).stdout


def test_the_service_serves_with_what_is_issued(tmp_path: Path) -> None:
    tls = tmp_path / "tls"
    run_command("certs", "issue", str(tls), "--name", "127.0.0.1")
    pair = ("--tls-cert", str(tls / "tls.crt"), "--tls-key", str(tls / "tls.key"))
    with running_service(tmp_path, *pair) as service:
        assert service.request("GET", "/healthz").status == 200


def test_issuing_again_keeps_what_is_good(tmp_path: Path) -> None:
    run_command("certs", "issue", str(tmp_path))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    again = run_command("certs", "issue", str(tmp_path))

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert again.stdout.count("is there already, and good") == 2


def test_a_directory_shows_authority_and_certificate(tmp_path: Path) -> None:
    ensure_self_signed(tmp_path, names=[SERVICE], now=NOW)
    ended = run_command("certs", "show", str(tmp_path))
    authority, serving = ended.stdout.split("\n\n")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert authority.splitlines()[0] == f'file "{tmp_path}/ca.crt": good'
    shown = dict(line.strip().split(None, 1) for line in serving.splitlines()[1:])
    assert shown["names"] == SERVICE
    assert shown["issuer"] == "CN=ray-webhook self-signed authority"
    assert shown["key"] == "ECDSA secp256r1"
    assert shown["valid"].endswith("89 days left")


@pytest.mark.parametrize(
    ("age", "status", "state", "days"),
    [(0, 0, "good", 89), (59, 0, "good", 30), (61, 1, "due for renewal", 28), (91, 1, "expired", -2)],
)
def test_one_that_has_a_third_of_its_life_left_or_none_is_status_1(
    tmp_path: Path, age: int, status: int, state: str, days: int
) -> None:
    issued = NOW - timedelta(days=age)
    authority = issue_authority(NOW - timedelta(days=age))
    (tmp_path / "tls.crt").write_bytes(issue_serving(authority, [SERVICE], issued).certificate)
    ended = run_command("certs", "show", str(tmp_path / "tls.crt"), "-o", "json")
    (row,) = json.loads(ended.stdout)

    assert (ended.returncode, row["state"], row["daysLeft"]) == (status, state, days)


def test_one_can_come_from_standard_input() -> None:
    pem = issue_authority(NOW).certificate
    ended = run_command("certs", "show", "-", stdin=pem.decode())

    assert ended.stdout.startswith("standard input: good\n  subject  CN=ray-webhook self-signed authority\n")


@pytest.mark.parametrize(
    ("private", "hashed", "told"),
    [
        (rsa.generate_private_key(public_exponent=65537, key_size=2048), hashes.SHA256(), "RSA 2048"),
        (ec.generate_private_key(ec.SECP384R1()), hashes.SHA256(), "ECDSA secp384r1"),
        (ed25519.Ed25519PrivateKey.generate(), None, "Ed25519"),
    ],
)
def test_the_kind_of_any_key_is_told(private: Any, hashed: hashes.SHA256 | None, told: str) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    dated = builder.not_valid_before(NOW).not_valid_after(NOW + timedelta(days=9)).public_key(private.public_key())
    pem = dated.sign(private, hashed).public_bytes(serialization.Encoding.PEM).decode()
    (row,) = json.loads(run_command("certs", "show", "-", "-o", "json", stdin=pem).stdout)

    assert (row["key"], row["subject"]) == (told, "CN=somebody")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "/no/such"), 'RAY802: file "/no/such" cannot be read (No such file or directory)'),
        (("show", __file__), "holds no certificate; allowed: a certificate in PEM"),
        (("show",), "RAY801: Missing argument 'FILE|DIR|-'"),
        (("issue",), "RAY801: Missing argument 'DIR'"),
        (("issue", ""), "RAY801: Invalid value for 'DIR'"),
        (("issue", "/dev/null/x"), 'RAY804: the directory "/dev/null/x" cannot be used'),
        (("issue", "unused", "--name", "a b"), 'RAY804: a name for the serving certificate is "a b"'),
        (("nonsense",), "RAY801: No such command 'nonsense'"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_with_status_2(arguments: tuple[str, ...], told: str) -> None:
    ended = run_command("certs", *arguments)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert told in ended.stderr


def test_a_directory_without_a_certificate_is_told(tmp_path: Path) -> None:
    ended = run_command("certs", "show", str(tmp_path))

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert f'RAY804: the directory "{tmp_path}" has no certificate; allowed: a directory with ca.crt' in ended.stderr
