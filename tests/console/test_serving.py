"""The console as a part of the process: its port, its cost, what becomes of it when things go wrong."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from tests.console.console import Asker
from tests.control_plane.process import wait_for
from tests.service import SETTINGS, client_pod, run_command, running_service


def test_it_is_bound_to_the_loopback_address_whatever_host_says(tmp_path: Path) -> None:
    with running_service(tmp_path, "--host", "0.0.0.0") as service:  # noqa: S104  which the console does not heed
        port = int(service.console_url.rpartition(":")[2])
        assert service.console_url.startswith("http://127.0.0.1:")
        listening = Path("/proc/net/tcp").read_text().split()
        assert f"0100007F:{port:04X}" in listening
        assert f"00000000:{port:04X}" not in listening


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    with running_service(tmp_path, "--no-console") as service:
        assert "console_url" not in service.await_event("ready")
        assert service.review(client_pod())["allowed"]


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        flags = ["--host", "127.0.0.1", "--port", "0", "--ops-port", "0", "--console-port", port]
        done = run_command("serve", *flags, "--settings", str(SETTINGS), "--self-signed", str(tmp_path))
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert f"RAY805: cannot listen on 127.0.0.1 port {port} (" in line
    assert "--console-port" in line


def test_broken_settings_are_shown_until_they_are_mended(tmp_path: Path) -> None:
    settings = tmp_path / "settings.env"
    settings.write_text("RAY_HOST=good.example\n")
    with running_service(tmp_path, settings=settings) as service:
        console = Asker(service.console_url)
        assert "Nothing." in console.get("/")
        settings.write_text("RAY_HOST=bad host\n")
        wait_for(lambda: "RAY803" in console.get("/"), "the fault is shown")
        assert "good.example" in console.get("/")
        settings.write_text("RAY_HOST=better.example\n")
        wait_for(lambda: "better.example" in console.get("/"), "the new host is in force")
        assert "RAY803" not in console.get("/")


def test_until_somebody_looks_nothing_is_imported_for_it(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        maps = Path(f"/proc/{service.process.pid}/maps")
        assert service.review(client_pod())["allowed"]
        assert "markupsafe" not in maps.read_text()
        Asker(service.console_url).get("/")
        assert "markupsafe" in maps.read_text()


def test_a_refused_request_is_counted(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        console = Asker(service.console_url)
        console("GET", "/", Host="evil.example")
        assert service.metric('ray_webhook_refused_requests_total{code="RAY823"}') == 1
        assert json.loads(service.ops("/readyz")[1]) == {"status": "ready"}
