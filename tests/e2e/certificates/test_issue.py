"""A first installation: two replicas, a certificate for both, trusted by both entries, before anybody is told ready."""

from __future__ import annotations

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.process import wait_for
from tests.e2e.certificates.fleet import Fleet
from tests.e2e.support import next_host

pytestmark = pytest.mark.e2e


def test_both_serve_one_certificate_that_both_entries_trust(fleet: Fleet) -> None:
    wait_for(fleet.is_settled, "one certificate is served and trusted")
    assert [replica.metric("ray_webhook_leader") for replica in fleet.replicas].count(1) == 1


def test_pods_are_injected(plane: ControlPlane, fleet: Fleet) -> None:
    wait_for(lambda: next_host(plane, "default") == "wide", "the API server trusts the webhook")
