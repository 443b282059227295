"""``ray-webhook explain``: what happens to a manifest's pods, or what is the matter with those that run, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from click.core import ParameterSource

from webhook.cli.cluster_flags import cluster_domain_option, cluster_options, webhook_namespace_option
from webhook.cli.explanation import body_lines, headline, hint_lines, influence_lines
from webhook.cli.output import Style, describe_input, no_color_option, option, read_input
from webhook.cli.settings_file import given_settings
from webhook.contract import Role
from webhook.errors import UsageError, escape
from webhook.injection.snapshot import Snapshot
from webhook.manifests.explaining import explain_text
from webhook.manifests.explanation import Explained
from webhook.manifests.outcomes import Given

_OF_MANIFESTS = ("file", "settings", "default_role")
_OF_CLUSTERS = ("kubeconfig", "context", "settings_name", "webhook_namespace")


@click.command("explain")
@click.argument("target", nargs=-1, metavar="[KIND/NAME]")
@option("--file", "-f", help="Manifest, or a recorded AdmissionReview; - for standard input.")
@option("--namespace", "-n", help="Of KIND/NAME, or of manifests that name none.  [default: the context's, or default]")
@option(
    "--settings", type=click.Path(path_type=Path), help="With -f: settings file; without it the built-in ones hold."
)
@option(
    "--default-role",
    type=click.Choice([Role.CLIENT.value]),
    help="With -f: the namespace's label ray.seedcore.io/default-role.",
)
@cluster_options
@webhook_namespace_option("--webhook-namespace")
@cluster_domain_option
@option("--output", "-o", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@no_color_option
def command(target: tuple[str, ...], output: str, *, no_color: bool, **flags: Any) -> None:
    """Say what the webhook does to the pods of a manifest (-f), and why; or of a pod or workload of a cluster.

    Of a pod that runs: what it has, what it would get today, and why the two differ or the webhook left it alone.
    Kinds are written as for kubectl: pod/api-0, deploy/api, sts/db, raycluster/train.
    """
    style = Style(no_color=no_color)
    _check(target, flags)
    if target:
        from webhook.cli.explain_live import explain_live

        document, lines = explain_live(target, style, **flags)
        click.echo(msgspec.json.format(msgspec.json.encode(document)) if output == "json" else "\n".join(lines))
        return
    explained = _explain_file(flags["file"], flags)
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(explained)))
    else:
        click.echo("\n\n".join("\n".join(_lines(item, style)) for item in explained))


def _check(target: Sequence[str], flags: Mapping[str, Any]) -> None:
    if bool(target) == bool(flags["file"]):
        raise UsageError("both or none of --file and KIND/NAME are given", fix="give one of them")
    context = click.get_current_context()
    for name in _OF_MANIFESTS if target else _OF_CLUSTERS:
        # What the environment says is for other commands as well.
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} and {'KIND/NAME' if target else '--file'} are given", fix=f"leave out {flag}")


def _explain_file(file: str, flags: Mapping[str, Any]) -> list[Explained]:
    text = read_input(file)
    given = Given(
        snapshot=Snapshot(cluster_wide=given_settings(flags["settings"]), cluster_domain=flags["cluster_domain"]),
        namespace=flags["namespace"] or "default",
        default_role=Role(flags["default_role"]) if flags["default_role"] else None,
    )
    return [item.explained for item in explain_text(text, given, source=describe_input(file))]


def _lines(explained: Explained, style: Style) -> Iterator[str]:
    yield headline(explained, style)
    yield f"  {escape(explained['message'])}"
    yield from hint_lines(explained["hints"], style)
    yield from body_lines(explained, style)
    if explained["operations"]:
        yield "  JSON Patch"
        yield from (f"    {operation['op']:<7} {escape(operation['path'])}" for operation in explained["operations"])
    for found in explained["mayBringIn"]:
        yield from influence_lines(found, style)
