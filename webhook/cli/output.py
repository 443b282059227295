"""Flags that commands share, reading what they are given, and text for a terminal or a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from webhook.errors import InputError, quote

_Command = TypeVar("_Command", bound=Callable[..., Any])

MAX_INPUT = 64 * 1024 * 1024
"""Bytes of one manifest file."""


def option(flag: str, *more: str, **settings: Any) -> Callable[[_Command], _Command]:
    """A flag that can also come from the environment, as RAY_WEBHOOK_<FLAG>."""
    variable = "RAY_WEBHOOK_" + flag.lstrip("-").upper().replace("-", "_")
    return click.option(flag, *more, envvar=variable, **settings)


def no_color_option(command: _Command) -> _Command:
    """``--no-color``; the variable NO_COLOR is honoured as well (https://no-color.org)."""
    return option("--no-color", is_flag=True, help="Do not colour the output.")(command)


class Style:
    """Colours where somebody sees them: on a terminal, unless told otherwise."""

    def __init__(self, *, no_color: bool) -> None:
        """Decide once."""
        self._enabled = sys.stdout.isatty() and not no_color and not os.environ.get("NO_COLOR")

    def __call__(self, text: str, color: str | None = None, *, bold: bool = False) -> str:
        """`text` in `color`, or as it is."""
        return click.style(text, fg=color, bold=bold or None) if self._enabled else text


def read_input(name: str) -> str:
    """The text of the file `name`, or of the standard input for ``-``.

    Raises:
        InputError: it cannot be read, is too large, or is no text in UTF-8.
    """
    source = describe_input(name)
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
            content = file.read(MAX_INPUT + 1)
    except OSError as error:
        raise InputError(f"{source} cannot be read ({error.strerror})", fix="give a readable file") from None
    if len(content) > MAX_INPUT:
        raise InputError(f"{source} is larger than {MAX_INPUT} bytes", fix="give a smaller file")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{source} has a byte at {error.start} that is not UTF-8", fix="give text in UTF-8") from None


def describe_input(name: str) -> str:
    """What to call the input `name` in a message."""
    return "standard input" if name == "-" else f"file {quote(name, limit=400)}"
