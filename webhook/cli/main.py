"""The command line: one line for an error, an exit status for scripts, never a traceback.

Commands are imported when they are called, since `reasons` must not pay for a web server.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

import click

from webhook import __version__
from webhook.cli.output import OutputError, StandardOutput
from webhook.errors import UsageError, WebhookError, quote

COMMANDS: Final = {
    "audit": "find pods that were missed or are stale, and say what mends them",
    "certs": "issue certificates by hand, or show them",
    "check": "say whether a cluster is ready, or an installation sound, and what mends it",
    "demo": "serve sample pods on loopback and show what changes and why",
    "explain": "say what happens to a manifest's pods, and why",
    "inject": "put the settings into manifests, for clusters without the webhook",
    "lint": "find hard-coded Ray settings, wrong roles and their like in files",
    "reasons": "list the reason codes, or explain one",
    "render": "print the settings as a policy for the API server, for clusters without the webhook",
    "serve": "run the service",
    "settings": "check settings before they are applied",
    "uninject": "take out of manifests what inject, or the webhook, would put in",
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
    """Run the command line and end the process.

    Its exit status is 0 if all is fine, 1 for findings or a failed check, 2 for wrong usage or input, 3 if what is
    around it failed: the cluster, the network, or a standard output that cannot be written. A reader of the output
    that goes away, such as a pager or ``head``, has seen enough: that is 0.
    """
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        StandardOutput.install()
        status: Any = cli.main(args=arguments, prog_name="ray-webhook", standalone_mode=False)
    except OutputError as error:
        return 0 if error.reader_gone else _fail(error.told(), OutputError.exit_status)
    except WebhookError as error:
        return _fail(error, error.exit_status)
    except click.exceptions.NoArgsIsHelpError as error:
        return _print(error.ctx.get_help(), UsageError.exit_status)
    except click.ClickException as error:
        return _fail(_usage_error(error), UsageError.exit_status)
    except OSError as error:
        return _fail(_system_error(error), OutputError.exit_status)
    except (click.Abort, KeyboardInterrupt):
        return 130
    return status if isinstance(status, int) else 0


def _fail(error: WebhookError, status: int) -> int:
    return _print(f"ray-webhook: {error}", status)


def _print(text: str, status: int) -> int:
    with suppress(OSError):  # there is nobody left to tell, but the exit status still says it
        click.echo(text, err=True)
    return status


def _system_error(error: OSError) -> WebhookError:
    return WebhookError(f"the system refused ({quote(str(error), limit=400)})", fix="see what it says")


def _usage_error(error: click.ClickException) -> UsageError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "ray-webhook"
    text = quote(" ".join(error.format_message().split()).rstrip("."), limit=400)[1:-1].replace('\\"', '"')
    return UsageError(text, fix=f"see {path} --help")
