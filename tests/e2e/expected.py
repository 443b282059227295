"""What the contract says a container gets, entry by entry: the tables of "What each role gets", for given settings.

The cluster-wide settings are those of fixtures/settings.env, as a ConfigMap in the webhook's own namespace.
"""

from __future__ import annotations

from typing import Any, Final

from tests.service import SETTINGS

Entry = dict[str, Any]

HOST: Final = "seedcore-head-svc.seedcore-dev"
CLUSTER_WIDE: Final = dict(line.split("=", 1) for line in SETTINGS.read_text(encoding="utf-8").splitlines() if line)


def entries(**variables: str) -> list[Entry]:
    """An env list of literals."""
    return [{"name": name, "value": value} for name, value in variables.items()]


def client_env(
    host: str = HOST,
    *,
    port: int = 10001,
    dashboard: int = 8265,
    serve: str | None = None,
    address: str | None = None,
    namespace: str | None = "seedcore-dev",
) -> list[Entry]:
    """What a client gets; `serve` is its RAY_SERVE_URL where that is not port 8000 of `host`."""
    serve_url, dashboard_url = serve or f"http://{host}:8000", f"http://{host}:{dashboard}"
    return entries(
        RAY_HOST=host,
        RAY_PORT=str(port),
        RAY_SERVE_URL=serve_url,
        RAY_DASHBOARD_URL=dashboard_url,
        **({"RAY_NAMESPACE": namespace} if namespace else {}),
        SEEDCORE_RAY_ROLE="client",
        RAY_ADDRESS=address or f"ray://{host}:{port}",
        RAY_SERVE_ADDRESS=serve_url,
        RAY_DASHBOARD_ADDRESS=dashboard_url,
        RAY_API_SERVER_ADDRESS=dashboard_url,
        SERVE_GATEWAY=serve_url,
    )


def node_env(role: str, host: str = HOST) -> list[Entry]:
    """What a plain head or worker gets that declares nothing itself."""
    serve_url = f"http://{host}:8000"
    return entries(
        RAY_HOST=host,
        RAY_SERVE_URL=serve_url,
        RAY_DASHBOARD_URL=f"http://{host}:8265",
        RAY_NAMESPACE="seedcore-dev",
        SEEDCORE_RAY_ROLE=role,
        **({"RAY_ADDRESS": "auto", "GRPC_ENABLE_FORK_SUPPORT": "0"} if role == "head" else {}),
        SERVE_GATEWAY=serve_url,
    )
