"""``ray-webhook reasons``: every code there is, or one explained."""

from __future__ import annotations

import textwrap
from typing import Final

import click
import msgspec

from webhook.cli.examples import EXAMPLES
from webhook.cli.output import Style, no_color_option, option
from webhook.errors import UsageError
from webhook.injection.families import family_of
from webhook.injection.reasons import Reason, every_reason

NO_FIX: Final = "The message says what to do."
"""Of an error, whose fix depends on what is wrong."""


@click.command("reasons")
@click.argument("code", required=False)
@option("--output", "-o", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@no_color_option
def command(code: str | None, output: str, *, no_color: bool) -> None:
    """List the reason codes, or explain CODE."""
    reasons = [reason for reason in every_reason() if code is None or reason.code == code.upper()]
    if not reasons:
        raise UsageError("CODE", value=str(code), allowed="RAY and three digits", fix="see ray-webhook reasons")
    style = Style(no_color=no_color)
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(reasons)))
    elif code is None:
        for reason in reasons:
            click.echo(f"{style(reason.code, bold=True)}  {reason.summary}")
    else:
        click.echo(_whole(reasons[0], style))


def _whole(reason: Reason, style: Style) -> str:
    """All that there is to say of a code; the documentation has a page with the same."""
    parts = [explained(reason, style), _indented(family_of(reason.code).when)]
    if example := EXAMPLES.get(reason.code):
        parts += ["", *(f"  {line}" for line in example.splitlines())]
    return "\n".join(parts)


def explained(reason: Reason, style: Style) -> str:
    """A code with what it means and what to do, on several lines."""
    texts = map(_indented, (reason.meaning, reason.fix or NO_FIX))
    return "\n".join([f"{style(reason.code, bold=True)}  {reason.summary}", *texts])


def _indented(paragraph: str) -> str:
    return textwrap.fill(paragraph, 100, initial_indent="  ", subsequent_indent="  ")
