"""Start, following the files, and the end."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.service import SETTINGS, RunningService, client_pod, run_command, running_service


def host_given(service: RunningService) -> str:
    """The RAY_HOST that a client gets now."""
    operations = json.loads(base64.b64decode(service.review(client_pod())["patch"]))
    entries = {entry["name"]: entry["value"] for entry in operations[0]["value"]}
    return str(entries["RAY_HOST"])


def test_changed_settings_are_in_force_within_a_second(tmp_path: Path, settings_file: Path) -> None:
    with running_service(tmp_path, settings=settings_file) as service:
        assert host_given(service) == "first"
        settings_file.write_text("RAY_HOST=second\n")
        changed = monotonic()
        while host_given(service) != "second":
            assert monotonic() - changed < 1
            sleep(0.01)
        service.await_event("settings changed")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("RAY_HOST=third\nRAY_PORT=99999\n", 'line 2, RAY_PORT is \\"99999\\"; allowed: a port of 1-65535'),
        ("RAY_HOST=third\nnonsense\n", 'line 2 is \\"nonsense\\"; allowed: KEY=VALUE'),
        ("RAY_HOST=third\nRAY_HOST=fourth\n", "line 2 has the key RAY_HOST again, after line 1"),
        (None, "cannot be read (No such file or directory)"),
    ],
    ids=["bad port", "no assignment", "twice", "gone"],
)
def test_broken_settings_keep_the_last_good_ones_and_name_line_and_key(
    tmp_path: Path, settings_file: Path, content: str | None, told: str
) -> None:
    with running_service(tmp_path, settings=settings_file) as service:
        settings_file.unlink() if content is None else settings_file.write_text(content)
        service.await_event("settings broken, the last good ones stay")

        assert host_given(service) == "first"
        assert service.metric("ray_webhook_settings_good") == 0
        assert told in b"".join(service.lines).decode()

        settings_file.write_text("RAY_HOST=mended\n")
        service.await_event("settings changed")
        assert host_given(service) == "mended"
        assert service.metric("ray_webhook_settings_good") == 1


def test_renewed_certificate_is_served_without_a_restart(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        kept = service.connection()
        kept.connect()
        (tmp_path / "tls" / "tls.crt").unlink()
        made = run_command(
            "serve", "--settings", str(SETTINGS), "--self-signed", str(tmp_path / "tls"), "--host", "no.such"
        )
        assert made.returncode == 3

        service.await_event("certificate changed")
        assert service.metric("ray_webhook_certificate_good") == 1
        assert service.post(json.dumps(client_pod()).encode()).status == 200
        kept.request("GET", "/healthz")
        assert kept.getresponse().status == 200
        kept.close()


def test_broken_certificate_is_told_and_the_old_one_served(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        (tmp_path / "tls" / "tls.crt").write_text("no certificate")

        event = service.await_event("certificate broken, the last good one stays")

        assert event["code"] == "RAY804"
        assert service.metric("ray_webhook_certificate_good") == 0
        assert service.post(json.dumps(client_pod()).encode()).status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_on_a_signal_with_status_0_though_a_connection_is_open(tmp_path: Path, number: signal.Signals) -> None:
    with running_service(tmp_path) as service:
        idle = service.connection()
        idle.connect()
        os.kill(service.process.pid, number)
        status = service.process.wait(timeout=20)
        idle.close()

        assert status == 0
    assert service.events("ended")
    assert b"Traceback" not in b"".join(service.lines)


def test_text_log_is_plain_lines(tmp_path: Path) -> None:
    ended = run_command(
        "serve",
        "--settings",
        str(SETTINGS),
        "--self-signed",
        str(tmp_path),
        "--host",
        "no.such",
        "--log-format",
        "text",
    )
    assert ended.returncode == 3
    assert ended.stderr.startswith("ray-webhook: RAY805: cannot listen on no.such port 8443 (")


def test_taken_port_is_one_line_and_status_3(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run_command(
            "serve", "--settings", str(SETTINGS), "--self-signed", str(tmp_path), "--host", "127.0.0.1", "--port", port
        )

    assert ended.returncode == 3
    assert ended.stderr.count("\n") == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in ended.stderr


def test_a_ray_address_in_the_settings_is_ignored_and_told(tmp_path: Path, settings_file: Path) -> None:
    settings_file.write_text("RAY_HOST=first\nRAY_ADDRESS=ray://other:10001\n")
    with running_service(tmp_path, settings=settings_file) as service:
        event = service.await_event("settings key ignored")

        assert event["key"] == "RAY_ADDRESS"
        assert host_given(service) == "first"
