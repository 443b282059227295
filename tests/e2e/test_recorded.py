"""Recorded pods created anew: the API server applies the webhook's patch as jsonpatch does."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Mapping
from typing import Any

import jsonpatch
import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.e2e.support import DRY_RUN, create
from tests.service import FIXTURES, RunningService, recorded

pytestmark = pytest.mark.e2e

STATUS = "ray.seedcore.io/status"
NAMESPACES: Mapping[str, dict[str, str]] = {
    "apps": {},
    "seedcore-dev": {},
    "team-a": {"ray.seedcore.io/default-role": "client"},
    "team-off": {"ray.seedcore.io/injection": "disabled"},
}
NAMES = sorted(path.stem for path in (FIXTURES / "reviews").glob("*.json"))
CREATED = [name for name in NAMES if recorded(name)["request"]["operation"] == "CREATE"]
UNSENT = {"pod-in-disabled-namespace", "pod-mirror", "pod-without-role"}
"""Those that the API server does not send, whatever the service would answer."""


def expected(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FIXTURES / "expected" / f"{name}.json").read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module", autouse=True)
def namespaces(plane: ControlPlane, service: RunningService) -> None:
    for name, labels in NAMESPACES.items():
        plane.create_namespace(name, labels)


def answered(service: RunningService, review: dict[str, Any], path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The service's answer to a review that is posted directly, and the pod that jsonpatch makes of it."""
    response = service.review(review, path)
    patch = json.loads(base64.b64decode(response.get("patch", "W10=")))
    patched: dict[str, Any] = jsonpatch.apply_patch(copy.deepcopy(review["request"]["object"]), patch)
    return response, patched


def comparable(pod: dict[str, Any]) -> dict[str, Any]:
    """The pod without what the API server writes itself at each creation; it leaves out an empty value."""
    metadata = {key: pod["metadata"].get(key) or {} for key in ("labels", "annotations")}
    spec = copy.deepcopy(pod["spec"])
    for container in spec.get("initContainers", []) + spec["containers"]:
        for entry in container.get("env", ()):
            if entry.get("value") == "":
                del entry["value"]
    return {"metadata": metadata, "spec": spec}


def test_nearly_every_recorded_review_is_a_creation() -> None:
    assert (len(NAMES), set(NAMES) - set(CREATED)) == (25, {"pod-delete", "pod-ephemeral-container", "pod-update"})


@pytest.mark.parametrize("name", [name for name in CREATED if expected(name)["allowed"]])
def test_the_api_server_makes_of_a_recorded_pod_what_jsonpatch_makes(
    plane: ControlPlane, service: RunningService, name: str
) -> None:
    review, wanted = recorded(name), expected(name)
    response, patched = answered(service, review, wanted["path"])
    answer = create(plane, review["request"]["object"], dry_run=True)
    if name in UNSENT:
        patched, response = review["request"]["object"], {}
    assert comparable(answer.checked()) == comparable(patched)
    assert set(response.get("warnings", ())) <= set(answer.warnings)
    assert (STATUS in (answer.body["metadata"].get("annotations") or {})) is (wanted["status"] and bool(response))


@pytest.mark.parametrize("name", [name for name in CREATED if not expected(name)["allowed"]])
def test_a_recorded_pod_that_is_denied_is_not_created(plane: ControlPlane, service: RunningService, name: str) -> None:
    review = recorded(name)
    response = service.review(review, expected(name)["path"])
    answer = create(plane, review["request"]["object"], dry_run=True)
    assert answer.status == response["status"]["code"] == 403
    assert answer.body["message"].endswith(f"denied the request: {response['status']['message']}")


def test_the_api_server_makes_of_the_recorded_ephemeral_container_what_jsonpatch_makes(
    plane: ControlPlane, service: RunningService
) -> None:
    review = recorded("pod-ephemeral-container")
    _, patched = answered(service, review, "/mutate")
    before = copy.deepcopy(review["request"]["oldObject"])
    del before["metadata"]["resourceVersion"]
    stored = create(plane, before | {"status": {}}).checked()
    stored["spec"]["ephemeralContainers"] = review["request"]["object"]["spec"]["ephemeralContainers"]
    path = f"/api/v1/namespaces/apps/pods/{stored['metadata']['name']}"
    after = send(plane.admin, "PUT", f"{path}/ephemeralcontainers", stored, query=DRY_RUN).checked()
    (made,) = after["spec"]["ephemeralContainers"]
    assert made == patched["spec"]["ephemeralContainers"][0]
    assert made["env"] == expected("pod-ephemeral-container")["env"]["ephemeralContainers/dbg"]
    send(plane.admin, "DELETE", path).checked()
