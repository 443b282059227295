"""The network of this machine: each thing that is asked of it has an answer in time, whatever is at the other end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from time import monotonic

import pytest

from tests.cluster.checks.world import NOW
from webhook.certificates.authority import issue_authority, issue_serving
from webhook.cluster.checks.network import Sockets

NETWORK = Sockets(seconds=0.3)
NAME = "ray-webhook.ray-webhook-system.svc"
AUTHORITY = issue_authority(NOW)


class Dashboard(BaseHTTPRequestHandler):
    """Ray's answer, as ``GET /api/version`` of 2.60.0 has it."""

    def do_GET(self) -> None:
        body = b'{"version": "4", "ray_version": "2.60.0", "ray_commit": "x"}'
        is_known = self.path == "/api/version"
        self.send_response(200 if is_known else 404)
        self.send_header("Content-Length", str(len(body) if is_known else 0))
        self.end_headers()
        self.wfile.write(body if is_known else b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as http.server calls it
        """Say nothing."""


class Server(HTTPServer):
    """A client that does not trust it goes away, which is nothing to tell."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


@contextmanager
def serving(server: HTTPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def dashboard() -> Iterator[int]:
    with serving(HTTPServer(("127.0.0.1", 0), Dashboard)) as port:
        yield port


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The same behind TLS, with a certificate of `AUTHORITY` for `NAME`."""
    folder: Path = tmp_path_factory.mktemp("tls")
    pair = issue_serving(AUTHORITY, [NAME], NOW)
    (folder / "tls.crt").write_bytes(pair.certificate)
    (folder / "tls.key").write_bytes(pair.key)
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    server = Server(("127.0.0.1", 0), Dashboard)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server) as port:
        yield port


@pytest.fixture
def silent() -> Iterator[int]:
    """A port at which connections are taken and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize(("host", "is_known"), [("localhost", True), ("127.0.0.1", True), ("a..b", False)])
def test_a_name_resolves_or_not(host: str, is_known: bool) -> None:
    assert NETWORK.resolves(host) is is_known


def test_a_connection_comes_about_or_the_reason_is_told(dashboard: int, closed: int) -> None:
    assert NETWORK.connect("127.0.0.1", dashboard) == ""
    assert NETWORK.connect("127.0.0.1", closed) == "Connection refused"


@pytest.mark.parametrize("path", ["/api/version", "/other"])
def test_an_answer_is_read(dashboard: int, path: str) -> None:
    answer = NETWORK.get(f"http://127.0.0.1:{dashboard}{path}")

    assert (answer.status, b"2.60.0" in answer.body) == ((200, True) if path == "/api/version" else (404, False))


def test_an_answer_is_read_over_tls_whoever_signed(secured: int) -> None:
    assert NETWORK.get(f"https://127.0.0.1:{secured}/api/version").status == 200


def test_nobody_is_waited_for_long(silent: int) -> None:
    began = monotonic()

    assert NETWORK.get(f"http://127.0.0.1:{silent}/").fault == "timed out"
    assert NETWORK.trust("127.0.0.1", silent, name=NAME, bundle=AUTHORITY.certificate) == "timed out"
    assert monotonic() - began < 5


def test_who_is_trusted_gets_a_session(secured: int, closed: int) -> None:
    def fault(port: int = secured, name: str = NAME, bundle: bytes = AUTHORITY.certificate) -> str:
        return NETWORK.trust("127.0.0.1", port, name=name, bundle=bundle)

    assert fault() == ""
    assert "certificate" in fault(bundle=issue_authority(NOW).certificate)
    assert "not valid for 'other.svc'" in fault(name="other.svc")
    assert fault(bundle=b"")
    assert fault(port=closed) == "Connection refused"


def test_what_is_no_http_is_told() -> None:
    def babble() -> None:
        connection, _ = server.accept()
        connection.sendall(b"SSH-2.0-x\r\n")
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=babble)
        thread.start()
        answer = NETWORK.get(f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()

    assert (answer.status, bool(answer.fault)) == (0, True)


@pytest.mark.parametrize(("known", "is_inside"), [("kubernetes.default.svc.k8s.example", True), ("", False)])
def test_inside_is_where_the_api_servers_own_service_has_a_name(
    monkeypatch: pytest.MonkeyPatch, known: str, is_inside: bool
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr(Sockets, "resolves", lambda self, host: host == known)

    assert NETWORK.is_inside("k8s.example") is is_inside
