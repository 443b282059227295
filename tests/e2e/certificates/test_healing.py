"""What is changed by hand is put right within a second; others' entries, and who applies the file, are left alone."""

from __future__ import annotations

import time
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import apply, send
from tests.control_plane.process import wait_for
from tests.e2e.audit import AuditLog
from tests.e2e.certificates.fleet import CONFIGURATION, SECRET, Fleet, served
from tests.e2e.installation import USER, by_kind, rendered
from tests.e2e.support import MERGE, next_host, seconds_until
from webhook.certificates.authority import issue_authority, issue_serving

pytestmark = pytest.mark.e2e

JSON_PATCH = "application/json-patch+json"
NOW = datetime.now(UTC)
STRANGER = issue_authority(NOW)


@pytest.fixture(autouse=True)
def settled(fleet: Fleet) -> None:
    wait_for(fleet.is_settled, "one certificate is served and trusted")


def text(value: bytes) -> str:
    return b64encode(value).decode()


def patch_configuration(plane: ControlPlane, *operations: dict[str, Any]) -> None:
    send(plane.admin, "PATCH", CONFIGURATION, list(operations), content_type=JSON_PATCH).checked()


def writes(audit_log: AuditLog, resource: str) -> int:
    """How many times our ServiceAccount wrote such an object."""
    events = audit_log.requests(USER)
    return sum(event["verb"] == "patch" and event["objectRef"]["resource"] == resource for event in events)


@pytest.mark.parametrize("broken", [STRANGER.certificate, b""], ids=["another's", "none"])
def test_a_bundle_changed_by_hand_is_put_right_within_a_second(
    plane: ControlPlane, fleet: Fleet, broken: bytes
) -> None:
    right = fleet.bundles()
    for entry in (0, 1):
        operation = {"op": "add", "path": f"/webhooks/{entry}/clientConfig/caBundle", "value": text(broken)}
        patch_configuration(plane, operation)
        took = seconds_until(fleet.bundles, right)
        print(f"after {took:.3f} s")
        assert took < 1
    wait_for(lambda: next_host(plane, "default") == "wide", "the API server trusts the webhook again")


def test_an_entry_that_is_not_ours_is_never_touched(plane: ControlPlane, fleet: Fleet) -> None:
    other = {
        "name": "other.example.com",
        "clientConfig": {"url": "https://localhost:1/other", "caBundle": text(STRANGER.certificate)},
        "namespaceSelector": {"matchLabels": {"no": "namespace"}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    right = fleet.bundles()
    patch_configuration(
        plane,
        {"op": "add", "path": "/webhooks/-", "value": other},
        {"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"},
    )
    try:
        seconds_until(fleet.bundles, [*right, STRANGER.certificate])
        found = fleet.get(CONFIGURATION)["webhooks"][2]
        assert {key: found[key] for key in other} == other
    finally:
        patch_configuration(plane, {"op": "remove", "path": "/webhooks/2"})


def foreign_pair() -> dict[str, str]:
    pair = issue_serving(STRANGER, ["ray-webhook.ray-webhook-system.svc"], NOW)
    return {"tls.crt": text(pair.certificate), "tls.key": text(pair.key)}


@pytest.mark.parametrize(
    "data",
    [
        {"ca.key": text(STRANGER.key)},
        {"tls.key": text(b"garbage")},
        {"tls.crt": text(STRANGER.certificate)},
        {"ca.crt": None},
        foreign_pair(),
    ],
    ids=["another's ca.key", "garbage", "mismatch", "ca.crt removed", "another's pair"],
)
def test_a_broken_secret_is_put_back_and_never_served(
    plane: ControlPlane, fleet: Fleet, data: dict[str, str | None]
) -> None:
    before = fleet.secret()
    shown = {served(replica) for replica in fleet.replicas}
    send(plane.admin, "PATCH", SECRET, {"data": data}, content_type=MERGE).checked()
    took = seconds_until(fleet.secret, before)
    print(f"after {took:.3f} s")
    assert took < 1
    assert {served(replica) for replica in fleet.replicas} == shown


def test_whoever_applies_the_file_again_starts_no_fight(
    plane: ControlPlane, fleet: Fleet, installed: Path, audit_log: AuditLog
) -> None:
    """By kubectl with and without --server-side, and by another manager's forced apply, as GitOps tools do it."""
    right, before = fleet.bundles(), writes(audit_log, "mutatingwebhookconfigurations")
    file = by_kind(rendered(plane, installed), "MutatingWebhookConfiguration")
    plane.kubectl("apply", "--server-side", "-k", str(installed))
    assert fleet.bundles() == right
    apply(plane.admin, [file], field_manager="gitops")
    assert fleet.bundles() == right
    plane.kubectl("apply", "-k", str(installed))
    assert fleet.bundles() == right
    time.sleep(1)
    assert writes(audit_log, "mutatingwebhookconfigurations") == before


def test_whoever_insists_on_another_bundle_costs_one_write_each_time(
    plane: ControlPlane, fleet: Fleet, installed: Path, audit_log: AuditLog
) -> None:
    file = by_kind(rendered(plane, installed), "MutatingWebhookConfiguration")
    file["webhooks"][0]["clientConfig"]["caBundle"] = text(STRANGER.certificate)
    right, before = fleet.bundles(), writes(audit_log, "mutatingwebhookconfigurations")
    for _ in range(3):
        apply(plane.admin, [file], field_manager="insists")
        assert seconds_until(fleet.bundles, right) < 1.2
    seconds_until(lambda: writes(audit_log, "mutatingwebhookconfigurations"), before + 3)
