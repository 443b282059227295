"""``ray-webhook explain`` where the rendered policy does the webhook's work: by the same rules, and by its limits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.control_plane.objects import send
from tests.e2e import workloads
from tests.e2e.render.conftest import SideBySide, twin
from tests.e2e.support import create
from tests.service import run_command

pytestmark = pytest.mark.e2e


def explained(both: SideBySide, namespace: str, name: str) -> dict[str, Any]:
    arguments = ("--kubeconfig", str(both.plane.kubeconfig), "-n", namespace, f"pod/{name}", "-o", "json")
    ended = run_command("explain", *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


@pytest.mark.parametrize(
    ("namespace", "policy", "written"),
    [
        ("apps", "ray-settings", {"role": "client"}),
        ("team-own", "ray-settings.team-own-by-policy", {"role": "client"}),
        ("team-a", "default-role.ray-settings", {}),
    ],
)
def test_a_pod_that_the_policy_changed_is_right(
    side_by_side: SideBySide, namespace: str, policy: str, written: dict[str, str]
) -> None:
    place = twin(namespace)
    create(side_by_side.plane, workloads.pod(place, "explained", **written)).checked()
    found = explained(side_by_side, place, "explained")
    send(side_by_side.plane.admin, "DELETE", f"/api/v1/namespaces/{place}/pods/explained").checked()

    assert (found["code"], found["standing"]["fine"]) == ("RAY201", True)
    assert [note.partition(" does ")[0] for note in found["notes"]] == [f"MutatingAdmissionPolicy {policy}"]


def test_what_the_policy_leaves_is_told_by_its_limit(side_by_side: SideBySide) -> None:
    place = twin("apps")
    create(side_by_side.plane, workloads.pod(place, "named", role="client", cluster="train")).checked()
    found = explained(side_by_side, place, "named")
    send(side_by_side.plane.admin, "DELETE", f"/api/v1/namespaces/{place}/pods/named").checked()

    assert (found["code"], found["standing"]) == ("RAY780", None)
