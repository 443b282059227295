"""``ray-webhook render``: the settings as something else that a cluster understands."""

from __future__ import annotations

from http import HTTPStatus
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
from webhook.errors import ClusterError, UsageError
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
@option("--namespace", "-n", type=DnsName(), help="Only for the pods of this one, by what you may read.")
@option("--name", type=DnsName(), default=contract.SETTINGS_NAME, show_default=True, help="What to call the policies.")
@no_color_option
def policy(settings: Path | None, *, no_color: bool, **flags: Any) -> None:
    """Print the settings as a MutatingAdmissionPolicy, for clusters that want no webhook.

    It is for Kubernetes 1.36 and newer, and does to pods what the webhook would, as far as the API server's own
    language can say it; what it cannot do is printed on the standard error, and stands above the policy. The settings
    are those of the file, or of the cluster: for everybody, and in policies of its own for each namespace that has its
    own. Render and apply again when they change. Namespaces are chosen by the webhook's own labels.
    """
    namespace = flags["namespace"]
    snapshot, origin, unseen = _from_file(settings, flags) if settings else _from_cluster(flags)
    if namespace in contract.SYSTEM_NAMESPACES | {snapshot.webhook_namespace}:
        raise UsageError("--namespace", value=namespace, allowed="one whose pods are treated", fix="give another")
    from webhook.manifests.policy.document import render

    click.echo(render(snapshot, name=flags["name"], origin=origin, namespace=namespace), nl=False)
    for text in unseen:
        click.echo(f"note: you may not list {text}", err=True)
    click.echo(f"Made from {origin}. What a policy cannot do:", err=True)
    for reason in every_reason():
        if reason.code in list(LimitCode):
            click.echo(explained(reason, Style(no_color=no_color, err=True)), err=True)


def _from_file(file: Path, flags: dict[str, Any]) -> tuple[Snapshot, str, tuple[str, ...]]:
    for other in ("kubeconfig", "context", "settings_name"):
        if flags[other]:
            flag = f"--{other.replace('_', '-')}"
            raise UsageError(f"--settings and {flag} exclude each other", fix="give one of them")
    wide = settings_file(file)
    own = flags["webhook_namespace"] or contract.WEBHOOK_NAMESPACE
    return Snapshot(cluster_wide=wide, webhook_namespace=own), wide.source, ()


def _from_cluster(flags: dict[str, Any]) -> tuple[Snapshot, str, tuple[str, ...]]:
    """The settings as far as they may be read, what to call them, and what may not be read.

    Raises:
        ClusterError: too little may be read; or the cluster failed.
    """
    names = settings_names(flags["settings_name"])
    kubeconfig = kubeconfig_of(flags["kubeconfig"])
    own = flags["webhook_namespace"] or own_namespace() or contract.WEBHOOK_NAMESPACE
    api = api_of(kubeconfig, flags["context"])
    from webhook.cluster.reading import read

    place = flags["namespace"]
    try:
        reading = read(api, settings_names=names, first=Snapshot(webhook_namespace=own), page=500, place=place)
    except ClusterError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        fix = f"{error.fix}; or name with --namespace the one that you may read"
        raise ClusterError(error.thing, fix=fix) from None
    snapshot, named = reading.snapshot, f"the ConfigMaps {', '.join(names)} of"
    if place in reading.hidden or (own in reading.hidden and not _names_host(snapshot, place)):
        hidden = " and ".join(sorted(reading.hidden))
        thing = f"{named} {hidden} may not be listed, and what may be names no host for {place}"
        raise ClusterError(thing, fix=f"set {contract.RAY_HOST} in {place}, or let somebody render it who may")
    return snapshot, f"{named} {'the cluster' if not reading.hidden else place}", reading.unseen


def _names_host(snapshot: Snapshot, namespace: str) -> bool:
    settings = snapshot.namespaces.get(namespace)
    return settings is not None and contract.RAY_HOST in settings.values
