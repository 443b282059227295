"""Files that the service follows while it serves: read at once and up to a limit, whatever lies at the path."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

MAX_FILE: Final = 1024 * 1024
"""Bytes; neither a ConfigMap nor a Secret can be larger."""


def read_regular_file(path: Path) -> bytes | str:
    """The file's bytes, or in words why there are none (comparable, so that a fault can be told once).

    The event loop calls this: a FIFO would hold it until somebody writes, a device such as /dev/zero for ever.
    """
    try:
        # Without O_NONBLOCK the very opening of a FIFO waits for a writer (open(2)).
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return _read(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        return error.strerror or type(error).__name__


def _read(descriptor: int) -> bytes | str:
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        return os.strerror(errno.EISDIR)
    if not stat.S_ISREG(mode):
        return "it is no regular file"
    content = bytearray()
    while len(content) <= MAX_FILE and (part := os.read(descriptor, MAX_FILE + 1 - len(content))):
        content += part
    return bytes(content) if len(content) <= MAX_FILE else f"it is larger than {MAX_FILE} bytes"
