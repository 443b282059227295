"""Leaders come and go; these tests end replicas."""

from __future__ import annotations

import signal

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.control_plane.process import wait_for
from tests.e2e.certificates.fleet import LEASE, SECRET, Fleet, is_trusted, served
from tests.e2e.support import next_host, seconds_until
from tests.service import RunningService
from webhook.certificates.content import split
from webhook.cluster.election import DEADLINE_SECONDS, JITTER_SECONDS, RENEW_SECONDS
from webhook.cluster.lease import DURATION_SECONDS, REPORT

pytestmark = pytest.mark.e2e


def leads(replica: RunningService) -> bool:
    return replica.metric("ray_webhook_leader") == 1


def test_who_ends_leaves_the_lease_and_its_report_to_the_others_at_once(fleet: Fleet) -> None:
    wait_for(fleet.is_settled, "one certificate is served and trusted")
    last, (other, *_) = fleet.leader(), [replica for replica in fleet.replicas if not leads(replica)]
    last.process.send_signal(signal.SIGTERM)
    last.process.wait(timeout=20)
    fleet.kill(last)
    took = seconds_until(lambda: leads(other), True)
    print(f"after {took:.3f} s")
    assert took < 1
    annotations = fleet.get(LEASE)["metadata"]["annotations"]
    assert sum(key.startswith(REPORT) for key in annotations) == len(fleet.replicas)
    wait_for(lambda: last.events("ended"), "its last line is read")
    assert not last.events("lease not released", "report not removed")


def test_after_a_crash_another_leads_and_a_deleted_secret_comes_back_in_the_safe_order(
    plane: ControlPlane, fleet: Fleet
) -> None:
    """Nobody leads when it is deleted. What is served goes on being served, and trusted, beside the new authority."""
    fleet.start()
    fleet.await_ready()
    fleet.kill(fleet.leader())
    (left,) = fleet.replicas
    before, shown = fleet.secret(), served(left)
    send(plane.admin, "DELETE", SECRET).checked()
    wait_for(lambda: next_host(plane, "default") == "wide", "pods are injected without a Secret")
    took = seconds_until(lambda: leads(left), True, limit=30)
    print(f"after {took:.3f} s")
    assert took < DURATION_SECONDS + JITTER_SECONDS + 1
    assert DEADLINE_SECONDS + RENEW_SECONDS <= DURATION_SECONDS
    after = wait_for(fleet.secret, "the Secret is there again", seconds=1)
    assert served(left) == shown
    assert after["tls.crt"] == before["tls.crt"]
    newest, *older = split(after["ca.crt"])
    assert b"".join(older) == before["ca.crt"]
    assert newest not in before["ca.crt"]
    assert seconds_until(fleet.bundles, [after["ca.crt"]] * 2) < 1
    assert is_trusted(left, after["ca.crt"])
    assert next_host(plane, "default") == "wide"
