"""What the checks share: the API server, and what was read of it; each list is read once, by pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

import msgspec

from webhook.cluster.checks.installation import Given, Installation, installation
from webhook.cluster.checks.network import Network
from webhook.cluster.checks.objects import Item
from webhook.cluster.checks.shipped import Right
from webhook.cluster.client import Api
from webhook.cluster.lists import Page, pages
from webhook.cluster.reading import Reading, read
from webhook.contract import DEFAULT_ROLE, Role
from webhook.errors import ClusterError
from webhook.injection.routing import Labels, is_followed
from webhook.injection.snapshot import Snapshot

PAGE: Final = 500
"""Objects of one page of a list."""
_IDENTITY: Final = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


class _User(msgspec.Struct):
    username: str = ""


class _Asked(msgspec.Struct, rename="camel"):
    user_info: _User = msgspec.field(default_factory=_User)


class _Identity(msgspec.Struct):
    status: _Asked = msgspec.field(default_factory=_Asked)


class Context:
    """One look at a cluster; another look is another context.

    Args:
        network: what is behind names and ports.
        now: the time of the look.

    Attributes:
        lacking: the rights that are known, and were told, to be missing.
    """

    def __init__(self, api: Api, given: Given, *, network: Network, now: datetime) -> None:
        """Have read nothing."""
        self.api: Final = api
        self.given: Final = given
        self.network: Final = network
        self.now: Final = now
        self.lacking: Sequence[Right] = ()
        self._lists: dict[tuple[str, tuple[tuple[str, str], ...]], list[Item]] = {}

    def items(self, path: str, *, name: str = "", labels: Mapping[str, str] | None = None) -> list[Item]:
        """The objects at `path`, of this name or with these labels only; none where the kind is not served.

        Raises:
            ClusterError: they could not be had; of status 403 where the right to list them is missing.
        """
        query = {"fieldSelector": f"metadata.name={name}"} if name else {}
        if labels:
            query["labelSelector"] = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        key = path, tuple(query.items())
        if key not in self._lists:
            self._lists[key] = self._read(path, query)
        return self._lists[key]

    def _read(self, path: str, query: Mapping[str, str]) -> list[Item]:
        try:
            return [item for page in pages(self.api, path, query, Page[Item], size=PAGE) for item in page.items or ()]
        except ClusterError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return []

    def find(self, path: str, name: str) -> Item | None:
        """The object of that name at `path`; needs the right to list it, as the service itself has it."""
        return next(iter(self.items(path, name=name)), None)

    @cached_property
    def deployment(self) -> Item | None:
        """The webhook's Deployment."""
        return self.find(f"/apis/apps/v1/namespaces/{self.given.namespace}/deployments", self.given.deployment)

    @cached_property
    def readable_deployment(self) -> Item | None:
        """The same, for whoever can do without: None where it may not be read, too."""
        try:
            return self.deployment
        except ClusterError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            return None

    @cached_property
    def installation(self) -> Installation:
        """What is looked at; where the Deployment cannot be read, by the flags and the usual names."""
        return installation(self.given, self.readable_deployment)

    @cached_property
    def configuration(self) -> Item | None:
        """The webhook configuration."""
        resource = self.installation.names.configuration_resource
        return self.find(resource.path, self.installation.configuration)

    @cached_property
    def reading(self) -> Reading:
        """Settings and targets, as a service that starts now would read them."""
        first = Snapshot(webhook_namespace=self.installation.namespace, cluster_domain=self.installation.cluster_domain)
        return read(self.api, settings_names=self.installation.settings_names, first=first, page=PAGE)

    @cached_property
    def namespaces(self) -> Mapping[str, Labels]:
        """All namespaces with their labels."""
        return {item.metadata.name: item.labels for item in self.items("/api/v1/namespaces")}

    @cached_property
    def followed(self) -> Mapping[str, Labels]:
        """Those whose pods may be sent to the webhook."""
        own = self.installation.namespace
        return {
            name: labels for name, labels in self.namespaces.items() if is_followed(name, labels, webhook_namespace=own)
        }

    @cached_property
    def default_clients(self) -> tuple[str, ...]:
        """Those that make their pods clients, in order."""
        labelled = (name for name, labels in self.followed.items() if labels.get(DEFAULT_ROLE) == Role.CLIENT)
        return tuple(sorted(labelled))

    @cached_property
    def user(self) -> str:
        """Who asks, as the API server calls it."""
        document: dict[str, Any] = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        return self.api.create(_IDENTITY, document, _Identity).status.user_info.username
