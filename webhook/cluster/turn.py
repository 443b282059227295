"""Restarts of a namespace take turns, by a Lease: two that wait for one PodDisruptionBudget must not both begin.

The API server counts a disruption only once pods have gone. Whoever has the turn holds it until its new pods are there,
and what the budgets say is read again once it has it. A holder that is gone loses it like any holder of a Lease.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from webhook.cluster.client import Api
from webhook.cluster.lease import Lease, read_lease
from webhook.cluster.lease_writes import hold, release
from webhook.cluster.lists import Resource, list_all
from webhook.cluster.names import path_of
from webhook.errors import ClusterError

NAME: Final = "ray-webhook-restart"
RENEW_SECONDS: Final = 5.0


class Turn:
    """The turn in one namespace.

    Args:
        identity: of whoever wants it.
        clock: in seconds; how long a Lease was not seen to change is judged by it, never by another's.
    """

    def __init__(self, api: Api, namespace: str, identity: str, *, clock: Callable[[], float]) -> None:
        """Ask for nothing yet."""
        path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._api, self._identity, self._clock = api, identity, clock
        self._lease = Resource(name=f"leases/{NAME}", path=path, object_name=NAME)
        self._told = f"({NAME} in kubectl get leases -n {namespace})"
        self._seen, self._seen_at = ("", ""), 0.0
        self._version, self._renewed_at = "", 0.0

    def take(self) -> str | None:
        """Take the turn; returns why that cannot be now, or None where it is taken.

        Raises:
            ClusterError: the Lease may not be read or written, or the cluster failed.
        """
        lease = self._read()
        if lease.holder not in ("", self._identity) and self._clock() < self._seen_at + lease.duration:
            return f"{lease.holder} is restarting something here {self._told}"
        try:
            self._hold(lease)
        except ClusterError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            return f"somebody else was faster {self._told}"
        return None

    def keep(self) -> None:
        """Renew it where that is due. One that was lost meanwhile is: what it was for is under way."""
        if self._version and self._clock() >= self._renewed_at + RENEW_SECONDS:
            with suppress(ClusterError):
                self._hold(Lease(version=self._version, holder=self._identity))

    def give_up(self) -> None:
        """Leave it to others; where that fails, it is theirs a while later."""
        version, self._version = self._version, ""
        if version:
            with suppress(ClusterError):
                release(self._api, path_of(self._lease), version)

    def _hold(self, lease: Lease) -> None:
        self._renewed_at = self._clock()
        self._version = hold(self._api, path_of(self._lease), lease, self._identity)

    def _read(self) -> Lease:
        items = list_all(self._api, self._lease, page=1).items
        lease = read_lease(items[0] if items else None)
        if (lease.holder, lease.renewed) != self._seen:
            self._seen, self._seen_at = (lease.holder, lease.renewed), self._clock()
        return lease
