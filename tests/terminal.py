"""The program on a terminal of its own, and what it printed compared with a file that a person has read.

``UPDATE_GOLDEN=1 pytest ...`` writes the files anew; the diff is what has to be read.
"""

from __future__ import annotations

import codecs
import os
import pty
import re
import subprocess
import termios
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.service import COMMAND

GOLDEN: Final = Path(__file__).parent / "golden"
_STYLE: Final = re.compile(r"\x1b\[([0-9;]*)m")
_SIZE: Final = (40, 100)
"""Rows and columns."""
_NAMES: Final = {"0": "/", "1": "bold", "31": "red", "32": "green", "33": "yellow", "34": "blue", "36": "cyan"}


class Terminal:
    """``ray-webhook`` on a pseudo-terminal: standard input, output and error are all the same one."""

    def __init__(self, *arguments: str, folder: Path | None = None, **environment: str) -> None:
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, _SIZE)
        settings = termios.tcgetattr(slave)
        settings[1] &= ~termios.ONLCR
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        self._process = subprocess.Popen(
            [COMMAND, *arguments],
            cwd=folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**inherited, "TERM": "xterm", **environment},
            start_new_session=True,
        )
        os.close(slave)
        self._decoder = codecs.getincrementaldecoder("utf-8")()  # a chunk may end within a character
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
            self.text += self._decoder.decode(chunk)
        return self.text

    def type(self, text: str) -> None:
        """Type."""
        os.write(self._master, text.encode())

    def end(self) -> int:
        """Wait for the end; the exit status."""
        self.read_until(None)
        os.close(self._master)
        return self._process.wait(timeout=60)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came to the terminal, and how the command ended."""

    text: str
    returncode: int

    @property
    def styled(self) -> str:
        """The text with styles as ``<red>``, as people can read them in a file."""
        return styled(self.text)


def on_terminal(*arguments: str, folder: Path | None = None, **environment: str) -> Seen:
    """Run ``ray-webhook`` in `folder` to its end."""
    terminal = Terminal(*arguments, folder=folder, **environment)
    status = terminal.end()
    return Seen(text=terminal.text, returncode=status)


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
