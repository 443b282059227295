"""The entry point ``ray-webhook``: one line for an error, an exit status for scripts, never a traceback.

Commands are imported when they are called, since `reasons` must not pay for a web server.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

import click

from webhook import __version__
from webhook.errors import UsageError, WebhookError, quote

COMMANDS: Final = {
    "demo": "serve sample pods on loopback and show what changes and why",
    "explain": "say what happens to a manifest's pods, and why",
    "reasons": "list the reason codes, or explain one",
    "serve": "run the service",
}


class _Commands(click.Group):
    """The commands by name; the module of each is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  as click calls it
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  as click calls it
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"webhook.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  as click calls it
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ray-webhook")
def cli() -> None:
    """Give every pod the Ray connection settings of its role.

    Every flag can also come from the environment, as RAY_WEBHOOK_<FLAG>.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process: 0 fine, 1 findings, 2 wrong usage or input, 3 the network failed."""
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        status: Any = cli.main(args=arguments, prog_name="ray-webhook", standalone_mode=False)
    except WebhookError as error:
        return _fail(error)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help(), err=True)
        return UsageError.exit_status
    except click.ClickException as error:
        return _fail(_usage_error(error))
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        # Whoever reads our output, a pager for one, has seen enough.
        sys.stderr.close()
        return 0
    return status if isinstance(status, int) else 0


def _fail(error: WebhookError) -> int:
    click.echo(f"ray-webhook: {error}", err=True)
    return error.exit_status


def _usage_error(error: click.ClickException) -> UsageError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "ray-webhook"
    text = quote(" ".join(error.format_message().split()).rstrip("."), limit=400)[1:-1].replace('\\"', '"')
    return UsageError(text, fix=f"see {path} --help")
