"""What is missing, empty or long does not keep a fault from being found: an expression that fails lets all through."""

from __future__ import annotations

from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.e2e import targets
from tests.e2e.policies.manifests import cluster_spec, ray_job, template
from tests.e2e.policies.support import answered, try_out, update
from tests.e2e.workloads import our_annotations

pytestmark = pytest.mark.e2e

BAD = template(role="bad")


def without_spec(name: str) -> dict[str, Any]:
    """A RayCluster as its definition allows it."""
    document = targets.cluster("apps", name, {})
    del document["spec"]
    return document


def selecting(name: str) -> dict[str, Any]:
    """A RayJob that runs in a RayCluster that is there."""
    document = ray_job(cluster_spec(template()))
    document["metadata"]["name"] = name
    del document["spec"]["rayClusterSpec"]
    return document


@pytest.mark.parametrize(
    ("stored", "spec"),
    [
        (selecting("odd"), {"submitterPodTemplate": BAD}),
        (selecting("odd"), {"rayClusterSpec": cluster_spec(BAD)}),
        (without_spec("odd"), cluster_spec(BAD)),
    ],
    ids=["a RayJob's submitter", "a RayJob's cluster", "the first spec of a RayCluster"],
)
def test_a_template_that_an_update_adds_is_judged(
    policed: ControlPlane, stored: dict[str, Any], spec: dict[str, Any]
) -> None:
    assert answered(update(policed, stored, spec)) == (["RAY301"], 200)


def test_a_workload_without_a_spec_is_judged(policed: ControlPlane) -> None:
    document = without_spec("new")
    document["metadata"]["annotations"] = our_annotations({"role": "client"})
    assert answered(try_out(policed, document)) == (["RAY601"], 201)
