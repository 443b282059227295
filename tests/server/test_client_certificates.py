"""Clients that have to show a certificate, over real TLS: who gets through, who does not, and the file's reload."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.server.certificates import made, new_ec
from tests.service import SETTINGS, RunningService, client_pod, read_answer, run_command, running_service

REVIEW = json.dumps(client_pod()).encode()
FAILED = 'ray_webhook_failed_handshakes_total{reason="client_certificate"}'


class Authority:
    """Issues client certificates."""

    def __init__(self, name: str) -> None:
        self.name, self.key = name, new_ec()
        self.certificate = made(self.key, name=name, authority=True).certificate

    def client(self, folder: Path, name: str, *, usage: Any = ExtendedKeyUsageOID.CLIENT_AUTH) -> Path:
        """A file with a client certificate and its key."""
        pair = made(new_ec(), issuer=(self.name, self.key), name=name, usage=usage)
        file = folder / f"{self.name}-{name}.pem"
        file.write_bytes(pair.certificate + pair.key)
        return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clients")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("apiservers")


@pytest.fixture(scope="module")
def service(folder: Path, authority: Authority) -> Iterator[RunningService]:
    file = folder / "clients.crt"
    file.write_bytes(authority.certificate)
    with running_service(folder, "--client-ca", str(file), "--client-name", "kube-apiserver") as running:
        yield running


def client(service: RunningService, certificate: Path | None, version: ssl.TLSVersion) -> ssl.SSLContext:
    trust = ssl.create_default_context(cafile=service.authority)
    trust.minimum_version = trust.maximum_version = version
    if certificate:
        trust.load_cert_chain(certificate)
    return trust


@contextmanager
def resuming(service: RunningService, trust: ssl.SSLContext, session: ssl.SSLSession | None) -> Iterator[ssl.SSLSocket]:
    """A connection that has had an answer, as a resumption of `session` where the service lets it."""
    connection = service.connection(trust=trust)
    plain = socket.create_connection((connection.host, connection.port), timeout=20)
    with closing(plain), trust.wrap_socket(plain, server_hostname=connection.host, session=session) as sock:
        connection.sock = sock
        connection.request("POST", "/mutate", REVIEW, {"Content-Type": "application/json"})
        assert read_answer(connection).status == 200
        yield sock


def post(service: RunningService, certificate: Path | None, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Any:
    connection = service.connection(trust=client(service, certificate, version))
    try:
        connection.request("POST", "/mutate", REVIEW, {"Content-Type": "application/json"})
        return read_answer(connection)
    finally:
        connection.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_api_servers_certificate_is_served(
    service: RunningService, folder: Path, authority: Authority, version: ssl.TLSVersion
) -> None:
    assert post(service, authority.client(folder, "kube-apiserver"), version).status == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_who_shows_none_or_another_authoritys_gets_no_connection_and_is_counted(
    service: RunningService, folder: Path, version: ssl.TLSVersion
) -> None:
    before = service.metric(FAILED)
    for certificate in (None, Authority("apiservers").client(folder, "kube-apiserver")):
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            post(service, certificate, version)

    assert service.metric(FAILED) == before + 2


def test_a_certificate_for_servers_is_none_for_clients(
    service: RunningService, folder: Path, authority: Authority
) -> None:
    certificate = authority.client(folder, "kube-apiserver", usage=ExtendedKeyUsageOID.SERVER_AUTH)
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
        post(service, certificate)


def test_another_name_of_that_authority_is_told_so(service: RunningService, folder: Path, authority: Authority) -> None:
    answer = post(service, authority.client(folder, "somebody"))

    assert (answer.status, answer.json["code"]) == (403, "RAY822")
    assert "allowed: kube-apiserver;" in answer.json["message"]
    assert service.metric('ray_webhook_refused_requests_total{code="RAY822"}') == 1


def test_the_plain_port_needs_none(service: RunningService) -> None:
    assert service.ops("/readyz")[0] == 200


def test_a_changed_file_is_in_force_without_a_restart_and_a_broken_one_is_told(
    tmp_path: Path, authority: Authority
) -> None:
    file = tmp_path / "clients.crt"
    file.write_bytes(authority.certificate)
    old, later = authority.client(tmp_path, "old"), Authority("later")
    new = later.client(tmp_path, "new")
    with running_service(tmp_path, "--client-ca", str(file)) as service:
        assert post(service, old).status == 200

        file.write_text("no certificate")
        event = service.await_event("certificate broken, the last good one stays")
        assert (event["code"], str(file) in event["message"]) == ("RAY804", True)
        assert post(service, old).status == 200

        file.write_bytes(later.certificate)
        service.await_event("certificate changed")
        assert post(service, new).status == 200
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            post(service, old)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_who_is_not_trusted_any_more_cannot_resume_what_began_before(
    tmp_path: Path, authority: Authority, version: ssl.TLSVersion
) -> None:
    """Of a session that is resumed no certificate is asked."""
    file = tmp_path / "clients.crt"
    file.write_bytes(authority.certificate)
    certificate = authority.client(tmp_path, "old")
    with running_service(tmp_path, "--client-ca", str(file)) as service:
        trust = client(service, certificate, version)
        # Both stay open: a session of which a connection ended badly would be forgotten.
        with resuming(service, trust, None) as first, resuming(service, trust, first.session) as second:
            assert second.session_reused

            file.write_bytes(Authority("later").certificate)
            service.await_event("certificate changed")

            with (
                pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)),
                resuming(service, trust, second.session),
            ):
                pass


@pytest.mark.parametrize("content", [b"", b"no certificate", None], ids=["empty", "no certificate", "gone"])
def test_a_broken_file_at_the_start_is_one_line_and_status_2(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "clients.crt"
    if content is not None:
        file.write_bytes(content)
    flags = ("--settings", str(SETTINGS), "--self-signed", str(tmp_path / "tls"))

    ended = run_command("serve", *flags, "--client-ca", str(file))

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith("ray-webhook: RAY804: ")
    assert str(file) in ended.stderr


def test_a_name_without_an_authority_is_refused(tmp_path: Path) -> None:
    flags = ("--settings", str(SETTINGS), "--self-signed", str(tmp_path / "tls"))

    ended = run_command("serve", *flags, "--client-name", "kube-apiserver")

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "--client-name without --client-ca" in ended.stderr
