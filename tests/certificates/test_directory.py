"""The directory of a self-signed service: renewed in time, safe on disk, and what is not ours is left alone."""

import os
import resource
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tests.certificates.support import NAMES, NOW, parsed, verify
from webhook.certificates.authority import describe, issue_authority, issue_serving
from webhook.certificates.directory import SelfSigned, ensure_self_signed
from webhook.errors import CertificateError

FILES = ["ca.crt", "ca.key", "tls.crt", "tls.key"]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory in which everything was issued at NOW for NAMES."""
    ensure_self_signed(tmp_path / "certs", names=NAMES, now=NOW)
    return tmp_path / "certs"


def pkcs8(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, encryption: serialization.KeySerializationEncryption
) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def modes(directory: Path) -> dict[str, int]:
    return {name: stat.S_IMODE((directory / name).stat().st_mode) for name in FILES}


@contextmanager
def held_by_another_process(directory: Path, seconds: float) -> Iterator[None]:
    """Have a process hold the directory's lock, and let go of it after so long or at the end of the block."""
    program = (
        "import fcntl, os, sys, time; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX); "
        "print('held', flush=True); time.sleep(float(sys.argv[2]))"
    )
    command = [sys.executable, "-c", program, str(directory), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        try:
            assert holder.stdout.readline() == b"held\n"
            yield
        finally:
            holder.kill()


def belong_together(certificate: bytes, key: bytes) -> bool:
    return serialization.load_pem_private_key(key, None).public_key() == parsed(certificate).public_key()


class TestSelfSignedDirectory:
    def test_a_new_directory_is_private_and_its_certificates_are_accepted(self, tmp_path: Path) -> None:
        directory = tmp_path / "not" / "there"
        made = ensure_self_signed(directory, names=NAMES, now=NOW)
        assert (made.authority_issued, made.certificate_issued) == (True, True)
        assert (made.authority, made.certificate, made.key) == tuple(
            directory / name for name in ("ca.crt", "tls.crt", "tls.key")
        )
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert modes(directory) == {"ca.crt": 0o644, "ca.key": 0o600, "tls.crt": 0o644, "tls.key": 0o600}
        verify(made.certificate.read_bytes(), made.authority.read_bytes(), "127.0.0.1", NOW)
        assert sorted(contents(directory)) == FILES

    def test_keys_are_private_before_they_have_their_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Even under the widest umask, and already when the file is empty."""
        seen: list[tuple[str, int, int]] = []
        fchmod, replace = os.fchmod, Path.replace

        def watched_fchmod(descriptor: int, mode: int) -> None:
            before = os.fstat(descriptor)
            seen.append(("created", before.st_size, stat.S_IMODE(before.st_mode)))
            fchmod(descriptor, mode)

        def watched_replace(source: Path, target: Path) -> Path:
            seen.append((target.name, 0, stat.S_IMODE(source.stat().st_mode)))
            return replace(source, target)

        monkeypatch.setattr(os, "fchmod", watched_fchmod)
        monkeypatch.setattr(Path, "replace", watched_replace)
        old = os.umask(0)
        try:
            ensure_self_signed(tmp_path, names=NAMES, now=NOW)
        finally:
            os.umask(old)
        assert {entry for entry in seen if entry[0] == "created"} == {("created", 0, 0o600)}
        assert [entry for entry in seen if entry[0].endswith(".key")] == [("ca.key", 0, 0o600), ("tls.key", 0, 0o600)]

    def test_everything_is_reused_while_it_is_good(self, directory: Path) -> None:
        before = contents(directory)
        again = ensure_self_signed(directory, names=["LocalHost", "0:0:0:0:0:0:0:1"], now=NOW + timedelta(days=59))
        assert (again.authority_issued, again.certificate_issued) == (False, False)
        assert contents(directory) == before

    def test_before_it_expires_the_serving_certificate_alone_is_renewed(self, directory: Path) -> None:
        before, later = contents(directory), NOW + timedelta(days=60)
        renewed = ensure_self_signed(directory, names=NAMES, now=later)
        after = contents(directory)
        assert (renewed.authority_issued, renewed.certificate_issued) == (False, True)
        assert {name for name in FILES if before[name] != after[name]} == {"tls.crt"}
        assert describe(after["tls.crt"]).not_after == later + timedelta(days=90)
        verify(after["tls.crt"], before["ca.crt"], "localhost", later)

    def test_a_name_that_is_missing_renews_the_serving_certificate(self, directory: Path) -> None:
        before = contents(directory)
        renewed = ensure_self_signed(directory, names=[*NAMES, "10.0.0.7"], now=NOW)
        assert (renewed.authority_issued, renewed.certificate_issued) == (False, True)
        verify(contents(directory)["tls.crt"], before["ca.crt"], "10.0.0.7", NOW)

    def test_near_the_authoritys_end_both_are_renewed_and_the_old_copy_of_ca_crt_stays_right(
        self, directory: Path
    ) -> None:
        before, later = contents(directory), NOW + timedelta(days=2500)
        renewed = ensure_self_signed(directory, names=NAMES, now=later)
        after = contents(directory)
        assert (renewed.authority_issued, renewed.certificate_issued) == (True, True)
        assert describe(after["ca.crt"]).not_after == later + timedelta(days=3650)
        for root in (before["ca.crt"], after["ca.crt"]):
            verify(after["tls.crt"], root, "localhost", later)

    def test_after_the_authoritys_end_both_are_renewed(self, directory: Path) -> None:
        later = NOW + timedelta(days=4000)
        ensure_self_signed(directory, names=NAMES, now=later)
        after = contents(directory)
        verify(after["tls.crt"], after["ca.crt"], "localhost", later)

    def test_wide_modes_of_kept_keys_are_tightened(self, directory: Path) -> None:
        for name in FILES:
            (directory / name).chmod(0o644)
        ensure_self_signed(directory, names=NAMES, now=NOW)
        assert modes(directory) == {"ca.crt": 0o644, "ca.key": 0o600, "tls.crt": 0o644, "tls.key": 0o600}

    @pytest.mark.parametrize("written", range(4))
    @pytest.mark.parametrize("day", [0, 2500], ids=["first start", "renewal of all"])
    def test_a_crash_between_two_writes_heals_at_the_next_start_and_loses_no_key(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int, day: int
    ) -> None:
        if day:
            ensure_self_signed(tmp_path, names=NAMES, now=NOW)
        now = NOW + timedelta(days=day)
        left, replace = written, Path.replace

        def replace_until_the_crash(source: Path, target: Path) -> Path:
            nonlocal left
            if not left:
                raise KeyboardInterrupt
            left -= 1
            return replace(source, target)

        with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
            patch.setattr(Path, "replace", replace_until_the_crash)
            ensure_self_signed(tmp_path, names=NAMES, now=now)
        crashed = contents(tmp_path)
        ensure_self_signed(tmp_path, names=NAMES, now=now)
        after = contents(tmp_path)
        assert sorted(after) == FILES
        assert [after[name] for name in crashed if name.endswith(".key")] == [
            crashed[name] for name in crashed if name.endswith(".key")
        ]
        assert belong_together(after["tls.crt"], after["tls.key"])
        verify(after["tls.crt"], after["ca.crt"], "::1", now)

    def test_a_removed_ca_crt_is_issued_again_for_the_key_that_is_there(self, directory: Path) -> None:
        before = contents(directory)
        (directory / "ca.crt").unlink()
        healed = ensure_self_signed(directory, names=NAMES, now=NOW)
        assert (healed.authority_issued, healed.certificate_issued) == (True, False)
        verify(before["tls.crt"], contents(directory)["ca.crt"], "localhost", NOW)

    def test_a_key_in_another_format_of_pem_is_used_and_stays_as_it_is(self, tmp_path: Path) -> None:
        """As `openssl ecparam -genkey` writes it."""
        key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        (tmp_path / "ca.key").write_bytes(key)
        ensure_self_signed(tmp_path, names=NAMES, now=NOW)
        after = contents(tmp_path)
        assert after["ca.key"] == key
        verify(after["tls.crt"], after["ca.crt"], "localhost", NOW)

    def test_services_that_start_at_once_agree(self, tmp_path: Path) -> None:
        gate = threading.Barrier(4)
        made: list[SelfSigned] = []

        def start() -> None:
            gate.wait()
            made.append(ensure_self_signed(tmp_path, names=NAMES, now=NOW))

        threads = [threading.Thread(target=start) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(one.certificate_issued for one in made) == [False, False, False, True]
        files = contents(tmp_path)
        assert belong_together(files["ca.crt"], files["ca.key"])


class TestLock:
    def test_a_directory_that_another_process_keeps_is_left_alone_and_told_within_seconds(
        self, directory: Path
    ) -> None:
        before, later = contents(directory), NOW + timedelta(days=60)
        with held_by_another_process(directory, 10):
            began = time.monotonic()
            with pytest.raises(CertificateError, match=r'certs" is in use by another process; ') as caught:
                ensure_self_signed(directory, names=NAMES, now=later)
            assert time.monotonic() - began < 5
        assert contents(directory) == before
        assert "\n" not in str(caught.value)
        assert ensure_self_signed(directory, names=NAMES, now=later).certificate_issued

    def test_a_process_that_is_done_soon_is_waited_for(self, directory: Path) -> None:
        with held_by_another_process(directory, 0.3):
            assert ensure_self_signed(directory, names=NAMES, now=NOW + timedelta(days=60)).certificate_issued


def foreign_authority(directory: Path) -> None:
    """Somebody's own authority, of which nothing but its name tells that it is not ours."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Our company")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (directory / "ca.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "ca.key").write_bytes(pkcs8(key, serialization.NoEncryption()))


def write(name: str, content: bytes) -> Callable[[Path], None]:
    def spoil(directory: Path) -> None:
        (directory / name).write_bytes(content)

    return spoil


def copy(source: str, target: str) -> Callable[[Path], None]:
    def spoil(directory: Path) -> None:
        (directory / target).write_bytes((directory / source).read_bytes())

    return spoil


def remove(*names: str) -> Callable[[Path], None]:
    def spoil(directory: Path) -> None:
        for name in names:
            (directory / name).unlink()

    return spoil


def foreign_serving(directory: Path) -> None:
    pair = issue_serving(issue_authority(NOW), NAMES, NOW)
    (directory / "tls.crt").write_bytes(pair.certificate)
    (directory / "tls.key").write_bytes(pair.key)


def lone_rsa_key(directory: Path) -> None:
    remove("ca.crt")(directory)
    (directory / "ca.key").write_bytes(pkcs8(rsa.generate_private_key(65537, 2048), serialization.NoEncryption()))


def key_with_a_password(directory: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    (directory / "tls.key").write_bytes(pkcs8(key, serialization.BestAvailableEncryption(b"secret")))


def certificate_that_is_a_directory(directory: Path) -> None:
    remove("tls.crt")(directory)
    (directory / "tls.crt").mkdir()


def mismatch(name: str) -> str:
    return rf'the key "[^"]+/{name}\.key" does not belong to the certificate "[^"]+/{name}\.crt"'


class TestWhatIsNotOurs:
    @pytest.mark.parametrize(
        ("spoil", "fault"),
        [
            (write("ca.crt", b"garbage"), r'ca\.crt" holds no certificate'),
            (write("ca.key", b"garbage"), r'ca\.key" holds no private key'),
            (write("tls.crt", b""), r'tls\.crt" holds no certificate'),
            (write("tls.key", b""), r'tls\.key" holds no private key'),
            (copy("tls.crt", "tls.key"), r'tls\.key" holds no private key'),
            (copy("tls.key", "tls.crt"), r'tls\.crt" holds no certificate'),
            (key_with_a_password, r'tls\.key" holds no private key, or one with a password'),
            (copy("ca.key", "tls.key"), mismatch("tls")),
            (write("tls.key", issue_authority(NOW).key), mismatch("tls")),
            (write("ca.key", issue_authority(NOW).key), mismatch("ca")),
            (remove("ca.key"), r'ca\.crt" has no ca\.key beside it'),
            (remove("tls.key"), r'tls\.crt" has no tls\.key beside it'),
            (remove("ca.crt", "ca.key"), r'tls\.crt" was not issued by the ca\.key beside it'),
            (foreign_authority, r'ca\.crt" is the certificate of "CN=Our company"'),
            (foreign_serving, r'tls\.crt" was not issued by the ca\.key'),
            (lone_rsa_key, r'ca\.key" is not ECDSA'),
            (certificate_that_is_a_directory, r'tls\.crt" cannot be read \(Is a directory\)'),
        ],
    )
    def test_it_is_left_alone_with_an_error_of_one_line(
        self, directory: Path, spoil: Callable[[Path], None], fault: str
    ) -> None:
        spoil(directory)
        before = contents(directory)
        with pytest.raises(CertificateError, match=fault) as caught:
            ensure_self_signed(directory, names=[*NAMES, "new.example"], now=NOW + timedelta(days=2500))
        assert contents(directory) == before
        assert caught.value.exit_status == 2
        assert "\n" not in str(caught.value)
        assert "PRIVATE KEY" not in str(caught.value)

    def test_a_file_where_the_directory_should_be_is_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_text("precious")
        with pytest.raises(CertificateError, match=r'file" cannot be used \(Not a directory\)'):
            ensure_self_signed(path, names=NAMES, now=NOW)
        assert path.read_text() == "precious"

    def test_a_bad_name_writes_nothing(self, directory: Path) -> None:
        before = contents(directory)
        with pytest.raises(CertificateError, match='"a b"'):
            ensure_self_signed(directory, names=["a b"], now=NOW + timedelta(days=2500))
        assert contents(directory) == before

    def test_a_directory_that_cannot_be_written_keeps_what_it_has(self, directory: Path) -> None:
        """A limit of zero on the size of files stands for a full disk; it holds for root, too."""
        before = contents(directory)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        try:
            with pytest.raises(CertificateError, match="cannot be used") as caught:
                ensure_self_signed(directory, names=NAMES, now=NOW + timedelta(days=60))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert contents(directory) == before
        assert str(caught.value).startswith("RAY804: ")
