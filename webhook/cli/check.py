"""``ray-webhook check``: is the cluster ready, is the installation sound, and what mends it?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final

import click

from webhook import contract
from webhook.cli.check_report import Progress, Report
from webhook.cli.cluster_flags import (
    api_of,
    cluster_options,
    kubeconfig_of,
    settings_names,
    webhook_namespace_option,
)
from webhook.cli.flags import DnsName
from webhook.cli.output import no_color_option, option
from webhook.cluster.checks.outcome import Group, State
from webhook.cluster.pod import own_namespace
from webhook.errors import ClusterError, UsageError
from webhook.server.state import Mode

if TYPE_CHECKING:
    from webhook.cluster.checks.context import Context
    from webhook.cluster.checks.installation import Given
    from webhook.cluster.checks.outcome import Check, Result
    from webhook.cluster.client import Api

PAUSE_SECONDS: Final = 2.0
"""Between two looks of ``--wait``."""
_WAIT_SECONDS: Final = 300
_SHAPE: Final = """\b
The shape of -o json, in which code and hint are null where nothing is wrong:
  {"fine": BOOL, "cluster": URL, "version": VERSION, "checks": [
    {"group": TEXT, "name": TEXT, "title": TEXT,
     "state": "passed" | "warned" | "failed" | "skipped",
     "outcomes": [{"state", "code", "detail", "hint"}]}]}
"""
_TOLD: Final = "[default: as the Deployment tells its service]"
_ONLY: Final = tuple(group.value for group in Group if group is not Group.BEFORE)


def _names(command: Any) -> Any:
    """The flags for what is called otherwise than usual."""
    for flag, text in (
        ("--cluster-domain", "What ends a Service's full name."),
        ("--tls-secret", "Secret that holds the certificate."),
        ("--webhook-configuration", "Webhook configuration."),
        ("--service", "Service by which the API server calls."),
    ):
        command = option(flag, type=DnsName(), help=f"{text}  {_TOLD}")(command)
    usual = contract.WEBHOOK_SERVICE
    return option("--deployment", type=DnsName(), default=usual, show_default=True, help="The webhook's.")(command)


@click.command("check", epilog=_SHAPE)
@option("--pre", is_flag=True, help="Before an installation: whether the cluster is ready for one.")
@option(
    "--wait",
    is_flag=False,
    flag_value=str(_WAIT_SECONDS),
    type=click.IntRange(min=1),
    metavar="SECONDS",
    help=f"Look again until nothing fails, for this many seconds.  [--wait alone: {_WAIT_SECONDS}]",
)
@option(
    "--only",
    multiple=True,
    type=click.Choice(_ONLY),
    help="Only this group of checks, and those that it needs; repeatable.",
)
@option("--rights", is_flag=True, help="Print, for kubectl apply, what grants you the rights that the checks need.")
@option("--namespace", "-n", type=DnsName(), help="Where trial pods are created, and never stored.")
@cluster_options
@webhook_namespace_option("--webhook-namespace")
@_names
@option("--mode", type=click.Choice([*map(str, Mode)]), help=f"Of the service.  {_TOLD}")
@option("--output", "-o", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@no_color_option
def command(output: str, wait: int | None, *, pre: bool, rights: bool, no_color: bool, **flags: Any) -> int:
    """Say whether an installation is sound, and what mends it; with --pre, whether the cluster is ready for one.

    Nothing is changed or stored. The exit status is 1 if a check failed; warnings are only told.
    """
    if pre and flags["only"]:
        raise UsageError("--pre and --only exclude each other", fix="give one of them")
    if rights and (wait is not None or output == "json"):
        raise UsageError("--rights and --wait or --output json exclude each other", fix="give one of them")
    given = _given(flags)
    api = api_of(kubeconfig_of(flags["kubeconfig"]), flags["context"])
    checks = _chosen(pre=pre, only=flags["only"])
    if rights:
        click.echo(_grants(api, given, checks), nl=False)
        return 0
    report = Report(no_color=no_color, is_json=output == "json", cluster=api.host)
    if wait is None:
        for result in _look(api, given, checks):
            report.add(result)
    else:
        for result in _looks_until_fine(api, given, checks, seconds=wait):
            report.add(result)
    report.end()
    return 1 if report.has_failed else 0


def _given(flags: dict[str, Any]) -> Given:
    from webhook.cluster.checks.installation import Given

    return Given(
        namespace=flags["webhook_namespace"] or own_namespace() or contract.WEBHOOK_NAMESPACE,
        deployment=flags["deployment"],
        trial_namespace=flags["namespace"] or "",
        service=flags["service"] or "",
        configuration=flags["webhook_configuration"] or "",
        secret=flags["tls_secret"] or "",
        cluster_domain=flags["cluster_domain"] or "",
        mode=flags["mode"] or "",
        settings_names=tuple(settings_names(flags["settings_name"])) if flags["settings_name"] else (),
    )


def _chosen(*, pre: bool, only: Sequence[str]) -> list[Check]:
    from webhook.cluster.checks.catalogue import BEFORE, chosen

    return list(BEFORE) if pre else chosen(only)


def _grants(api: Api, given: Given, checks: Sequence[Check]) -> str:
    """What an administrator applies, as YAML; too strong rights are not in it."""
    import yaml

    from webhook.cluster.checks.rights import granting, used

    context = _context(api, given)
    return yaml.safe_dump_all(granting(context.user, used(checks, context)), sort_keys=False)


def _context(api: Api, given: Given) -> Context:
    from webhook.cluster.checks.context import Context
    from webhook.cluster.checks.network import Sockets

    return Context(api, given, network=Sockets(), now=datetime.now(UTC))


def _look(api: Api, given: Given, checks: Sequence[Check]) -> Iterator[Result]:
    from webhook.cluster.checks.runner import run

    return run(checks, _context(api, given))


def _looks_until_fine(api: Api, given: Given, checks: Sequence[Check], *, seconds: float) -> list[Result]:
    """The results of the first look at which nothing fails, or of the last one that there is time for."""
    progress, ends_at = Progress(), monotonic() + seconds
    while True:
        is_last = monotonic() + PAUSE_SECONDS >= ends_at
        try:
            results = list(_look(api, given, checks))
            failed = [result.check.name for result in results if result.state is State.FAILED]
            if is_last or not failed:
                progress.clear()
                return results
            progress.show(f"waiting for {', '.join(failed)}", left=ends_at - monotonic())
        except ClusterError as error:
            if is_last:
                progress.clear()
                raise
            progress.show(f"waiting for the API server: {error.message}", left=ends_at - monotonic())
        sleep(PAUSE_SECONDS)
