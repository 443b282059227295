"""The program on a terminal of its own, and what it printed compared with a file that a person has read.

``UPDATE_GOLDEN=1 pytest ...`` writes the files anew; the diff is what has to be read.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.service import COMMAND

GOLDEN: Final = Path(__file__).parent / "golden"
_STYLE: Final = re.compile(r"\x1b\[([0-9;]*)m")
_NAMES: Final = {"0": "/", "1": "bold", "31": "red", "32": "green", "33": "yellow", "36": "cyan"}


class Terminal:
    """``ray-webhook`` on a pseudo-terminal: standard input, output and error are all the same one."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self._master, slave = pty.openpty()
        settings = termios.tcgetattr(slave)
        settings[1] &= ~termios.ONLCR
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        self._process = subprocess.Popen(
            [COMMAND, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**inherited, "TERM": "xterm", **environment},
            start_new_session=True,
        )
        os.close(slave)
        self.text = ""

    def read_until(self, told: str | None) -> str:
        """All that was printed until `told` came, or to the end."""
        while told is None or told not in self.text:
            try:
                chunk = os.read(self._master, 65536)
            except OSError:  # how Linux tells that nobody has the other side open any more
                break
            if not chunk:
                break
            self.text += chunk.decode()
        return self.text

    def type(self, text: str) -> None:
        """Type."""
        os.write(self._master, text.encode())

    def end(self) -> int:
        """Wait for the end; the exit status."""
        self.read_until(None)
        os.close(self._master)
        return self._process.wait(timeout=60)


def on_terminal(*arguments: str) -> tuple[int, str]:
    """The exit status and what was printed, with styles as ``<red>``."""
    terminal = Terminal(*arguments)
    status = terminal.end()
    return status, styled(terminal.text)


def styled(text: str) -> str:
    """`text` with styles as people can read them in a file."""
    return _STYLE.sub(lambda match: f"<{_NAMES.get(match[1], match[1])}>", text)


def check_golden(name: str, text: str, *, edit: Callable[[str], str] = lambda text: text) -> None:
    """Compare with the file `name`; `edit` takes out what differs from run to run."""
    file, found = GOLDEN / name, edit(text)
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8"), f"{file} differs; see its module's docstring"
