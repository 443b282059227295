"""The serving certificate, tried with real handshakes: what is taken up, what is refused, and what stays open."""

import errno
import http.client
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.server.certificates import made, new_ec, new_rsa, pkcs8
from webhook.certificates.authority import KeyPair, describe, issue_authority, issue_serving
from webhook.errors import CertificateError
from webhook.server.files import MAX_FILE, read_regular_file
from webhook.server.pairs import Content, PairFiles, PairInMemory
from webhook.server.tls import Reload, ServingCertificate, _prove, _Proven

NAMES = ["localhost", "127.0.0.1"]
AUTHORITY = issue_authority(datetime.now(UTC))


class Files:
    """A pair on disk, as it is mounted into the service."""

    def __init__(self, directory: Path) -> None:
        self.certificate, self.key = directory / "tls.crt", directory / "tls.key"

    def issue(self, *, now: datetime | None = None, authority: KeyPair = AUTHORITY) -> str:
        """Put a new pair there; return its fingerprint."""
        pair = issue_serving(authority, NAMES, now or datetime.now(UTC))
        self.put(pair)
        return describe(pair.certificate).fingerprint

    def put(self, pair: KeyPair) -> None:
        self.certificate.write_bytes(pair.certificate)
        self.key.write_bytes(pair.key)

    def serve(self) -> ServingCertificate:
        return ServingCertificate(PairFiles(certificate=self.certificate, key=self.key))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    files = Files(tmp_path)
    files.issue()
    return files


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Path]:
    """A FIFO without a writer; who waits for one is let go after a while, so that the test fails rather than hangs."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    done, waited = threading.Event(), threading.Event()

    def release() -> None:
        while not done.wait(5):
            waited.set()
            os.close(os.open(path, os.O_RDWR))

    releasing = threading.Thread(target=release)
    releasing.start()
    yield path
    done.set()
    releasing.join()
    assert not waited.is_set()


def client_trusting(authority: bytes = AUTHORITY.certificate) -> ssl.SSLContext:
    """As strict as OpenSSL can be; the newest Pythons are so by default."""
    client = ssl.create_default_context(cadata=authority.decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    return client


@contextmanager
def connection(
    serving: ServingCertificate, client: ssl.SSLContext | None = None, name: str | None = "localhost"
) -> Iterator[tuple[ssl.SSLSocket, ssl.SSLSocket]]:
    """Both ends of a TLS connection over loopback: the client's and the server's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        plain = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
    with plain, accepted:
        far = serving.context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        answering = threading.Thread(target=answer_handshake, args=[far])
        answering.start()
        try:
            near = (client or client_trusting()).wrap_socket(plain, server_hostname=name)
        finally:
            answering.join()
        with near, far:
            yield near, far


def answer_handshake(server: ssl.SSLSocket) -> None:
    try:
        server.do_handshake()
    except OSError:
        server.close()  # the client says why


def shown(serving: ServingCertificate, client: ssl.SSLContext | None = None, name: str | None = "localhost") -> str:
    """The fingerprint of the certificate that a new connection is shown."""
    with connection(serving, client, name) as (near, _):
        der = near.getpeercert(binary_form=True)
    assert der
    return describe(ssl.DER_cert_to_PEM_cert(der).encode()).fingerprint


def is_alive(near: ssl.SSLSocket, far: ssl.SSLSocket) -> bool:
    near.sendall(b"ping")
    far.sendall(far.recv(4).replace(b"i", b"o"))
    return near.recv(4) == b"pong"


class TestHandshake:
    @pytest.mark.parametrize(
        ("version", "spelling"), [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")]
    )
    @pytest.mark.parametrize("name", NAMES)
    def test_a_client_that_trusts_the_authority_connects_by_name_and_by_address(
        self, files: Files, name: str, version: ssl.TLSVersion, spelling: str
    ) -> None:
        client = client_trusting()
        client.minimum_version = client.maximum_version = version
        with connection(files.serve(), client, name) as (near, far):
            assert near.version() == spelling
            assert is_alive(near, far)

    def test_a_client_without_a_server_name_is_served_too(self, files: Files) -> None:
        client = client_trusting()
        client.check_hostname = False
        with connection(files.serve(), client, None) as (near, far):
            assert is_alive(near, far)

    def test_a_client_refuses_another_name(self, files: Files) -> None:
        with (
            pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"),
            connection(files.serve(), name="example.com"),
        ):
            pass

    def test_a_client_refuses_another_authority(self, files: Files) -> None:
        stranger = client_trusting(issue_authority(datetime.now(UTC)).certificate)
        with pytest.raises(ssl.SSLCertVerificationError), connection(files.serve(), stranger):
            pass

    def test_http_1_1_is_agreed_with_a_client_that_offers_http_2_first(self, files: Files) -> None:
        client = client_trusting()
        client.set_alpn_protocols(["h2", "http/1.1"])
        with connection(files.serve(), client) as (near, _):
            assert near.selected_alpn_protocol() == "http/1.1"

    def test_a_suite_without_aead_is_not_agreed(self, files: Files) -> None:
        client = client_trusting()
        client.maximum_version = ssl.TLSVersion.TLSv1_2
        client.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
        with pytest.raises(ssl.SSLError), connection(files.serve(), client):
            pass

    def test_nothing_older_than_tls_1_2_is_agreed(self, files: Files) -> None:
        client = client_trusting()
        client.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            client.minimum_version = client.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"), connection(files.serve(), client):
            pass

    def test_intermediate_certificates_are_sent(self, tmp_path: Path) -> None:
        root, middle, leaf = new_ec(), new_ec(), new_ec()
        top = made(root, name="root", authority=True)
        between = made(middle, issuer=("root", root), name="middle", authority=True)
        end = made(leaf, issuer=("middle", middle), name="leaf", names=["localhost"])
        files = Files(tmp_path)
        files.put(KeyPair(certificate=end.certificate + between.certificate, key=end.key))
        client = ssl.create_default_context(cadata=top.certificate.decode())
        client.verify_flags &= ~ssl.VERIFY_X509_STRICT
        assert shown(files.serve(), client) == describe(end.certificate).fingerprint


class TestReload:
    def test_files_that_did_not_change_are_not_loaded_again(self, files: Files) -> None:
        serving = files.serve()
        assert serving.reload_if_changed() is None

    def test_files_rewritten_with_the_same_bytes_did_not_change(self, files: Files) -> None:
        serving = files.serve()
        files.key.write_bytes(files.key.read_bytes())
        os.utime(files.certificate, (0, 0))
        assert serving.reload_if_changed() is None

    def test_a_new_pair_is_shown_to_new_connections_while_open_ones_stay(self, files: Files) -> None:
        serving = files.serve()
        with connection(serving) as (near, far):
            new = files.issue()
            assert serving.reload_if_changed() == Reload(error=None)
            assert shown(serving) == new
            assert is_alive(near, far)
        assert serving.reload_if_changed() is None

    def test_a_handshake_that_began_before_a_reload_ends(self, files: Files) -> None:
        """The context is changed between the client's first flight and the rest."""
        serving, client = files.serve(), client_trusting()
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        near = client.wrap_bio(to_client, to_server, server_hostname="localhost")
        far = serving.context.wrap_bio(to_server, to_client, server_side=True)
        for end in (near, far):
            with pytest.raises(ssl.SSLWantReadError):
                end.do_handshake()
        files.issue()
        assert serving.reload_if_changed() == Reload()
        near.do_handshake()
        far.do_handshake()
        assert near.version() == far.version() == "TLSv1.3"

    def test_the_new_expiry_is_told(self, files: Files) -> None:
        serving = files.serve()
        before = serving.not_after
        files.issue(now=datetime.now(UTC) + timedelta(minutes=30))
        serving.reload_if_changed()
        assert serving.not_after == describe(files.certificate.read_bytes()).not_after != before

    def test_swapped_symbolic_links_with_old_times_are_noticed(self, tmp_path: Path) -> None:
        """As the kubelet does it for a mounted Secret: files -> ..data -> a directory for each version."""
        fingerprints = {}
        for version in ("v1", "v2"):
            (tmp_path / version).mkdir()
            versioned = Files(tmp_path / version)
            fingerprints[version] = versioned.issue()
            os.utime(versioned.certificate, (0, 0))
            os.utime(versioned.key, (0, 0))
        (tmp_path / "..data").symlink_to("v1")
        mounted = Files(tmp_path)
        mounted.certificate.symlink_to("..data/tls.crt")
        mounted.key.symlink_to("..data/tls.key")
        serving = mounted.serve()
        assert shown(serving) == fingerprints["v1"]
        (tmp_path / "..data_tmp").symlink_to("v2")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")
        assert serving.reload_if_changed() == Reload()
        assert shown(serving) == fingerprints["v2"]

    def test_after_a_change_of_the_key_type_nobody_is_shown_the_old_certificate(self, tmp_path: Path) -> None:
        """A context that is loaded in place would keep the RSA certificate for clients that can do RSA alone."""
        files = Files(tmp_path)
        files.put(made(new_rsa(), names=["localhost"]))
        serving = files.serve()
        rsa_only = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        rsa_only.check_hostname = False
        rsa_only.verify_mode = ssl.CERT_NONE
        rsa_only.maximum_version = ssl.TLSVersion.TLSv1_2
        rsa_only.set_ciphers("ECDHE+aRSA+AESGCM")
        assert shown(serving, rsa_only) == describe(files.certificate.read_bytes()).fingerprint
        new = files.issue()
        assert serving.reload_if_changed() == Reload()
        assert shown(serving) == new
        with pytest.raises(ssl.SSLError):
            shown(serving, rsa_only)


def mismatched(files: Files) -> None:
    files.key.write_bytes(issue_serving(AUTHORITY, NAMES, datetime.now(UTC)).key)


def key_of_another_type(files: Files) -> None:
    files.key.write_bytes(pkcs8(new_rsa(), serialization.NoEncryption()))


def key_with_a_password(files: Files) -> None:
    key = new_ec()
    files.certificate.write_bytes(made(key, names=["localhost"]).certificate)
    files.key.write_bytes(pkcs8(key, serialization.BestAvailableEncryption(b"secret")))


def swapped(files: Files) -> None:
    certificate, key = files.certificate.read_bytes(), files.key.read_bytes()
    files.put(KeyPair(certificate=key, key=certificate))


def write(name: str, content: bytes) -> Callable[[Files], None]:
    def spoil(files: Files) -> None:
        files.certificate.with_name(name).write_bytes(content)

    return spoil


def remove(name: str) -> Callable[[Files], None]:
    def spoil(files: Files) -> None:
        files.certificate.with_name(name).unlink()

    return spoil


def key_that_is_a_directory(files: Files) -> None:
    files.key.unlink()
    files.key.mkdir()


def certificate_that_is_a_device(files: Files) -> None:
    files.certificate.unlink()
    files.certificate.symlink_to("/dev/null")


def for_clients_only(files: Files) -> None:
    files.put(made(new_ec(), names=["localhost"], usage=ExtendedKeyUsageOID.CLIENT_AUTH))


def without_names(files: Files) -> None:
    files.put(made(new_ec(), name="localhost"))


def too_weak(files: Files) -> None:
    files.put(made(rsa.generate_private_key(65537, 1024), names=["localhost"]))  # noqa: S505 (weak on purpose)


BROKEN = [
    (mismatched, r'the key "[^"]+tls\.key" cannot serve the certificate "[^"]+tls\.crt" \(key values mismatch\)'),
    (key_of_another_type, r"key type mismatch"),
    (key_with_a_password, r"not PEM, or with a password"),
    (swapped, r'tls\.crt" holds no certificate'),
    (write("tls.crt", b"garbage"), r'tls\.crt" holds no certificate'),
    (write("tls.crt", b""), r'tls\.crt" holds no certificate'),
    (write("tls.key", b"garbage"), r'tls\.key" cannot serve'),
    (remove("tls.crt"), r'tls\.crt" cannot be read: No such file or directory'),
    (remove("tls.key"), r'tls\.key" cannot be read: No such file or directory'),
    (key_that_is_a_directory, r'tls\.key" cannot be read: Is a directory'),
    (certificate_that_is_a_device, r'tls\.crt" cannot be read: it is no regular file'),
    (write("tls.key", b"#" * (MAX_FILE + 1)), r'tls\.key" cannot be read: it is larger than 1048576 bytes'),
    (for_clients_only, r"not fit for a TLS server \(unsuitable certificate purpose\)"),
    (without_names, r"not fit for a TLS server \(no DNS name and no IP address in its subjectAltName\)"),
    (too_weak, r"ee key too small"),
]


class TestBrokenPairs:
    @pytest.mark.parametrize(("spoil", "fault"), BROKEN)
    def test_one_at_the_start_is_an_error_of_one_line_that_names_the_file(
        self, files: Files, spoil: Callable[[Files], None], fault: str
    ) -> None:
        spoil(files)
        with pytest.raises(CertificateError, match=fault) as caught:
            files.serve()
        assert caught.value.exit_status == 2
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(("spoil", "fault"), BROKEN)
    def test_one_while_serving_is_told_once_and_the_last_good_pair_stays_until_a_good_one_comes(
        self, files: Files, spoil: Callable[[Files], None], fault: str
    ) -> None:
        serving = files.serve()
        before, expiry = shown(serving), serving.not_after
        good = KeyPair(certificate=files.certificate.read_bytes(), key=files.key.read_bytes())
        spoil(files)
        refused = serving.reload_if_changed()
        assert refused
        assert refused.error
        assert re.search(fault, str(refused.error))
        assert serving.reload_if_changed() is None
        assert (shown(serving), serving.not_after) == (before, expiry)
        if files.key.is_dir():
            files.key.rmdir()
        files.certificate.unlink(missing_ok=True)
        files.put(good)
        assert serving.reload_if_changed() == Reload()
        assert shown(serving) == before

    def test_a_fifo_at_the_start_is_told_and_not_waited_for(self, files: Files, fifo: Path) -> None:
        files.key = fifo
        with pytest.raises(CertificateError, match=r'fifo" cannot be read: it is no regular file'):
            files.serve()

    def test_a_fifo_that_takes_a_files_place_is_told_and_not_waited_for(self, files: Files, fifo: Path) -> None:
        serving = files.serve()
        before = shown(serving)
        files.certificate.unlink()
        files.certificate.symlink_to(fifo)
        refused = serving.reload_if_changed()
        assert refused
        assert "no regular file" in str(refused.error)
        assert shown(serving) == before

    def test_a_device_without_an_end_is_told(self, files: Files) -> None:
        files.certificate = Path("/dev/zero")
        with pytest.raises(CertificateError, match="no regular file"):
            files.serve()

    def test_each_new_broken_content_is_told(self, files: Files) -> None:
        serving = files.serve()
        for content in (b"garbage", b"other garbage", b"garbage"):
            files.certificate.write_bytes(content)
            refused = serving.reload_if_changed()
            assert refused
            assert refused.error
            assert serving.reload_if_changed() is None

    def test_an_expired_certificate_is_served_so_that_a_new_one_heals_the_process(self, files: Files) -> None:
        past = datetime.now(UTC) - timedelta(days=100)
        files.issue(now=past, authority=issue_authority(past))
        serving = files.serve()
        assert serving.not_after
        assert serving.not_after < datetime.now(UTC)
        new = files.issue()
        assert serving.reload_if_changed() == Reload()
        assert shown(serving) == new


class TestLoading:
    def test_a_file_swapped_after_the_read_is_not_what_is_loaded(
        self, files: Files, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was read is proven and served, though another good pair lies there before OpenSSL loads anything."""
        first, read = describe(files.certificate.read_bytes()).fingerprint, read_regular_file

        def read_and_swap(path: Path) -> bytes | str:
            content = read(path)
            if path == files.key:
                files.issue()
            return content

        with monkeypatch.context() as patch:
            patch.setattr("webhook.server.pairs.read_regular_file", read_and_swap)
            serving = files.serve()
        assert shown(serving) == first
        assert serving.reload_if_changed() == Reload()

    def test_what_fails_for_a_passing_reason_is_tried_again(
        self, files: Files, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        serving = files.serve()
        renewed = files.issue()
        with monkeypatch.context() as patch:
            patch.setattr("webhook.server.tls.os.memfd_create", no_descriptor_left)
            with pytest.raises(OSError, match="Too many open files"):
                serving.reload_if_changed()

        assert serving.reload_if_changed() == Reload()
        assert shown(serving) == renewed

    def test_what_was_refused_is_judged_again_only_where_that_is_asked_for(
        self, files: Files, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        serving = files.serve()
        old, renewed = files.certificate.read_bytes(), files.issue()

        def refuse_new(names: tuple[str, str], content: Content) -> _Proven:
            if content[0] != old:
                raise CertificateError("a passing reason", fix="try again")
            return _prove(names, content)

        with monkeypatch.context() as patch:
            patch.setattr("webhook.server.tls._prove", refuse_new)
            refused = serving.reload_if_changed()

        assert refused is not None
        assert refused.error is not None
        assert serving.reload_if_changed() is None
        assert serving.reload_if_changed(retry=True) == Reload()
        assert shown(serving) == renewed
        assert serving.reload_if_changed(retry=True) is None

    def test_a_pair_is_served_though_the_authorities_of_clients_cannot_be_read(self, files: Files) -> None:
        authorities = files.certificate.with_name("clients.crt")
        authorities.write_bytes(AUTHORITY.certificate)
        serving = ServingCertificate(PairFiles(certificate=files.certificate, key=files.key), authorities)
        authorities.unlink()
        files.issue()

        reload = serving.reload_if_changed()

        assert reload is not None
        assert reload.error is not None
        assert str(authorities) in reload.error.message
        assert serving.served == files.certificate.read_bytes()

    def test_authorities_of_clients_are_in_force_though_the_pair_is_broken(self, files: Files) -> None:
        authorities = files.certificate.with_name("clients.crt")
        authorities.write_bytes(AUTHORITY.certificate)
        serving = ServingCertificate(PairFiles(certificate=files.certificate, key=files.key), authorities)
        issuer, client = new_ec(), client_trusting()
        authorities.write_bytes(made(issuer, name="clients", authority=True).certificate)
        mismatched(files)
        reload = serving.reload_if_changed()
        own = made(new_ec(), issuer=("clients", issuer), usage=ExtendedKeyUsageOID.CLIENT_AUTH)
        file = files.certificate.with_name("client.pem")
        file.write_bytes(own.certificate + own.key)
        client.load_cert_chain(file)

        assert reload is not None
        assert reload.error is not None
        assert str(files.key) in reload.error.message
        with connection(serving, client) as (near, far):
            assert is_alive(near, far)

    @pytest.mark.parametrize("platform", ["linux", "darwin"])
    def test_no_copy_of_the_key_is_left_behind(
        self, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str
    ) -> None:
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        descriptors = len(list(Path("/dev/fd").iterdir()))
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        monkeypatch.setattr(sys, "platform", platform)
        serving = files.serve()
        mismatched(files)
        assert serving.reload_if_changed()
        assert list(temporary.iterdir()) == []
        assert len(list(Path("/dev/fd").iterdir())) == descriptors

    def test_the_service_does_not_pay_for_cryptography(self) -> None:
        program = "import sys, webhook.server.tls; sys.exit('cryptography' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def no_descriptor_left(_name: str) -> int:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


async def answer_ok(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """The smallest application."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@contextmanager
def uvicorn_serving(serving: ServingCertificate) -> Iterator[int]:
    """The port of a real uvicorn in a thread, set up as the service does it."""
    config = uvicorn.Config(
        answer_ok,
        port=0,
        lifespan="off",
        log_config=None,
        ssl_context_factory=lambda config, default: serving.context,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def get(client: http.client.HTTPSConnection) -> tuple[int, bytes]:
    client.request("GET", "/")
    response = client.getresponse()
    return response.status, response.read()


def fingerprint(client: http.client.HTTPSConnection) -> str:
    der = client.sock.getpeercert(binary_form=True)
    assert der
    return describe(ssl.DER_cert_to_PEM_cert(der).encode()).fingerprint


@contextmanager
def load(connect: Callable[[], http.client.HTTPSConnection]) -> Iterator[list[tuple[int, bytes]]]:
    """Requests in another thread, each on a new connection; yields their answers."""
    answers: list[tuple[int, bytes]] = []
    stop = threading.Event()

    def ask_until_stopped() -> None:
        while not stop.is_set():
            with closing(connect()) as one:
                answers.append(get(one))

    thread = threading.Thread(target=ask_until_stopped)
    thread.start()
    try:
        yield answers
    finally:
        stop.set()
        thread.join()


class TestFromMemory:
    def test_without_a_pair_no_handshake_succeeds_and_the_first_one_is_taken_up(self) -> None:
        source = PairInMemory("the Secret")
        serving = ServingCertificate(source)
        assert (serving.not_after, serving.served, serving.reload_if_changed()) == (None, None, None)
        with pytest.raises(ssl.SSLError):
            shown(serving)
        pair = issue_serving(AUTHORITY, NAMES, datetime.now(UTC))
        source.put(pair.certificate, pair.key)
        assert serving.reload_if_changed() == Reload()
        assert (shown(serving), serving.served) == (describe(pair.certificate).fingerprint, pair.certificate)

    def test_a_broken_pair_is_refused_by_the_names_that_its_owner_gave_and_the_last_good_one_stays(self) -> None:
        source, now = PairInMemory("the Secret"), datetime.now(UTC)
        pair, other = issue_serving(AUTHORITY, NAMES, now), issue_serving(AUTHORITY, NAMES, now)
        source.put(pair.certificate, pair.key)
        serving = ServingCertificate(source)
        source.put(other.certificate, pair.key)
        refused = serving.reload_if_changed()
        assert refused
        assert "the key tls.key of the Secret cannot serve the certificate tls.crt of the Secret" in str(refused.error)
        assert (shown(serving), serving.served) == (describe(pair.certificate).fingerprint, pair.certificate)


class TestUnderUvicorn:
    def test_reloads_under_load_fail_no_request_and_close_no_connection(self, files: Files) -> None:
        serving, client = files.serve(), client_trusting()
        with uvicorn_serving(serving) as port:

            def connect() -> http.client.HTTPSConnection:
                return http.client.HTTPSConnection("localhost", port, context=client)

            with closing(connect()) as kept, load(connect) as answers:
                assert get(kept) == (200, b"ok")
                first = kept.sock
                for _ in range(20):
                    mismatched(files)
                    assert serving.reload_if_changed() != Reload()
                    new = files.issue()
                    assert serving.reload_if_changed() == Reload()
                    with closing(connect()) as fresh:
                        assert (get(fresh), get(kept)) == ((200, b"ok"), (200, b"ok"))
                        assert fingerprint(fresh) == new
                assert kept.sock is first
        assert set(answers) == {(200, b"ok")}
