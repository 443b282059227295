"""Flags that commands share, reading what they are given, and text for a terminal or a pipe."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TextIO, TypeVar

import click

from webhook.errors import InputError, WebhookError, escape, quote

_Command = TypeVar("_Command", bound=Callable[..., Any])

MAX_INPUT = 64 * 1024 * 1024
"""Bytes of one manifest file."""


class OutputError(Exception):
    """The standard output cannot be written; no OSError, since click takes a closed pipe for a failure of its own."""

    exit_status: ClassVar[int] = 3

    def __init__(self, reason: str, *, reader_gone: bool = False) -> None:
        """Keep why, and whether it was only that the reader closed the pipe."""
        super().__init__(reason)
        self.reader_gone = reader_gone

    def told(self) -> WebhookError:
        """What to tell the user."""
        return WebhookError(f"standard output cannot be written ({self})", fix="give one that can")


class StandardOutput(io.FileIO):
    """The standard output, whose failures are told from those of any other file or socket.

    After a failure it swallows what comes, else the interpreter would try again at its end and print a traceback.
    """

    @classmethod
    def install(cls) -> None:
        """Take the place of :data:`sys.stdout`.

        Raises:
            OutputError: it was closed before the program began.
        """
        # Typed as always there, yet None where it is closed (https://docs.python.org/3/library/sys.html#sys.__stdout__).
        inherited: TextIO | None = sys.stdout
        if inherited is None:
            raise OutputError("it is closed")
        raw = cls(inherited.fileno(), "wb", closefd=False)
        encoding = inherited.encoding
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=True)

    _failed = False

    def write(self, data: Any, /) -> int:
        """Write some of `data`: how many bytes.

        Raises:
            OutputError: it cannot be written, for the first time.
        """
        if self._failed:
            return len(data)
        try:
            return super().write(data)
        except OSError as error:
            self._failed = True
            raise OutputError(str(error.strerror), reader_gone=isinstance(error, BrokenPipeError)) from None


def option(flag: str, *more: str, **settings: Any) -> Callable[[_Command], _Command]:
    """A flag that can also come from the environment, as RAY_WEBHOOK_<FLAG>."""
    variable = "RAY_WEBHOOK_" + flag.lstrip("-").upper().replace("-", "_")
    return click.option(flag, *more, envvar=variable, **settings)


def no_color_option(command: _Command) -> _Command:
    """``--no-color``; the variable NO_COLOR is honoured as well (https://no-color.org)."""
    return option("--no-color", is_flag=True, help="Do not colour the output.")(command)


class Style:
    """Colours where somebody sees them: on a terminal, unless told otherwise."""

    def __init__(self, *, no_color: bool, err: bool = False) -> None:
        """Decide once, for the standard output or, with `err`, for the standard error."""
        stream: TextIO | None = sys.stderr if err else sys.stdout  # None where it is closed
        is_seen = stream is not None and stream.isatty()
        self._enabled = is_seen and not no_color and not os.environ.get("NO_COLOR")

        self._is_seen = is_seen

    def visible(self, text: str) -> str:
        """A line of a file: on a terminal without what would steer it, elsewhere as it is."""
        if not self._is_seen:
            return text
        body = text.rstrip("\r")
        kept = (one if one.isprintable() or one in "\t\n" else escape(one) for one in body)
        return "".join(kept) + text[len(body) :]

    def __call__(self, text: str, color: str | None = None, *, bold: bool = False) -> str:
        """`text` in `color`, or as it is."""
        is_styled = self._enabled and (color or bold)
        return click.style(text, fg=color, bold=bold or None) if is_styled else text


def read_input(name: str, *, limit: int = MAX_INPUT, decode: Callable[[bytes], str] = bytes.decode) -> str:
    """The text of the file `name`, or of the standard input for ``-``, of at most `limit` bytes, by `decode`.

    Raises:
        InputError: it cannot be read, is too large, or is no text in its encoding.
    """
    source = describe_input(name)
    try:
        with _standard_input() if name == "-" else Path(name).open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{source} cannot be read ({reason})", fix="give a readable file") from None
    if len(content) > limit:
        raise InputError(f"{source} is larger than {limit} bytes", fix="give a smaller file")
    try:
        return decode(content)
    except UnicodeDecodeError as error:
        encoding = error.encoding.upper()
        raise InputError(
            f"{source} has a byte at {error.start} that is not {encoding}", fix="give text in UTF-8"
        ) from None
    except ValueError as error:
        raise InputError(f"{source} is no text ({quote(str(error))})", fix="give text in UTF-8") from None


def _standard_input() -> BinaryIO:
    inherited: TextIO | None = sys.stdin  # None where it is closed, as the standard output
    if inherited is None or inherited.closed:
        raise OSError(errno.EBADF, "it is closed, or was read before")
    return inherited.buffer


def describe_input(name: str) -> str:
    """What to call the input `name` in a message."""
    return "standard input" if name == "-" else f"file {quote(name, limit=400)}"
