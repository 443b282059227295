"""The mode of the service as a flag, for all commands that have to know it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from webhook.cli.output import option
from webhook.server.state import Mode

_Command = TypeVar("_Command", bound=Callable[..., Any])


def mode_option(text: str) -> Callable[[_Command], _Command]:
    """``--mode`` with `text` as its help."""
    modes = click.Choice([*map(str, Mode)])
    return option("--mode", type=modes, default=Mode.ENFORCE.value, show_default=True, help=text)
