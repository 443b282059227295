"""The console of each of two replicas on a real cluster: settings with sources, leader, certificate, watches."""

from __future__ import annotations

from html import unescape

import pytest

from tests.console.console import Asker
from tests.control_plane.cluster import ControlPlane
from tests.control_plane.process import wait_for
from tests.e2e import workloads
from tests.e2e.certificates.fleet import Fleet, served
from tests.e2e.support import next_host
from tests.service import RunningService
from webhook import __version__

pytestmark = pytest.mark.e2e


def overview(replica: RunningService, query: str = "") -> str:
    return unescape(Asker(replica.console_url).get(f"/{query}"))


def test_settings_are_told_with_their_sources_and_what_is_broken(plane: ControlPlane, fleet: Fleet) -> None:
    replica = fleet.replicas[0]
    plane.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "console-own"}}])
    plane.apply([workloads.settings("console-own", RAY_NAMESPACE="mine")])
    wait_for(lambda: "Namespace console-own" in overview(replica), "the namespace's settings are in force")
    page = overview(replica, "?namespace=console-own")
    assert "<td><code>mine</code></td><td>ConfigMap console-own/ray-settings</td>" in page
    assert "<td><code>wide</code></td><td>ConfigMap ray-webhook-system/ray-settings</td>" in page
    plane.apply([workloads.settings("console-own", RAY_NAMESPACE="mine", RAY_PORT="none")])
    wait_for(lambda: 'is "none"; allowed: a port of 1-65535' in overview(replica), "what is broken is told")
    plane.kubectl("delete", "namespace", "console-own", "--wait=false")
    plane.kubectl("delete", "configmap", "ray-settings", "--namespace", "console-own", "--ignore-not-found")
    wait_for(lambda: "console-own" not in overview(replica), "it is forgotten")


def test_certificate_leader_replicas_and_watches_are_told(fleet: Fleet) -> None:
    wait_for(fleet.is_settled, "one certificate is served and trusted")
    for replica in fleet.replicas:
        wait_for(lambda shown=replica: overview(shown).count(f"<td>{__version__}</td>") == 2, "both replicas report")  # type: ignore[misc]
        page = overview(replica)
        assert served(replica) in page
        assert page.count(">leads</span>") == page.count(">this one</span>") == 1
        assert "holds the Lease" in page
        for watch in ("configmaps/ray-settings", "rayclusters", "rayservices"):
            assert f"<code>{watch}</code>" in page
        assert page.count(">watching</span>") >= 4
    leads = ['>leads</span> <span class="badge calm">this one' in overview(replica) for replica in fleet.replicas]
    assert sorted(leads) == [False, True]


def test_what_the_api_server_sent_is_among_the_decisions(plane: ControlPlane, fleet: Fleet) -> None:
    wait_for(lambda: next_host(plane, "default") == "wide", "the API server calls the webhook")
    told = "".join(Asker(replica.console_url).get("/decisions?namespace=default") for replica in fleet.replicas)
    assert "RAY101" in told
    assert "<code>RAY_ADDRESS</code>" in told
