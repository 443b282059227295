"""Small servers on loopback, and programs with a fake Ray or with libraries hidden."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

FAKE_RAY: Final = Path(__file__).parent / "fake_ray"
OPTIONAL: Final = ("grpc", "opentelemetry", "prometheus_client", "ray")
TOKEN: Final = "0123456789abcdef"  # noqa: S105  made up


def run(
    program: str,
    *,
    env: Mapping[str, str] | None = None,
    hidden: tuple[str, ...] = OPTIONAL,
    fake_ray: bool = False,
) -> Any:
    """Run Python source that sets ``result``, in an env of `env` alone, without the libraries `hidden`.

    With `fake_ray` the folder fake_ray is found before an installed Ray. Of grpc there is no fake.
    """
    hidden = tuple(name for name in hidden if not (fake_ray and name == "ray"))
    prepare = f"import sys\nsys.modules.update(dict.fromkeys({hidden!r}))\n"
    path = {"PYTHONPATH": str(FAKE_RAY)} if fake_ray else {}
    ended = subprocess.run(
        [sys.executable, "-P", "-c", f"{prepare}{program}\nimport json; print('RESULT', json.dumps(result))"],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **path, **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = [line for line in ended.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, ended.stdout + ended.stderr
    return json.loads(lines[-1].removeprefix("RESULT "))


@contextmanager
def serving(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server that hands each connection to `handle` and closes it: its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_accept, args=(server, handle), daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _accept(server: socket.socket, handle: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        with client:
            handle(client)


def close_at_once(client: socket.socket) -> None:
    """Read and say nothing."""


def answer(status: int, body: str) -> Callable[[socket.socket], None]:
    """Answer every HTTP request with `status` and `body`."""

    def handle(client: socket.socket) -> None:
        if client.recv(65536):
            head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            client.sendall((head + body).encode())

    return handle


def dashboard(version: str = "2.60.0", token: str | None = None) -> Callable[[socket.socket], None]:
    """Ray's dashboard: its version, for those who have the token."""

    def handle(client: socket.socket) -> None:
        request = client.recv(65536).decode()
        if not request:
            return
        sent = f"authorization: bearer {token}" in request.lower()
        status, body = (200, json.dumps({"ray_version": version})) if token is None or sent else (401, "Unauthorized")
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        client.sendall((head + body).encode())

    return handle


@contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
