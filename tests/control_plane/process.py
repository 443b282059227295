"""One server as a child process, and waiting for what it will do."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from .errors import ControlPlaneError, Fault

T = TypeVar("T")


class Server:
    """A program that runs until it is stopped; everything it prints is appended to a log file."""

    def __init__(self, command: Sequence[str | Path], log: Path) -> None:
        self.name = Path(command[0]).name
        self.log = log
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it where it does not run; returns before it serves anything.

        It gets a session of its own, or Ctrl-C in a terminal would end all servers at once and in no order.
        """
        if self.running:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=without_proxies() | {"CONTROL_PLANE_LIFELINE": "1"},
                start_new_session=True,
            )

    def stop(self, seconds: float = 30) -> None:
        """End it by SIGTERM, by SIGKILL after ``seconds``, and wait for it; nothing happens where it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        finally:
            if process.stdin:
                process.stdin.close()

    def last_line(self, text: str) -> str:
        """The last line of its log that has `text`; empty for none."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line for line in reversed(lines) if text in line), "")

    def require_running(self) -> None:
        """Raise ``SERVER_ENDED`` with the last line of the log where the process has ended by itself."""
        if self._process is not None and (status := self._process.poll()) is not None:
            lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
            last = next((line for line in reversed(lines) if line.strip()), "it printed nothing")
            raise ControlPlaneError(
                Fault.SERVER_ENDED, f"{self.name} ended with status {status}: {last.strip()} (whole log: {self.log})"
            )


def without_proxies() -> dict[str, str]:
    """This process' environment without proxy variables: everything here is on loopback."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def wait_for(condition: Callable[[], T | None], what: str, *, seconds: float = 30, interval: float = 0.05) -> T:
    """Call ``condition`` until it returns something true, and return that.

    Raises:
        ControlPlaneError: with ``TIMED_OUT`` after ``seconds``; ``what`` names the state that was waited for.
    """
    end = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > end:
            raise ControlPlaneError(Fault.TIMED_OUT, f"{what}: not so after {seconds:g} s; read the servers' logs")
        time.sleep(interval)
    return result


def free_ports(count: int) -> list[int]:
    """Different TCP ports that nobody listens on at 127.0.0.1; another process may still take one before its use."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [server.getsockname()[1] for server in sockets]
    for server in sockets:
        server.close()
    return ports
