"""A command on a terminal: what a person sees."""

from __future__ import annotations

import os
import pty
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.service import COMMAND


@dataclass(frozen=True)
class Seen:
    """What came to the terminal, and how the command ended."""

    text: str
    returncode: int


def run_on_terminal(*arguments: str, folder: Path | None = None, seconds: float = 60, **environment: str) -> Seen:
    """Run ``ray-webhook`` in `folder`, with a terminal as its standard output and standard error."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=its,
        env={**os.environ, "TERM": "xterm", **environment},
    )
    os.close(its)
    text = b""
    try:
        while part := _read(ours):
            text += part
        process.wait(timeout=seconds)
    finally:
        os.close(ours)
        process.kill()
        process.wait()
    return Seen(text=text.decode().replace("\r\n", "\n"), returncode=process.returncode)


def _read(terminal: int) -> bytes:
    """Some of what came; nothing at its end, which Linux tells as an error."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
