"""One bash, which gets a command after the other as somebody at a terminal types them."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

SECONDS: Final = 120.0
"""The longest that a command may take."""


class Session:
    """A shell in `folder`; what its commands print on stdout and stderr comes as one text, as on a screen."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._mark = secrets.token_hex(8)
        self._printed = b""
        self._has_ended = False
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="session")
        self._reader.start()

    def run(
        self, command: str, *, seconds: float = SECONDS, until: Callable[[str], bool] = lambda printed: False
    ) -> str:
        """What `command` prints, to its end or until that is what was waited for; then it runs on.

        Raises:
            TimeoutError: neither came to be in time; `printed` has how far it came.
        """
        assert self._process.stdin
        with self._changed:
            self._printed = b""
        told = f"_status=$?; printf '\\n%s\\n' {self._mark}; (exit $_status)"  # which the next command may ask for
        self._process.stdin.write(f"eval {shlex.quote(command)} </dev/null\n{told}\n".encode())
        self._process.stdin.flush()
        deadline = time.monotonic() + seconds
        with self._changed:
            while not self._is_done() and not until(self.printed):
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"still running after {seconds:.0f} s: {command}\nit printed:\n{self.printed}")
            return self.printed

    @property
    def printed(self) -> str:
        """What the last command has printed so far."""
        return self._printed.decode(errors="replace").partition(self._mark)[0].rstrip()

    @property
    def folder(self) -> Path:
        """Where the shell is now."""
        return Path(self.run("pwd").strip())

    def close(self, *, seconds: float = 20) -> None:
        """Press Ctrl-C for what still runs, wait for it, and end the shell.

        Raises:
            TimeoutError: something did not end by that, and was killed.
        """
        assert self._process.stdin
        is_idle = self._has_ended or self._is_done()
        if not is_idle:
            os.killpg(self._process.pid, signal.SIGINT)
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"Ctrl-C did not end what runs within {seconds:.0f} s") from None
        finally:
            with suppress(ProcessLookupError):  # what a command has left in the background
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout
        while chunk := os.read(self._process.stdout.fileno(), 65536):
            with self._changed:
                self._printed += chunk
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()
        self._process.stdout.close()

    def _is_done(self) -> bool:
        return self._has_ended or self._mark.encode() in self._printed
