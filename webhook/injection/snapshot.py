"""What is known when a decision is made: settings, RayClusters and RayServices, as one immutable value.

Whoever runs the rules hands it in; the rules never ask anybody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from webhook import contract
from webhook.injection.settings import Settings


class TargetKind(StrEnum):
    """What a pod may name as its target."""

    CLUSTER = "RayCluster"
    SERVICE = "RayService"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """A RayCluster or RayService by name."""

    kind: TargetKind
    namespace: str
    name: str

    def __str__(self) -> str:
        """Kind and name, as in ``RayCluster team-a/train``."""
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class RayTarget:
    """Where a RayCluster or RayService is reached, read from its spec alone.

    Attributes:
        head_service: name of the head Service, in the target's namespace.
        serve_service: name of the Service for Serve where it is another one (a RayService's), else None.
        client_port, dashboard_port, serve_port: TCP ports.
        auth_secret: name of the Secret that holds the token where token authentication is on, else None.
        auth_key: the key in that Secret.
    """

    head_service: str
    serve_service: str | None = None
    client_port: int = contract.CLIENT_PORT
    dashboard_port: int = contract.DASHBOARD_PORT
    serve_port: int = contract.SERVE_PORT
    auth_secret: str | None = None
    auth_key: str = contract.AUTH_TOKEN_KEY


def assumed_target(reference: Reference) -> RayTarget:
    """The target as KubeRay makes it where the spec says nothing: for one that is not known (yet)."""
    is_service = reference.kind is TargetKind.SERVICE
    return RayTarget(
        head_service=kuberay_name(f"{reference.name}-head-svc"),
        serve_service=kuberay_name(f"{reference.name}-serve-svc") if is_service else None,
    )


def kuberay_name(name: str) -> str:
    """`name` as KubeRay makes it fit: its last 50 characters, of which the first is a letter.

    As ``CheckName`` in ray-operator/controllers/ray/utils/util.go does.
    """
    fitting = name[-contract.KUBERAY_NAME_LENGTH :]
    return fitting if fitting[:1].isalpha() else "r" + fitting[1:]


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """All that the rules know beside the pod.

    Attributes:
        namespaces: a namespace's own settings, by its name.
        cluster_wide: the settings for everybody: of the webhook's own namespace, or of the settings file.
        targets: the RayClusters and RayServices that there are.
        cluster_domain: what ends a Service's full name.
        webhook_namespace: the webhook's own namespace, whose pods are never touched.
    """

    namespaces: Mapping[str, Settings] = field(default_factory=lambda: MappingProxyType({}))
    cluster_wide: Settings | None = None
    targets: Mapping[Reference, RayTarget] = field(default_factory=lambda: MappingProxyType({}))
    cluster_domain: str = contract.CLUSTER_DOMAIN
    webhook_namespace: str = contract.WEBHOOK_NAMESPACE

    def allows(self, from_namespace: str, reference: Reference) -> bool:
        """Whether a pod of `from_namespace` may name `reference`: its own namespace's always, others by a line."""
        if reference.namespace == from_namespace:
            return True
        lines = self.cluster_wide.allowed_references if self.cluster_wide else ()
        return any(line.allows(from_namespace, reference.namespace, reference.name) for line in lines)
