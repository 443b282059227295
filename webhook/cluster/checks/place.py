"""Where the check runs: in the cluster, where Service names resolve, or outside."""

from __future__ import annotations

from webhook.cluster.checks.context import Context
from webhook.cluster.checks.outcome import Group


def inside(context: Context) -> bool:
    """Whether Service names should resolve here."""
    return context.network.is_inside(context.installation.cluster_domain)


def run_inside(context: Context, group: Group) -> str:
    """What to do outside."""
    installed = context.installation
    return (
        f"run it inside: kubectl exec -n {installed.namespace} deploy/{installed.deployment} "
        f"-- ray-webhook check --only {group}"
    )
