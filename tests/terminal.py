"""A command on a terminal of 80 columns: what a person sees of both its outputs."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios

from tests.service import COMMAND


def on_terminal(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run ``ray-webhook`` to its end on a terminal; its exit status and what it printed, with the colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen([COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    printed = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return process.wait(timeout=60), printed.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    """What came, or nothing at the end, which Linux tells by an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
