"""One line a decision, as JSON or as text; never a value of an env variable, and never more than one line.

The decision's line is encoded by msgspec (1 µs, against 9 by the standard library's logging), and those of some
milliseconds are written by one system call, which costs more than a line does and wakes up whoever reads. What
libraries log goes through :class:`LibraryHandler` into the same stream.
"""

from __future__ import annotations

import json
import logging
import os
import stat
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec

from webhook.errors import quote

GATHERING_SECONDS: Final = 0.05
"""For how long a line may wait for others; what kills the process at once takes those with it."""
MOST_GATHERED: Final = 100
"""Lines, of some 350 bytes each: they fit into an empty pipe."""


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
        self._lock = threading.Lock()
        self._gathered: list[bytes] = []
        self._call_later: Callable[[float, Callable[[], None]], object] | None = None
        kind = os.fstat(file).st_mode
        if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind):
            os.set_blocking(file, False)

    def gather(self, call_later: Callable[[float, Callable[[], None]], object]) -> None:
        """Let events that can wait do so; `call_later` is the event loop's."""
        self._call_later = call_later

    def write(self, level: str, event: str, **fields: object) -> None:
        """Write one event, and what waits; `fields` are numbers, texts, or lists of them."""
        line = self._line(level, event, fields)
        with self._lock:
            self._gathered.append(line)
        self.flush()

    def write_later(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        """Write one event of the event loop's thread, together with those that come within a moment."""
        line = self._line(level, event, fields)
        with self._lock:
            self._gathered.append(line)
            count = len(self._gathered)
        if self._call_later is None or count >= MOST_GATHERED:
            self.flush()
        elif count == 1:
            self._call_later(GATHERING_SECONDS, self.flush)

    def _line(self, level: str, event: str, fields: Mapping[str, object]) -> bytes:
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        return self._encode({"time": time, "level": level, "event": event, **fields})

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            lines, self._gathered = self._gathered, []
            if lines and not self._written(b"".join(lines)):
                for _ in lines:
                    self._on_loss()

    def _written(self, text: bytes) -> bool:
        """Whether `text` goes out, in part at least; the rest of its last part goes before whatever is next."""
        try:
            if self._rest:
                self._rest = self._rest[os.write(self._file, self._rest) :]
            if not self._rest:
                self._rest = text[os.write(self._file, text) :]
                return True
        except OSError:
            pass
        return False

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
