"""The names of environment variables that a pod's Ray connection is read from, and Ray's own ports.

`webhook.contract` spells those that the webhook injects a second time, since neither package may import the other's
names; a test compares the two.
"""

from __future__ import annotations

from typing import Final

# Injected by the webhook, each for its roles.
RAY_HOST: Final = "RAY_HOST"
RAY_PORT: Final = "RAY_PORT"
RAY_SERVE_URL: Final = "RAY_SERVE_URL"
RAY_DASHBOARD_URL: Final = "RAY_DASHBOARD_URL"
RAY_NAMESPACE: Final = "RAY_NAMESPACE"
RAY_ADDRESS: Final = "RAY_ADDRESS"
RAY_SERVE_ADDRESS: Final = "RAY_SERVE_ADDRESS"
RAY_DASHBOARD_ADDRESS: Final = "RAY_DASHBOARD_ADDRESS"
RAY_API_SERVER_ADDRESS: Final = "RAY_API_SERVER_ADDRESS"
SEEDCORE_RAY_ROLE: Final = "SEEDCORE_RAY_ROLE"
RAY_AUTH_MODE: Final = "RAY_AUTH_MODE"
RAY_AUTH_TOKEN: Final = "RAY_AUTH_TOKEN"  # noqa: S105  a variable's name

# Written by KubeRay into the pods of its clusters.
KUBERAY_START_COMMAND: Final = "KUBERAY_GEN_RAY_START_CMD"
KUBERAY_HEAD_HOST: Final = "FQ_RAY_IP"

# Written by a raylet into the processes that it starts.
RAY_RAYLET_PID: Final = "RAY_RAYLET_PID"
RAY_JOB_ID: Final = "RAY_JOB_ID"

# Read by Ray itself.
RAY_AUTH_TOKEN_PATH: Final = "RAY_AUTH_TOKEN_PATH"  # noqa: S105  a variable's name
RAY_ENABLE_K8S_TOKEN_AUTH: Final = "RAY_ENABLE_K8S_TOKEN_AUTH"  # noqa: S105  a variable's name
RAY_USE_TLS: Final = "RAY_USE_TLS"
RAY_TLS_CA_CERT: Final = "RAY_TLS_CA_CERT"
RAY_TLS_SERVER_CERT: Final = "RAY_TLS_SERVER_CERT"
RAY_TLS_SERVER_KEY: Final = "RAY_TLS_SERVER_KEY"
RAY_IGNORE_VERSION_MISMATCH: Final = "RAY_IGNORE_VERSION_MISMATCH"
RAY_TMPDIR: Final = "RAY_TMPDIR"
RAY_CLIENT_TIMEOUTS: Final = ("RAY_CLIENT_INITIAL_CONNECTION_TIMEOUT_S", "RAY_CLIENT_MAX_CONNECTION_TIMEOUT_S")

CLIENT_PORT: Final = 10001
SERVE_PORT: Final = 8000
DASHBOARD_PORT: Final = 8265
