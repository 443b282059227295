"""Start, following the files, and the end."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.control_plane.process import wait_for
from tests.service import SETTINGS, RunningService, client_pod, run_command, running_service

REVIEW = json.dumps(client_pod()).encode()


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
        kept.request("GET", "/healthz")
        kept.getresponse().read()
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


def has_ended(service: RunningService) -> bool:
    return service.process.poll() is not None


@dataclass
class Poster(threading.Thread):
    """Posts reviews until told to stop, over kept connections that it gives up when told so, or over new ones."""

    service: RunningService
    body: bytes
    keeps: bool
    stop: threading.Event
    answered: int = 0
    closes: int = 0
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        connection = self.service.connection()
        while not self.stop.is_set():
            try:
                connection.request("POST", "/mutate", self.body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
            except OSError as error:
                self.failures.append(repr(error))
                break
            self.answered += 1
            self.closes += answer.getheader("connection") == "close"
            if answer.status != 200:
                self.failures.append(str(answer.status))
            if not self.keeps or answer.getheader("connection") == "close":
                connection.close()
        connection.close()


@contextmanager
def posting(service: RunningService, body: bytes = REVIEW) -> Iterator[list[Poster]]:
    stop = threading.Event()
    posters = [Poster(service=service, body=body, keeps=keeps, stop=stop) for keeps in (True, True, False)]
    for poster in posters:
        poster.start()
    try:
        yield posters
    finally:
        stop.set()
        for poster in posters:
            poster.join()


def test_no_request_fails_in_the_lame_duck_time_and_every_answer_closes_its_connection(tmp_path: Path) -> None:
    with running_service(tmp_path, "--lame-duck", "3") as service:
        idle = service.connection()
        idle.request("GET", "/healthz")
        assert idle.getresponse().read()
        with posting(service) as posters:
            wait_for(lambda: all(poster.answered > 3 for poster in posters), "answers")
            assert not any(poster.closes for poster in posters)

            os.kill(service.process.pid, signal.SIGTERM)
            service.await_event("ending")
            before = [(poster.answered, poster.closes) for poster in posters]
            assert service.ops("/readyz")[0] == 503
            assert service.ops("/healthz")[0] == 200
            wait_for(
                lambda: all(poster.answered > 8 + was for poster, (was, _) in zip(posters, before, strict=True)),
                "answers",
            )
            assert not has_ended(service)
            idle.request("POST", "/mutate", REVIEW, {"Content-Type": "application/json"})
            last = idle.getresponse()
            assert (last.status, last.getheader("connection")) == (200, "close")
            last.read()

        assert [poster.failures for poster in posters] == [[], [], []]
        for poster, (answered, closes) in zip(posters, before, strict=True):
            # One answer may have been under way when the signal came.
            assert poster.closes - closes >= poster.answered - answered - 1
        assert service.process.wait(timeout=10) == 0
        idle.close()
    assert service.events("ended")


def test_request_under_way_when_the_lame_duck_time_ends_is_answered(tmp_path: Path) -> None:
    with running_service(tmp_path, "--lame-duck", "0") as service:
        connection = service.connection()
        connection.putrequest("POST", "/mutate")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(REVIEW)))
        connection.endheaders(REVIEW[:100])
        wait_for(lambda: service.metric("ray_webhook_in_flight_requests") == 1, "a request under way")

        os.kill(service.process.pid, signal.SIGTERM)
        service.await_event("ending")
        connection.send(REVIEW[100:])

        answer = connection.getresponse()
        assert (answer.status, answer.getheader("connection")) == (200, "close")
        answer.read()
        connection.close()
        assert service.process.wait(timeout=10) == 0


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(tmp_path: Path, second: signal.Signals) -> None:
    with running_service(tmp_path, "--lame-duck", "60") as service:
        os.kill(service.process.pid, signal.SIGTERM)
        service.await_event("ending")

        os.kill(service.process.pid, second)

        assert service.process.wait(timeout=2) == 128 + second
    assert service.events("ended at once")[0]["signal"] == second.name


def test_an_interrupt_waits_for_no_lame_duck_time(tmp_path: Path) -> None:
    with running_service(tmp_path, "--lame-duck", "60") as service:
        os.kill(service.process.pid, signal.SIGINT)

        assert service.process.wait(timeout=10) == 0


def test_a_stopped_process_fails_its_probe(tmp_path: Path) -> None:
    """As one does whose event loop is stuck: the probe is answered by that loop."""
    with running_service(tmp_path) as service:
        os.kill(service.process.pid, signal.SIGSTOP)
        try:
            with pytest.raises(TimeoutError):
                service.ops("/healthz", seconds=1)
        finally:
            os.kill(service.process.pid, signal.SIGCONT)

        assert service.ops("/healthz") == (200, '{"status":"ok"}')


def test_a_process_busy_with_the_largest_reviews_passes_its_probe(tmp_path: Path) -> None:
    """Within the probe's timeoutSeconds of 5, whatever users send."""
    large = client_pod()
    env = [{"name": f"V{number}", "value": "x" * 30} for number in range(1000)]
    large["request"]["object"]["spec"]["containers"] = [{"name": f"c{number}", "env": env} for number in range(48)]
    body = json.dumps(large).encode()
    with running_service(tmp_path) as service, posting(service, body) as posters:
        for _ in range(10):
            began = monotonic()
            assert service.ops("/healthz")[0] == 200
            assert monotonic() - began < 2.5
        wait_for(lambda: all(poster.answered for poster in posters), "answers")
    assert [poster.failures for poster in posters] == [[], [], []]
