"""The real service as a process of its own, and a client that speaks to it as the API server does."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

COMMAND = str(Path(sys.executable).parent / "ray-webhook")
FIXTURES = Path(__file__).parent / "fixtures"
SETTINGS = FIXTURES / "settings.env"
CONSOLE = re.compile(rb'\bconsole_url"?[:=]"?(http:[^" ]+)')
LISTENING = re.compile(rb'\burl"?[:=]"?(https:[^" ]+).*\bops_url"?[:=]"?(http:[^" ]+)')


@dataclass
class Answer:
    """An HTTP answer with its JSON body."""

    status: int
    headers: dict[str, str]
    json: Any


@dataclass
class RunningService:
    """A running service; its log lines are collected as they come."""

    process: subprocess.Popen[bytes]
    lines: list[bytes] = field(default_factory=list)
    url: str = ""
    ops_url: str = ""
    console_url: str = ""
    trust: ssl.SSLContext | None = None
    authority: Path | None = None

    def events(self, *names: str) -> list[dict[str, Any]]:
        """The events of one of these names that were logged so far."""
        return [event for event in map(json.loads, list(self.lines)) if event["event"] in names]

    def await_event(self, *names: str, count: int = 1, seconds: float = 10.0) -> dict[str, Any]:
        """The `count`-th event of one of these names."""
        deadline = monotonic() + seconds
        while len(found := self.events(*names)) < count:
            assert monotonic() < deadline, f"no event {names} in {self.lines}"
            assert self.process.poll() is None or len(self.events(*names)) >= count, f"ended: {self.lines}"
            sleep(0.005)
        return found[count - 1]

    def await_lines(self, count: int, *, seconds: float = 10.0) -> None:
        """Wait until as many lines were logged."""
        deadline = monotonic() + seconds
        while len(self.lines) < count:
            assert monotonic() < deadline, f"no {count} lines: {self.lines}"
            sleep(0.005)

    def await_urls(self, *, seconds: float = 30.0) -> tuple[str, str]:
        """Where the service says that it listens, in whatever format it logs."""
        deadline = monotonic() + seconds
        while not (found := LISTENING.search(b"".join(self.lines))):
            assert monotonic() < deadline, f"not listening: {self.lines}"
            assert self.process.poll() is None, f"ended: {self.lines}"
            sleep(0.005)
        return found[1].decode(), found[2].decode()

    def find_console(self) -> str:
        """Where its console listens, as the line with the URLs says; empty for none."""
        found = CONSOLE.search(b"".join(self.lines))
        return found[1].decode() if found else ""

    def await_decision(self, uid: str, *, seconds: float = 5.0) -> dict[str, Any]:
        """The log line of the decision about the request `uid`."""
        deadline = monotonic() + seconds
        while not (found := [event for event in self.events("decision") if event["uid"] == uid]):
            assert monotonic() < deadline, f"no decision about {uid!r} in {self.lines}"
            sleep(0.005)
        return found[0]

    def connection(self, *, seconds: float = 20.0, trust: ssl.SSLContext | None = None) -> http.client.HTTPSConnection:
        """A new connection to the TLS port that trusts the service's own CA, or what `trust` does."""
        url = urlsplit(self.url)
        return http.client.HTTPSConnection(str(url.hostname), url.port, context=trust or self.trust, timeout=seconds)

    def post(self, body: bytes, path: str = "/mutate", **headers: str) -> Answer:
        """POST `body` over a connection of its own."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", path, body, {"Content-Type": "application/json", **named})

    def request(self, method: str, path: str, body: bytes | None = None, headers: Any = None) -> Answer:
        """Send any request to the TLS port."""
        connection = self.connection()
        try:
            connection.request(method, path, body=body, headers=headers or {})
            return read_answer(connection)
        finally:
            connection.close()

    def review(self, review: dict[str, Any], path: str = "/mutate") -> dict[str, Any]:
        """The AdmissionResponse to `review`."""
        answer = self.post(json.dumps(review).encode(), path)
        assert answer.status == 200, answer
        response: dict[str, Any] = answer.json["response"]
        return response

    def ops(self, path: str, *, seconds: float = 10.0) -> tuple[int, str]:
        """GET `path` from the plain port: status and text."""
        url = urlsplit(self.ops_url)
        connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=seconds)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def metric(self, name: str) -> float:
        """The value of the sample written exactly as `name`, labels and all; 0 where there is none."""
        for line in self.ops("/metrics")[1].splitlines():
            sample, _, value = line.rpartition(" ")
            if sample == name:
                return float(value)
        return 0.0

    def memory(self) -> float:
        """Resident memory in MiB."""
        return resident_bytes(self.process.pid) / 2**20


def resident_bytes(process: int) -> int:
    """The resident memory of the process of this id."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * 4096


def read_answer(connection: http.client.HTTPConnection) -> Answer:
    """The answer on `connection`; every one of the service's answers is JSON."""
    answer = connection.getresponse()
    body = answer.read()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(status=answer.status, headers=headers, json=json.loads(body))


@contextmanager
def running_service(
    folder: Path,
    *flags: str,
    settings: Path | None = SETTINGS,
    self_signed: bool = True,
    command: str = COMMAND,
    environment: Mapping[str, str] | None = None,
) -> Iterator[RunningService]:
    """Run ``ray-webhook serve`` on free loopback ports with a CA of its own in `folder` until the block ends.

    A certificate that `flags` name is trusted if its CA is ``tls/ca.crt`` in `folder`. Without `settings` (for
    ``--kubeconfig``) the service listens before it is ready, and if it is not to be `self_signed` either, it looks
    after its certificate itself. `command` runs ``ray-webhook`` in a way of its own, `environment` is all that it has.
    SIGTERM ends the service without a lame-duck time, unless `flags` name one.
    """
    tls = folder / "tls"
    arguments = ["--host", "127.0.0.1", "--port", "0", "--ops-port", "0", "--console-port", "0", "--lame-duck", "0"]
    if settings is not None:
        arguments += ["--settings", str(settings)]
    if self_signed and "--tls-cert" not in flags:
        arguments += ["--self-signed", str(tls)]
    process = subprocess.Popen(
        [command, "serve", *arguments, *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    )
    service = RunningService(process)
    reader = threading.Thread(target=_collect, args=(process, service.lines))
    reader.start()
    try:
        service.url, service.ops_url = service.await_urls()
        service.console_url = service.find_console()
        if tls.exists():
            service.authority = tls / "ca.crt"
            service.trust = ssl.create_default_context(cafile=service.authority)
        yield service
    finally:
        process.terminate()
        process.wait(timeout=20)
        reader.join()
        if process.stdout:
            process.stdout.close()


def _collect(process: subprocess.Popen[bytes], lines: list[bytes]) -> None:
    lines.extend(process.stdout or ())


def run_command(*arguments: str, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``ray-webhook`` to its end."""
    return subprocess.run(
        [COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment or None,
    )


def recorded(name: str) -> dict[str, Any]:
    """A recorded AdmissionReview by its file's name without the ending."""
    review: dict[str, Any] = json.loads((FIXTURES / "reviews" / f"{name}.json").read_text())
    return review


def client_pod(annotations: dict[str, str] | None = None, env: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """A review of the smallest client pod."""
    review = recorded("pod-dry-run")
    review["request"]["object"]["metadata"]["annotations"].update(annotations or {})
    review["request"]["object"]["spec"]["containers"][0]["env"] = list(env)
    return review
