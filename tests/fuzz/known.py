"""What the service knows while it is fuzzed: levels that are whole, partial, broken and missing, and two targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from webhook.injection.settings import Settings, parse_settings
from webhook.injection.snapshot import RayTarget, Reference, Snapshot, TargetKind

ALIASES: Final = ("SERVE_GATEWAY", "MY_RAY", "OLD_DASHBOARD")
WIDE: Final = {
    "RAY_HOST": "seedcore-head-svc.seedcore-dev",
    "RAY_PORT": "10001",
    "RAY_SERVE_URL": "http://seedcore-head-svc.seedcore-dev:8000",
    "RAY_DASHBOARD_URL": "http://seedcore-head-svc.seedcore-dev:8265",
    "RAY_NAMESPACE": "seedcore-dev",
    "RAY_ALIASES": "SERVE_GATEWAY=RAY_SERVE_URL;MY_RAY=RAY_ADDRESS;OLD_DASHBOARD=RAY_DASHBOARD_ADDRESS",
    "RAY_ALLOWED_REFERENCES": "team-a -> seedcore-dev/seedcore;* -> shared/*",
}


def settings(data: Mapping[str, str], namespace: str = "ray-webhook-system") -> Settings:
    """The settings of a ConfigMap of `namespace`."""
    source = f"ConfigMap {namespace}/ray-settings"
    return parse_settings(data, source=source, cluster_wide=namespace == "ray-webhook-system")


_NAMESPACES: Final = {
    "apps": {"RAY_NAMESPACE": "apps", "RAY_AUTH_SECRET": "ray-token"},
    "team-a": {"RAY_HOST": "train-head-svc", "RAY_PORT": "20001"},
    "team-off": {"RAY_HOST": "ray:8000", "RAY_PORT": "0"},
}
SNAPSHOT: Final = Snapshot(
    cluster_wide=settings(WIDE),
    namespaces={namespace: settings(data, namespace) for namespace, data in _NAMESPACES.items()},
    targets={
        Reference(kind=TargetKind.CLUSTER, namespace="seedcore-dev", name="seedcore"): RayTarget(
            head_service="seedcore-head-svc",
            client_port=20001,
            auth_secret="seedcore",  # noqa: S106  a Secret's name
        ),
        Reference(kind=TargetKind.SERVICE, namespace="team-a", name="train"): RayTarget(
            head_service="train-head-svc", serve_service="train-serve-svc"
        ),
    },
)
NOTHING: Final = Snapshot()
"""Only what is built in."""
