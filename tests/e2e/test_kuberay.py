"""The stand-in for KubeRay's operator makes what the real one made, as far as the webhook looks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.kuberay import pods_of
from tests.service import FIXTURES, recorded

pytestmark = pytest.mark.e2e


@pytest.fixture
def cluster() -> dict[str, Any]:
    """A RayCluster as the API server stored it, of which the recorded pods were made."""
    text = (FIXTURES / "objects" / "raycluster-default.json").read_text(encoding="utf-8")
    read: dict[str, Any] = json.loads(text)
    return read


@pytest.mark.parametrize(("number", "name"), [(0, "kuberay-head"), (1, "kuberay-worker")])
def test_a_pod_is_that_of_the_real_operator(cluster: dict[str, Any], number: int, name: str) -> None:
    made = list(pods_of(cluster))[number]
    real = recorded(name)["request"]["object"]
    for field in ("generateName", "labels", "ownerReferences"):
        assert made["metadata"][field] == real["metadata"][field]
    for field in ("containers", "initContainers"):
        assert [seen(item) for item in made["spec"].get(field, [])] == [
            seen(item) for item in real["spec"].get(field, [])
        ]


def seen(container: dict[str, Any]) -> dict[str, Any]:
    """What the webhook looks at."""
    return {field: container.get(field) for field in ("name", "env", "envFrom")}


@pytest.mark.parametrize(
    ("number", "name"), [(0, "kuberay-head-with-ray-client-address"), (1, "kuberay-worker-with-ray-client-address")]
)
def test_the_users_own_address_wins(cluster: dict[str, Any], number: int, name: str) -> None:
    """The trap that the webhook mends: the operator writes its own RAY_ADDRESS only where there is none."""
    real = recorded(name)["request"]["object"]["spec"]["containers"][0]
    (declared,) = [entry for entry in real["env"] if entry["name"] == "RAY_ADDRESS"]
    spec = cluster["spec"]
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        group["template"]["spec"]["containers"][0]["env"] = [declared]
    made = list(pods_of(cluster))[number]["spec"]["containers"][0]
    assert [entry for entry in made["env"] if entry["name"] == "RAY_ADDRESS"] == [declared]
    assert made["env"][0] == declared == real["env"][0]
