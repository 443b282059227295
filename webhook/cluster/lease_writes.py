"""How a Lease is taken, renewed and released: for one of its versions, and refused (409) where somebody was faster."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from webhook.cluster.client import Api
from webhook.cluster.lease import DURATION_SECONDS, Lease
from webhook.cluster.lists import Object

MAX_TRANSITIONS: Final = 2**31 - 1
"""The field is an int32; a write that says more is refused."""
MANAGER: Final = "ray-webhook"


def hold(api: Api, path: str, lease: Lease, identity: str) -> str:
    """Take or renew the Lease at `path`, which is as `lease` says; returns its new version.

    Raises:
        ClusterError: of status 409 where it is not so any more; or it could not be written.
    """
    if not lease.version:
        # Not forced, by a manager that nobody else is: whoever comes second meets a conflict.
        document = _document(path, _spec(lease, identity))
        return api.apply(path, document, manager=f"{MANAGER}-{identity}", force=False)
    patch = {"metadata": {"resourceVersion": lease.version}, "spec": _spec(lease, identity)}
    return api.merge(path, patch, manager=MANAGER)


def release(api: Api, path: str, version: str) -> None:
    """Leave the Lease, if it still is of this `version`, to whoever comes; errors as of :func:`hold`."""
    api.merge(path, {"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": None}}, manager=MANAGER)


def _spec(lease: Lease, identity: str) -> Object:
    # Only written, never read.
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec: Object = {"holderIdentity": identity, "leaseDurationSeconds": DURATION_SECONDS, "renewTime": now}
    if lease.holder == identity:
        return spec
    transitions = lease.transitions + bool(lease.version)
    return spec | {"acquireTime": now, "leaseTransitions": transitions if transitions <= MAX_TRANSITIONS else 0}


def _document(path: str, spec: Object) -> Object:
    *_, namespace, _, name = path.split("/")
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"namespace": namespace, "name": name},
        "spec": spec,
    }
