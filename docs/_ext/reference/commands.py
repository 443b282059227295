"""Every command with its arguments and flags, and the environment variables that give the flags."""

from __future__ import annotations

from collections.abc import Iterator

import click

from docs._ext.reference.markdown import code, codes, fence, page, prose, table
from webhook.cli.main import cli


def commands(command: click.Command = cli, path: str = "ray-webhook") -> Iterator[tuple[str, click.Command]]:
    """Each command that does something with its whole name, those of groups too."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        if below is not None:
            yield from commands(below, f"{path} {name}")


def options(command: click.Command) -> list[click.Option]:
    """A command's flags, but for --help."""
    return [one for one in command.get_params(click.Context(command)) if isinstance(one, click.Option) and one.envvar]


def pages() -> Iterator[tuple[str, str]]:
    """Each page's name, below the reference, and its text."""
    yield "flags", _flags()
    yield "environment", _environment()


def _flags() -> str:
    parts = [
        (
            "Every flag can also come from the environment; the flag beats the variable. Exit statuses: 0 fine, 1 "
            "findings or a failed check, 2 wrong usage or input, 3 the cluster or the network failed. Results are on "
            "the standard output, reports and progress on the standard error."
        )
    ]
    for name, command in commands():
        context = click.Context(command, info_name=name)
        parts += [f"## {name}", fence(" ".join(command.get_usage(context).split()[1:]))]
        parts += [prose(" ".join(paragraph.split())) for paragraph in (command.help or "").split("\n\n")]
        rows = [_row(option, context) for option in options(command)]
        parts += [table(["flag", "variable", "what it does"], rows)] if rows else []
        parts += ["For example:", fence(command.epilog)] if command.epilog else []
    return page("Commands and flags", *parts)


def _row(option: click.Option, context: click.Context) -> list[str]:
    shown, text = option.get_help_record(context) or ("", "")
    return [code(shown), code(option.envvar), prose(text)]


def _environment() -> str:
    uses: dict[str, list[str]] = {}
    for name, command in commands():
        for option in options(command):
            uses.setdefault(str(option.envvar), []).append(name.removeprefix("ray-webhook "))
    rows = [[code(variable), codes(names)] for variable, names in sorted(uses.items())]
    others = [
        [code("NO_COLOR"), "no output is coloured, as `--no-color` (https://no-color.org)"],
        [code("KUBECONFIG"), "the kubeconfig file of the commands that people call, one file; else `~/.kube/config`"],
    ]
    return page(
        "Environment variables",
        "Of the command line and the service. What pods get is in [Variables](variables.md); what a program reads by "
        "`ray_config` in [Connecting to Ray](../RAY_CONFIGURATION_PATTERN.md).",
        "## Variables that give a flag",
        "What each does is told by its flag, in [Commands and flags](flags.md). A flag that may be given several times "
        "takes the values from its variable separated by blanks.",
        table(["variable", "of the commands"], rows),
        "## Others",
        table(["variable", "what it does"], others),
    )
