"""``ray-webhook audit``: pods that were missed or are stale, workload by workload, and what would mend them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from webhook import contract
from webhook.cli.cluster_flags import (
    api_of,
    cluster_domain_option,
    cluster_options,
    kubeconfig_of,
    settings_names,
    webhook_namespace_option,
)
from webhook.cli.flags import DnsName
from webhook.cli.mode import mode_option
from webhook.cli.output import Style, no_color_option, option
from webhook.cli.report import Change, change_lines
from webhook.cli.restarting import check_restart_flags, restart, restart_options
from webhook.cluster.pod import own_namespace
from webhook.errors import UsageError, escape
from webhook.injection.snapshot import Snapshot
from webhook.injection.standing import Difference
from webhook.manifests.explanation import shown
from webhook.server.state import Mode

if TYPE_CHECKING:
    from webhook.cluster.audit import Audit
    from webhook.cluster.auditor import Audited, Finding

_SHOWN: Final = 3
"""Pods that a line names; JSON names some more."""


@click.command("audit")
@option("--all-namespaces", "-A", is_flag=True, help="Look at the pods of all namespaces.")
@option("--namespace", "-n", type=DnsName(), help="Look at the pods of this one.")
@cluster_options
@webhook_namespace_option("--webhook-namespace")
@cluster_domain_option
@mode_option("Of the service; where it observes, no pod has its settings, and nothing is looked at.")
@option(
    "--output",
    "-o",
    type=click.Choice(["text", "json", "name"]),
    default="text",
    help="How to print; name prints what a restart mends, one a line, as arguments for kubectl rollout restart.",
)
@restart_options
@no_color_option
def command(output: str, *, all_namespaces: bool, no_color: bool, **flags: Any) -> int:
    """Find pods that were missed or are stale, and say what would mend them. The exit status is 1 if there are any.

    With --restart it is done, workload by workload; the exit status is 1 if something is left.
    """
    namespace = flags["namespace"]
    check_restart_flags(output, flags)
    if all_namespaces == bool(namespace):
        raise UsageError("both or none of --all-namespaces and --namespace are given", fix="give one of them")
    if flags["mode"] == Mode.OBSERVE:
        click.echo("the service observes: no pod has its settings, so there is nothing to audit", err=True)
        return 0
    names = settings_names(flags["settings_name"])
    kubeconfig = kubeconfig_of(flags["kubeconfig"])
    own = flags["webhook_namespace"] or own_namespace() or contract.WEBHOOK_NAMESPACE
    first = Snapshot(webhook_namespace=own, cluster_domain=flags["cluster_domain"])
    from webhook.cluster.audit import audit

    api = api_of(kubeconfig, flags["context"])
    found = audit(api, namespace=namespace, settings_names=names, first=first)
    if flags["restart"]:
        return restart(found, api, Style(no_color=no_color), settings_names=names, first=first, output=output, **flags)
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(_document(found))))
    elif output == "name":
        for line in _restarts(found):
            click.echo(line)
        for text in found.unseen:
            click.echo(f"note: you may not list {text}", err=True)
    else:
        click.echo("\n".join(_lines(found, Style(no_color=no_color))))
    return 0 if found.is_fine else 1


def _restarts(found: Audit) -> Iterator[str]:
    for audited in found.workloads:
        if audited.mend and audited.mend.restart:
            yield f"{audited.mend.restart} --namespace={audited.workload.namespace}"


def _document(found: Audit) -> dict[str, Any]:
    return {
        "fine": found.is_fine,
        "pods": found.pods,
        "concerned": found.concerned,
        "workloads": list(map(_workload, found.workloads)),
        "beyond": [{"code": code, "summary": code.summary, "count": count} for code, count in found.beyond.items()],
        "settings": [
            {"code": item.code, "source": item.source, "key": item.key, "message": item.text} for item in found.settings
        ],
        "notes": [f"you may not list {text}" for text in found.unseen],
    }


def _workload(audited: Audited) -> dict[str, Any]:
    workload, mend = audited.workload, audited.mend
    return {
        "group": workload.group,
        "kind": workload.kind,
        "namespace": workload.namespace,
        "name": workload.name,
        "findings": [
            {
                "code": finding.code,
                "summary": finding.code.summary,
                "message": finding.text or finding.code.meaning,
                "count": finding.count,
                "pods": finding.pods,
                "differences": finding.differences,
            }
            for finding in audited.findings.values()
        ],
        "warnings": [{"message": str(warning), "pods": count} for warning, count in audited.notes.items()],
        "mend": mend and {"text": mend.text, "command": mend.command},
    }


def _lines(found: Audit, style: Style) -> Iterator[str]:
    for item in found.settings:
        yield style(escape(item.source), bold=True)
        yield f"  {style(item.code, 'yellow')} {item.code.summary}: {escape(f'{item.key} {item.text}')}"
        yield ""
    for audited in found.workloads:
        workload = audited.workload
        yield f"{style(escape(f'{workload.kind} {workload.namespace}/{workload.name}'), bold=True)}"
        yield from _workload_lines(audited, style)
        yield ""
    if found.beyond:
        count = sum(found.beyond.values())
        yield f"{_counted(count, 'pod')} of further workloads; mend these first, or audit namespace by namespace"
        yield ""
    for text in found.unseen:
        yield f"{style('note', 'yellow')} you may not list {escape(text)}"
    yield _summary(found)


def _workload_lines(audited: Audited, style: Style) -> Iterator[str]:
    for finding in audited.findings.values():
        yield f"  {style(finding.code, 'red')} {finding.code.summary}: {escape(_named(finding))}"
        yield from change_lines(_changes(finding.differences), style)
        yield from _advice_lines(audited, finding)
    for warning, count in audited.notes.items():
        yield f"  {style('warning', 'yellow')} {warning} ({_counted(count, 'pod')})"
    if audited.mend:
        command = f": {audited.mend.command}" if audited.mend.command else ""
        yield escape(f"  To mend it, {audited.mend.text}{command}")


def _advice_lines(audited: Audited, finding: Finding) -> Iterator[str]:
    """What to do where creating the pods anew does not help."""
    if finding.text:
        yield f"    {escape(finding.text)}"
    if audited.mend is None and not finding.text:
        yield f"    {finding.code.meaning} {finding.code.fix}"


def _named(finding: Finding) -> str:
    more = f" and {finding.count - _SHOWN} more" if finding.count > _SHOWN else ""
    return f"{', '.join(finding.pods[:_SHOWN])}{more}"


def _changes(differences: Sequence[Difference]) -> list[Change]:
    """Of the pod that has the differences to what a new one would have."""
    return [
        Change(
            container=item.container,
            name=item.name,
            before=None if item.before is None else shown({"value": item.before}),
            after=None if item.after is None else shown({"value": item.after}),
        )
        for item in differences
    ]


def _summary(found: Audit) -> str:
    told = ", ".join(f"{count} {code.summary}" for code, count in found.counts.items()) or "all of these are right"
    return f"{_counted(found.pods, 'pod')} looked at, {found.concerned} for the webhook: {told}"


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
