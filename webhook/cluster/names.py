"""The objects of a certificate that looks after itself, by name and path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from webhook.cluster.lists import Resource

ADMISSION: Final = "/apis/admissionregistration.k8s.io/v1"
CONFIGURATIONS: Final = f"{ADMISSION}/mutatingwebhookconfigurations"


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """All but the webhook configuration are in `namespace`."""

    namespace: str
    service: str
    secret: str
    lease: str
    configuration: str

    @property
    def of_certificate(self) -> tuple[str, ...]:
        """By which the API server calls the service."""
        return (f"{self.service}.{self.namespace}.svc",)

    @property
    def secret_resource(self) -> Resource:
        """The Secret, to be watched."""
        return _named("secrets", f"/api/v1/namespaces/{self.namespace}/secrets", self.secret)

    @property
    def lease_resource(self) -> Resource:
        """The Lease, to be watched."""
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases"
        return _named("leases", path, self.lease)

    @property
    def configuration_resource(self) -> Resource:
        """The webhook configuration, to be watched."""
        return _named("mutatingwebhookconfigurations", CONFIGURATIONS, self.configuration)


def path_of(resource: Resource) -> str:
    """The path of the one object that is watched."""
    return f"{resource.path}/{resource.object_name}"


def _named(kind: str, path: str, name: str) -> Resource:
    return Resource(name=f"{kind}/{name}", path=path, object_name=name)
