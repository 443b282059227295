"""Where the check runs: in the cluster, where Service names resolve, or outside."""

from __future__ import annotations

from webhook.cluster.checks.context import Context
from webhook.cluster.checks.outcome import Group
from webhook.cluster.pod import is_in_cluster


def inside(context: Context) -> bool:
    """Whether Service names should resolve here: in a pod, or wherever the API server's own Service is known."""
    return is_in_cluster() or context.network.resolves(f"kubernetes.default.svc.{context.installation.cluster_domain}")


def run_inside(context: Context, group: Group) -> str:
    """What to do outside."""
    installed = context.installation
    return (
        f"run it inside: kubectl exec -n {installed.namespace} deploy/{installed.deployment} "
        f"-- ray-webhook check --only {group}"
    )
