"""Every name that a pod, its namespace, KubeRay and the webhook agree on; the one place that spells them.

The meaning of each is documented in ``docs`` and decided in :mod:`webhook.injection`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

PREFIX: Final = "ray.seedcore.io/"


class Role(StrEnum):
    """What a pod is to Ray, as written in :data:`ROLE`; lower case, exact."""

    HEAD = "head"
    WORKER = "worker"
    CLIENT = "client"
    NONE = "none"


class Connect(StrEnum):
    """The form of a client's RAY_ADDRESS: a Ray Client address, or the dashboard's URL for the Jobs API."""

    CLIENT = "client"
    JOBS = "jobs"


class OnConflict(StrEnum):
    """What happens to a value that the manifest declares itself and that differs."""

    OVERRIDE = "override"
    KEEP = "keep"
    DENY = "deny"


# Annotations that a user writes on a pod (template).
ROLE: Final = PREFIX + "role"
CLUSTER: Final = PREFIX + "cluster"
SERVICE: Final = PREFIX + "service"
CONNECT: Final = PREFIX + "connect"
RAY_NAMESPACE_ANNOTATION: Final = PREFIX + "ray-namespace"
CONTAINERS: Final = PREFIX + "containers"
SKIP_CONTAINERS: Final = PREFIX + "skip-containers"
ON_CONFLICT: Final = PREFIX + "on-conflict"
ANNOTATIONS: Final = (
    ROLE,
    CLUSTER,
    SERVICE,
    CONNECT,
    RAY_NAMESPACE_ANNOTATION,
    CONTAINERS,
    SKIP_CONTAINERS,
    ON_CONFLICT,
)
"""All of them, in the order of the contract's table."""

# Labels of a namespace.
DEFAULT_ROLE: Final = PREFIX + "default-role"
INJECTION: Final = PREFIX + "injection"
DISABLED: Final = "disabled"

# The one annotation that the webhook writes: a record for people, never an input of a decision.
STATUS: Final = PREFIX + "status"

# What ray-webhook inject wrote into a manifest, for uninject. Not of our prefix, all of whose keys users write.
INJECTED: Final = "inject.ray.seedcore.io/record"
COMPOSE_RECORD: Final = "x-ray-webhook-inject"
"""The same in a Compose file: a key of the file itself, since Compose ignores all that begin so."""

# Kubernetes' mark of a static pod's mirror, which no admission may change.
MIRROR_POD: Final = "kubernetes.io/config.mirror"

# Request paths; the API server picks one by the namespace's labels.
MUTATE_PATH: Final = "/mutate"
DEFAULT_CLIENT_PATH: Final = "/mutate/default-role/client"

# Namespaces that are never touched, beside the webhook's own.
SYSTEM_NAMESPACES: Final = frozenset({"kube-system", "kube-node-lease"})

# Variables of the connection. RAY_PORT is the Ray Client port.
RAY_HOST: Final = "RAY_HOST"
RAY_PORT: Final = "RAY_PORT"
RAY_SERVE_URL: Final = "RAY_SERVE_URL"
RAY_DASHBOARD_URL: Final = "RAY_DASHBOARD_URL"
RAY_NAMESPACE: Final = "RAY_NAMESPACE"
CONNECTION_KEYS: Final = (RAY_HOST, RAY_PORT, RAY_SERVE_URL, RAY_DASHBOARD_URL, RAY_NAMESPACE)

# Variables that are derived from the connection or from the role.
RAY_ADDRESS: Final = "RAY_ADDRESS"
RAY_SERVE_ADDRESS: Final = "RAY_SERVE_ADDRESS"
RAY_DASHBOARD_ADDRESS: Final = "RAY_DASHBOARD_ADDRESS"
RAY_API_SERVER_ADDRESS: Final = "RAY_API_SERVER_ADDRESS"
SEEDCORE_RAY_ROLE: Final = "SEEDCORE_RAY_ROLE"
GRPC_ENABLE_FORK_SUPPORT: Final = "GRPC_ENABLE_FORK_SUPPORT"
RAY_AUTH_MODE: Final = "RAY_AUTH_MODE"
RAY_AUTH_TOKEN: Final = "RAY_AUTH_TOKEN"  # noqa: S105  a variable's name

ROLE_VARIABLES: Final = frozenset(
    {
        *CONNECTION_KEYS,
        RAY_ADDRESS,
        RAY_SERVE_ADDRESS,
        RAY_DASHBOARD_ADDRESS,
        RAY_API_SERVER_ADDRESS,
        SEEDCORE_RAY_ROLE,
        GRPC_ENABLE_FORK_SUPPORT,
    }
)
"""The variables of the contract's role table: what an alias may stand for, and what none may be called."""

# Further keys of the settings.
RAY_AUTH_SECRET: Final = "RAY_AUTH_SECRET"  # noqa: S105  a key's name
RAY_AUTH_SECRET_KEY: Final = "RAY_AUTH_SECRET_KEY"  # noqa: S105  a key's name
RAY_ALIASES: Final = "RAY_ALIASES"
RAY_ALLOWED_REFERENCES: Final = "RAY_ALLOWED_REFERENCES"
AUTH_KEYS: Final = (RAY_AUTH_SECRET, RAY_AUTH_SECRET_KEY)
SETTINGS_NAME: Final = "ray-settings"

# Defaults of the connection: the ports are Ray's own (facts of KubeRay: "Names, ports, discovery").
CLIENT_PORT: Final = 10001
SERVE_PORT: Final = 8000
DASHBOARD_PORT: Final = 8265
GCS_PORT: Final = 6379
BUILT_IN_HOST: Final = "seedcore-head-svc"
BUILT_IN_NAMESPACE: Final = "seedcore-dev"
AUTH_TOKEN_KEY: Final = "auth_token"  # noqa: S105  the key that KubeRay uses in its token Secret
CLUSTER_DOMAIN: Final = "cluster.local"
WEBHOOK_NAMESPACE: Final = "ray-webhook-system"
WEBHOOK_SERVICE: Final = "ray-webhook"
WEBHOOK_CONFIGURATION: Final = "ray-webhook"
ENTRIES: Final[Mapping[Role | None, str]] = {
    None: "role.ray.seedcore.io",
    Role.CLIENT: "default-role.ray.seedcore.io",
}
"""The webhook configuration's, by the default role that their path tells."""
TLS_SECRET: Final = "ray-webhook-tls"  # noqa: S105  an object's name
LEASE: Final = "ray-webhook"

# KubeRay's labels, containers and variables (ray-operator, controllers/ray/utils/constant.go).
KUBERAY_NODE_TYPE: Final = "ray.io/node-type"
KUBERAY_CLUSTER: Final = "ray.io/cluster"
KUBERAY_ORIGIN_NAME: Final = "ray.io/originated-from-cr-name"
KUBERAY_ORIGIN_KIND: Final = "ray.io/originated-from-crd"
KUBERAY_CREATED_BY: Final = "app.kubernetes.io/created-by"
KUBERAY_OPERATOR: Final = "kuberay-operator"
KUBERAY_REDIS_CLEANUP: Final = "redis-cleanup"
KUBERAY_START_COMMAND: Final = "KUBERAY_GEN_RAY_START_CMD"
KUBERAY_HEAD_HOST: Final = "FQ_RAY_IP"
KUBERAY_SUBMITTER: Final = "ray-job-submitter"
KUBERAY_WAIT_GCS: Final = "wait-gcs-ready"
KUBERAY_NAME_LENGTH: Final = 50
"""Characters of a Service's or Secret's name that KubeRay makes of its owner's; of a longer one the last count."""

KUBERAY_VARIABLES: Final = frozenset(
    {
        RAY_AUTH_MODE,
        RAY_AUTH_TOKEN,
        "FQ_RAY_IP",
        "KUBERAY_CRD_VER",
        "POD_IP",
        "RAY_CLOUD_INSTANCE_ID",
        "RAY_DASHBOARD_ENABLE_K8S_DISK_USAGE",
        "RAY_ENABLE_K8S_TOKEN_AUTH",
        "RAY_HEAD_POD_NAME",
        "RAY_IP",
        "RAY_JOB_SUBMISSION_ID",
        "RAY_NODE_TYPE_NAME",
        "RAY_REDIS_ADDRESS",
        "RAY_SERVE_KV_TIMEOUT_S",
        "RAY_USE_TLS",
        "RAY_enable_autoscaler_v2",
        "RAY_external_storage_namespace",
        "RAY_gcs_rpc_server_reconnect_timeout_s",
        "RAY_gcs_server_request_timeout_seconds",
        "RAY_timeout_ms_task_wait_for_death_info",
    }
)
"""What the operator writes into its pods; no alias may take such a name."""
KUBERAY_VARIABLE_PREFIXES: Final = (
    "KUBERAY_GEN_",
    "RAY_AUTH_",
    "RAY_CLUSTER_",
    "RAY_TLS_",
    "RAY_USAGE_STATS_",
    "RAY_gcs_storage",
    "REDIS_",
)
