"""``ray-webhook render``: the settings as something else that a cluster understands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from webhook import contract
from webhook.cli.cluster_flags import (
    api_of,
    cluster_options,
    kubeconfig_of,
    settings_names,
    webhook_namespace_option,
)
from webhook.cli.flags import DnsName, NamedPath
from webhook.cli.output import Style, no_color_option, option
from webhook.cli.reasons import explained
from webhook.cli.settings_file import settings_file
from webhook.cluster.pod import own_namespace
from webhook.errors import UsageError
from webhook.injection.findings import LimitCode
from webhook.injection.reasons import every_reason
from webhook.injection.snapshot import Snapshot


@click.group("render")
def command() -> None:
    """Print the settings as something else that a cluster understands."""


@command.command("policy", epilog="ray-webhook render policy --settings settings.env | kubectl apply -f -")
@option("--settings", type=NamedPath(), help="Settings file in place of a cluster.")
@cluster_options
@webhook_namespace_option("--webhook-namespace")
@option("--name", type=DnsName(), default=contract.SETTINGS_NAME, show_default=True, help="What to call the policies.")
@no_color_option
def policy(settings: Path | None, *, no_color: bool, **flags: Any) -> None:
    """Print the settings as a MutatingAdmissionPolicy, for clusters that want no webhook.

    It is for Kubernetes 1.36 and newer, and does to pods what the webhook would, as far as the API server's own
    language can say it; what it cannot do is printed on the standard error, and stands above the policy. The settings
    are those of the file, or of the cluster: for everybody, and in policies of its own for each namespace that has its
    own. Render and apply again when they change. Namespaces are chosen by the webhook's own labels.
    """
    snapshot, origin = _from_file(settings, flags) if settings else _from_cluster(flags)
    from webhook.manifests.policy.document import render

    click.echo(render(snapshot, name=flags["name"], origin=origin), nl=False)
    click.echo(f"Made from {origin}. What a policy cannot do:", err=True)
    for reason in every_reason():
        if reason.code in list(LimitCode):
            click.echo(explained(reason, Style(no_color=no_color, err=True)), err=True)


def _from_file(file: Path, flags: dict[str, Any]) -> tuple[Snapshot, str]:
    for other in ("kubeconfig", "context", "settings_name"):
        if flags[other]:
            flag = f"--{other.replace('_', '-')}"
            raise UsageError(f"--settings and {flag} exclude each other", fix="give one of them")
    wide = settings_file(file)
    own = flags["webhook_namespace"] or contract.WEBHOOK_NAMESPACE
    return Snapshot(cluster_wide=wide, webhook_namespace=own), wide.source


def _from_cluster(flags: dict[str, Any]) -> tuple[Snapshot, str]:
    names = settings_names(flags["settings_name"])
    kubeconfig = kubeconfig_of(flags["kubeconfig"])
    own = flags["webhook_namespace"] or own_namespace() or contract.WEBHOOK_NAMESPACE
    api = api_of(kubeconfig, flags["context"])
    from webhook.cluster.reading import read

    reading = read(api, settings_names=names, first=Snapshot(webhook_namespace=own), page=500)
    return reading.snapshot, f"the ConfigMaps {', '.join(names)} of the cluster"
