"""One line a decision, as JSON or as text; never a value of an env variable, and never more than one line.

The decision's line is encoded by msgspec and written by one system call (1 µs, against 9 by the standard library's
logging); what libraries log goes through :class:`LibraryHandler` into the same stream.
"""

from __future__ import annotations

import json
import logging
import os
import stat
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from webhook.errors import quote


class LogFormat(StrEnum):
    """How a line is written."""

    JSON = "json"
    TEXT = "text"


class Log:
    """A stream of events.

    Args:
        file: descriptor to write to. A pipe is made non-blocking: with nobody to read it, lines are lost and counted,
            and the work that is logged goes on.
        form: JSON objects or plain text, a line each.
        on_loss: called for a line that could not be written.
    """

    def __init__(self, file: int, form: LogFormat, on_loss: Callable[[], None] = lambda: None) -> None:
        """See the class."""
        self._file = file
        self._encode = _encode_json if form is LogFormat.JSON else _encode_text
        self._on_loss = on_loss
        self._rest = b""
        kind = os.fstat(file).st_mode
        if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind):
            os.set_blocking(file, False)

    def write(self, level: str, event: str, **fields: object) -> None:
        """Write one event; `fields` are numbers, texts, or lists of them."""
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = self._encode({"time": time, "level": level, "event": event, **fields})
        try:
            if self._rest:
                self._rest = self._rest[os.write(self._file, self._rest) :]
            if not self._rest:
                self._rest = line[os.write(self._file, line) :]
                return
        except OSError:
            pass
        self._on_loss()

    def info(self, event: str, **fields: object) -> None:
        """Write what is as it should be."""
        self.write("info", event, **fields)

    def warning(self, event: str, **fields: object) -> None:
        """Write what somebody should look at."""
        self.write("warning", event, **fields)

    def fault(self, event: str, error: BaseException, **fields: object) -> None:
        """Write a fault of our own: the kind of `error` and where it was raised, but not its text.

        The text may quote what a pod declares.
        """
        frames = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        self.write("error", event, error=type(error).__name__, frames=frames, **fields)


def _encode_json(fields: dict[str, object]) -> bytes:
    line = msgspec.json.encode(fields)
    # JSON leaves U+009B, which begins a terminal's escape sequences, and marks that turn text around as they are.
    return (line if line.isascii() else json.dumps(msgspec.to_builtins(fields)).encode()) + b"\n"


def _encode_text(fields: dict[str, object]) -> bytes:
    time, level, event, *rest = fields.values()
    names = list(fields)[3:]
    pairs = [f"{name}={_plain(value)}" for name, value in zip(names, rest, strict=True) if value not in (None, [])]
    return " ".join([str(time), str(level).upper(), str(event), *pairs]).encode() + b"\n"


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(_plain, value))
    text = str(value)
    return text if text.isascii() and text.isprintable() and " " not in text else quote(text, limit=1000)


class LibraryHandler(logging.Handler):
    """Hands on what uvicorn and others log by the standard library."""

    def __init__(self, log: Log) -> None:
        """Write to `log`."""
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record's text; of an exception its kind and place only."""
        if record.exc_info and record.exc_info[1]:
            self._log.fault("library", record.exc_info[1], logger=record.name)
        else:
            self._log.write(record.levelname.lower(), "library", logger=record.name, message=record.getMessage())


def capture_libraries(log: Log) -> None:
    """Let everything that libraries log, warnings and above, go to `log`."""
    logging.basicConfig(handlers=[LibraryHandler(log)], level=logging.WARNING, force=True)
    logging.raiseExceptions = False
    sys.unraisablehook = lambda unraisable: log.write(
        "error", "unraisable", error=getattr(unraisable.exc_type, "__name__", "")
    )
