"""10,000 namespaces with settings of their own cost memory, and time at the start, and none at an admission.

The control plane is one without controllers, which would add a ServiceAccount and a ConfigMap to each namespace.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.control_plane.build import PROGRAMS, Assets, find_assets
from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.control_plane.process import wait_for
from tests.e2e import installation, workloads
from tests.e2e.expected import CLUSTER_WIDE
from tests.e2e.support import seconds_until
from tests.service import RunningService, recorded, running_service

pytestmark = pytest.mark.scale

FEW, MANY = 10, 10_000
THREADS = 8
ROUNDS, REVIEWS = 30, 100
TOLERANCE = 1.15
"""Of the ratio of an admission's mean times; between two services with 10 each it came out between 0.98 and 1.04."""
MEMORY = 256
"""MiB: half of the shipped Deployment's limit."""
READY = 15
"""Seconds, on two cores that the API server and etcd share."""
OTHER_NAME = "ray-settings-few"
"""Of the ConfigMaps that the service with few settings looks for."""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    folder = tmp_path_factory.mktemp("scale")
    (folder / "bin").mkdir()
    for name in set(PROGRAMS) - {"kube-controller-manager"}:
        (folder / "bin" / name).symlink_to(find_assets().folder / name)
    (folder / "plane").mkdir()
    with ControlPlane(Assets(folder=folder / "bin"), folder / "plane") as plane:
        installation.install(plane)
        plane.apply([workloads.settings(installation.NAMESPACE, **CLUSTER_WIDE)])
        yield plane


def test_settings_of_10000_namespaces_cost_memory_and_time_at_the_start_and_none_at_an_admission(
    plane: ControlPlane, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = time.monotonic()
    create_namespaces(plane)
    created = time.monotonic() - begun
    few_flags = ["--kubeconfig", str(plane.kubeconfig), "--settings-name", OTHER_NAME]
    many_flags = ["--kubeconfig", str(plane.service_account_kubeconfig(installation.NAMESPACE, installation.NAME))]
    with (
        started(tmp_path / "few", few_flags) as (few, few_ready),
        started(tmp_path / "many", many_flags) as (many, ready),
    ):
        assert (known(few), known(many)) == (FEW, MANY + 1)
        few_memory, memory = few.memory(), many.memory()
        ratio, mean = compared(few, many)
        moved = seconds_until_moved(plane, many)
    with capsys.disabled():
        print(f"\n{MANY} namespaces with settings of their own (created in {created:.0f} s), beside {FEW}:")
        print(f"  ready after     {ready:6.2f} s   (of {FEW}: {few_ready:.2f} s)")
        print(f"  memory          {memory:6.1f} MiB (of {FEW}: {few_memory:.1f} MiB)")
        print(f"  an admission    {mean * 1e6:6.0f} us  ({ratio:.3f} of that with {FEW})")
        print(f"  a change is in force after {moved * 1e3:.0f} ms")
    assert ready < READY
    assert memory < MEMORY
    assert ratio < TOLERANCE
    assert moved < 1


def create_namespaces(plane: ControlPlane) -> None:
    with ThreadPoolExecutor(THREADS) as threads:
        for _ in threads.map(lambda number: create_namespace(plane, number), range(MANY)):
            pass


def create_namespace(plane: ControlPlane, number: int) -> None:
    """A namespace with settings of its own; the first few have some of the other name, too."""
    namespace = name(number)
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    send(plane.admin, "POST", "/api/v1/namespaces", made).checked()
    config_map = settings(number)
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    send(plane.admin, "POST", path, config_map).checked()
    if number < FEW:
        config_map["metadata"]["name"] = OTHER_NAME
        send(plane.admin, "POST", path, config_map).checked()


def name(number: int) -> str:
    return f"team-{number:05}"


def settings(number: int, host: str = "ray") -> dict[str, Any]:
    return workloads.settings(name(number), RAY_HOST=f"{host}-{number}", RAY_NAMESPACE=name(number))


@contextmanager
def started(folder: Path, flags: Sequence[str]) -> Iterator[tuple[RunningService, float]]:
    """A service, and how many seconds it took from its start until it was ready."""
    begun = time.monotonic()
    with running_service(folder, *flags, settings=None) as service:
        wait_for(lambda: service.ops("/readyz")[0] == 200, "the service is ready", seconds=60, interval=0.01)
        yield service, time.monotonic() - begun


def known(service: RunningService) -> int:
    """How many ConfigMaps it knows."""
    return round(service.metric('ray_webhook_settings_configmaps{state="good"}'))


def compared(few: RunningService, many: RunningService) -> tuple[float, float]:
    """An admission's mean time with many settings, as a ratio to that with few, and in seconds; medians of rounds."""
    few_bodies = [review_in(number % FEW) for number in range(REVIEWS)]
    many_bodies = [review_in(number * (MANY // REVIEWS)) for number in range(REVIEWS)]
    means = [(mean_seconds(few, few_bodies), mean_seconds(many, many_bodies)) for _ in range(ROUNDS)]
    return median(of_many / of_few for of_few, of_many in means), median(of_many for _, of_many in means)


def review_in(number: int) -> bytes:
    review = recorded("deployment-client")
    review["request"]["namespace"] = review["request"]["object"]["metadata"]["namespace"] = name(number)
    return json.dumps(review).encode()


def mean_seconds(service: RunningService, bodies: Sequence[bytes]) -> float:
    """The mean time of these admissions by the service's own histogram; one connection, one after the other."""
    before = histogram(service)
    connection = service.connection()
    for body in bodies:
        connection.request("POST", "/mutate", body=body, headers={"Content-Type": "application/json"})
        assert b'"patch"' in connection.getresponse().read()
    connection.close()
    total, count = (after - then for after, then in zip(histogram(service), before, strict=True))
    return total / count


def histogram(service: RunningService) -> tuple[float, float]:
    """The sum, in seconds, and the number of its admissions so far."""
    metric = "ray_webhook_admission_duration_seconds"
    return service.metric(f"{metric}_sum"), service.metric(f"{metric}_count")


def seconds_until_moved(plane: ControlPlane, service: RunningService) -> float:
    """How long a change of one of the many takes from the API server's answer to the next pod."""
    number = MANY // 2
    review = json.loads(review_in(number))
    plane.apply([settings(number, "moved")])
    return seconds_until(lambda: f"moved-{number}" in patch_of(service, review), True)


def patch_of(service: RunningService, review: dict[str, Any]) -> str:
    return base64.b64decode(service.review(review)["patch"]).decode()
