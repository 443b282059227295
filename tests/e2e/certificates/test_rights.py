"""The rights of a certificate that looks after itself: all are used, and no other one is tried."""

from __future__ import annotations

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.process import wait_for
from tests.e2e import installation
from tests.e2e.audit import AuditLog
from tests.e2e.certificates.fleet import Fleet
from tests.e2e.installation import GROUPS, NAMESPACE, USER
from tests.e2e.rights import Right, is_allowed, used
from tests.e2e.support import seconds_until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def shipped(plane: ControlPlane) -> set[Right]:
    return installation.certificate_rights(installation.rendered(plane))


def test_the_shipped_rights_are_these(shipped: set[Right]) -> None:
    """Spelt out once more, so that a new one is a decision and no accident."""
    verbs = ("list", "watch", "patch")
    configuration = {
        Right(verb=verb, group="admissionregistration.k8s.io", resource="mutatingwebhookconfigurations", name=name)
        for verb in verbs
        for name in ["ray-webhook"]
    }
    secret = {Right(verb=verb, group="", resource="secrets", name="ray-webhook-tls") for verb in (*verbs, "create")}
    lease = {
        Right(verb=verb, group="coordination.k8s.io", resource="leases", name="ray-webhook")
        for verb in (*verbs, "create")
    }
    assert shipped == configuration | secret | lease


def test_each_is_used_and_no_other_one_is_tried(fleet: Fleet, audit_log: AuditLog, shipped: set[Right]) -> None:
    """By the API server's own record, from the first issue on."""
    wait_for(fleet.is_settled, "one certificate is served and trusted")
    resources = {right.resource for right in shipped}

    def rights() -> set[Right]:
        return {right for event in audit_log.requests(USER) for right in used(event) if right.resource in resources}

    seconds_until(rights, shipped)


@pytest.mark.parametrize("namespace", ["", "default", "kube-system"])
def test_no_secret_and_no_lease_elsewhere_is_ours(
    plane: ControlPlane, fleet: Fleet, shipped: set[Right], namespace: str
) -> None:
    namespaced = [right for right in shipped if right.resource in ("secrets", "leases")]
    assert all(is_allowed(plane, USER, GROUPS, right, namespace=NAMESPACE) for right in namespaced)
    assert not any(is_allowed(plane, USER, GROUPS, right, namespace=namespace) for right in namespaced)
