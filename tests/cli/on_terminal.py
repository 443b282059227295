"""A command as it runs on a terminal: what it prints there."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.service import COMMAND


def on_a_terminal(arguments: Sequence[str], folder: Path) -> tuple[int, str]:
    """Exit status and output of the command line run in `folder` with a terminal as its output."""
    leader, follower = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    with subprocess.Popen(
        [COMMAND, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=follower,
        env={**environment, "TERM": "xterm"},
    ) as process:
        os.close(follower)
        read = b"".join(iter(lambda: _read(leader), b""))
    os.close(leader)
    return process.returncode, read.decode().replace("\r\n", "\n")


def _read(leader: int) -> bytes:
    """What is there next; a terminal whose other side is closed is at its end, which Linux tells by an error."""
    with suppress(OSError):
        return os.read(leader, 65536)
    return b""
