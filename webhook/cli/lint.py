"""``ray-webhook lint``: findings in files, told like a good compiler's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from webhook import contract
from webhook.cli.cluster_flags import settings_name_option, settings_names, webhook_namespace_option
from webhook.cli.lint_files import FileTree, candidates_in
from webhook.cli.lint_fix import fix_candidates, show_fix
from webhook.cli.lint_formats import as_json, as_sarif
from webhook.cli.lint_report import Report, report_on
from webhook.cli.lint_text import as_text
from webhook.cli.output import Style, no_color_option, option
from webhook.cli.settings_file import given_settings
from webhook.manifests.lint.context import Context


@click.command("lint")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@option("--settings", type=click.Path(path_type=Path), help="Settings file to compare declared values with.")
@settings_name_option
@webhook_namespace_option("--webhook-namespace")
@option("--output", "-o", type=click.Choice(["text", "json", "sarif"]), default="text", help="How to print.")
@option("--fix", is_flag=True, help="Change the files, where no pod gets another value by it.")
@option("--diff", is_flag=True, help="Show what --fix would change; with --fix, what it changes.")
@no_color_option
def command(paths: Sequence[str], output: str, *, no_color: bool, **flags: Any) -> int:
    """Find hard-coded Ray settings, wrong roles and their like in files, and say what to do.

    Folders are searched for manifests, kustomizations, Helm charts, env files and the like, but for hidden folders,
    virtual environments, node_modules, Markdown and backups. A file that is named is looked at whatever it is; - is
    YAML on standard input. The comment `# ray-webhook: ignore CODE`, on a line or above it, silences its finding.

    --fix takes out what the webhook gives anyway, and moves what all pods agree about into settings; a pod that would
    get another value keeps what it declares. It then tells what it leaves, and why.

    The exit status is 1 if there are errors or warnings (notes do not count), 2 if a file could not be read or written.
    """
    context = Context(
        settings=given_settings(flags["settings"]),
        settings_names=frozenset(settings_names(flags["settings_name"])),
        webhook_namespace=flags["webhook_namespace"] or contract.WEBHOOK_NAMESPACE,
        tree=FileTree(),
    )
    candidates, style = list(candidates_in(paths)), Style(no_color=no_color)
    if flags["fix"] or flags["diff"]:
        fixed = fix_candidates(candidates, context, write=flags["fix"])
        show_fix(fixed, style, diff=flags["diff"])
        click.echo(_told(fixed.report, output, style), err=flags["diff"])
        return fixed.exit_status
    report = report_on(candidates, context)
    click.echo(_told(report, output, style))
    return report.exit_status


def _told(report: Report, output: str, style: Style) -> str:
    if output == "text":
        return "\n".join(as_text(report, style))
    return as_json(report) if output == "json" else as_sarif(report)
