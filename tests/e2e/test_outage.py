"""The API server goes and comes back: what was known is used meanwhile, and then followed again."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonpatch
import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.process import wait_for
from tests.e2e import installation, targets, workloads
from tests.e2e.expected import client_env
from tests.e2e.support import env_of, metrics, next_env, next_host, seconds_until, watch_states
from tests.service import RunningService, recorded, running_service

pytestmark = pytest.mark.e2e

NAMESPACE = "outage"


@pytest.fixture
def known(plane: ControlPlane, service: RunningService) -> None:
    """A namespace whose settings the service has in force."""
    plane.create_namespace(NAMESPACE)
    plane.apply([workloads.settings(NAMESPACE, RAY_HOST="before", RAY_NAMESPACE="lab")])
    assert seconds_until(lambda: next_host(plane, NAMESPACE), "before") < 1


@pytest.fixture
def late(plane: ControlPlane, certificates: Path, tmp_path: Path) -> Iterator[RunningService]:
    """A second service, started while nobody answers it."""
    flags = installation.flags(plane, certificates)
    (tmp_path / "tls").symlink_to(certificates)
    plane.api_server.stop(seconds=0)
    try:
        with running_service(tmp_path, *flags, settings=None) as late:
            yield late
    finally:
        plane.start_api_server()


def answered(service: RunningService) -> list[dict[str, Any]]:
    """The env of a recorded client, moved to the namespace, after the service's direct answer."""
    review = recorded("pod-dry-run")
    review["request"]["namespace"] = review["request"]["object"]["metadata"]["namespace"] = NAMESPACE
    patch = json.loads(base64.b64decode(service.review(review)["patch"]))
    return env_of(jsonpatch.apply_patch(review["request"]["object"], patch))


def test_an_outage_of_the_api_server_is_lived_through(
    plane: ControlPlane, service: RunningService, known: None, late: RunningService
) -> None:
    """The one that knew answers from its last snapshot; the one that does not yet says when to ask again."""
    before = client_env("before", namespace="lab")
    assert not plane.api_server.running
    assert answered(service) == before
    assert service.ops("/readyz")[0] == 200
    refused = late.post(json.dumps(recorded("pod-dry-run")).encode())
    assert (refused.status, refused.headers["retry-after"], late.ops("/readyz")[0]) == (503, "1", 503)
    late.await_event("cluster request failed")
    assert answered(service) == before

    plane.start_api_server()
    wait_for(lambda: late.ops("/readyz")[0] == 200, "the late service is ready")
    assert answered(late) == before
    wait_for(lambda: next_host(plane, NAMESPACE), "the API server calls the webhook again")
    plane.apply([workloads.settings(NAMESPACE, RAY_HOST="after", RAY_NAMESPACE="lab")])
    plane.apply([targets.cluster(NAMESPACE, "train", targets.cluster_spec(head_service="entrance"))])
    after = client_env("after", namespace="lab")
    wait_for(lambda: answered(service) == answered(late) == after, "both watches have resumed")
    entrance = f"entrance.{NAMESPACE}.svc.cluster.local"
    wait_for(lambda: next_host(plane, NAMESPACE, role="client", cluster="train") == entrance, "so has this one")
    wait_for(lambda: set(watch_states(service).values()) == {"watching"}, "so has the third")
    plane.apply([workloads.settings(NAMESPACE, RAY_HOST="later", RAY_NAMESPACE="lab")])
    assert seconds_until(lambda: next_env(plane, NAMESPACE), client_env("later", namespace="lab")) < 1
    _was_not_hammered(service)


def _was_not_hammered(service: RunningService) -> None:
    """Each watch has delays that grow from a fifth of a second: an outage of seconds is a few failures at most."""
    lines = [line for line in metrics(service).splitlines() if line.startswith("ray_webhook_watch_failures_total{")]
    failures = [float(line.rpartition(" ")[2]) for line in lines]
    assert len(failures) == 3
    assert 0 < max(failures) < 20, failures
