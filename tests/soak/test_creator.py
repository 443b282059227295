"""The creator uses an API server as a load balancer lets its clients do: once that says that it is ready."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.control_plane.process import wait_for
from tests.soak.creator import Creator
from webhook.certificates.directory import ensure_self_signed


class StartingServer(ThreadingHTTPServer):
    """An API server that is ready at the third look at each connection, and lets the guard refuse what comes before."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.context = context
        self.pods = 0

    def get_request(self) -> tuple[ssl.SSLSocket, Any]:
        """One connection, whose handshake its own thread does."""
        connection, address = super().get_request()
        return self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address


class Handler(BaseHTTPRequestHandler):
    """One connection, which ends after every tenth pod."""

    protocol_version = "HTTP/1.1"
    server: StartingServer
    looks = 0

    def do_GET(self) -> None:
        """Whether it is ready."""
        self.looks += 1
        self._answer(200 if self.path == "/readyz" and self.looks >= 3 else 500, {})

    def do_POST(self) -> None:
        """A pod."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.pods += 1
        if self.looks < 3:
            self.looks = 3
            self._answer(403, {"message": "RAY311"})
        else:
            self._answer(201, {"metadata": {"name": f"pod-{self.server.pods}"}}, last=self.server.pods % 10 == 0)

    def _answer(self, status: int, body: Any, *, last: bool = False) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if last:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def starting(folder: Path) -> Iterator[Any]:
    """A plane with such a server."""
    files = ensure_self_signed(folder, names=["127.0.0.1"], now=datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    with StartingServer(context) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        admin = SimpleNamespace(configuration=SimpleNamespace(api_key={"authorization": "x"}))
        url = f"https://127.0.0.1:{server.server_port}"
        yield SimpleNamespace(url=url, certificate=folder / "ca.crt", admin=admin)
        server.shutdown()
        thread.join()


def test_every_new_connection_waits_for_a_server_that_is_ready(tmp_path: Path) -> None:
    with starting(tmp_path) as plane, Creator(plane, "default", rate=200) as creator:
        wait_for(lambda: len(creator.created) >= 40 or creator.refused, "pods are created")

    assert (creator.refused, creator.unserved, creator.denied) == ([], [], [])
