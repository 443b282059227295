"""An audit of 5,000 real pods: what it finds, how long it takes, and how much memory.

The control plane is one without controllers, and no webhook is called: every pod with a role was missed.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.control_plane.build import PROGRAMS, Assets, find_assets
from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.e2e import workloads
from tests.e2e.expected import CLUSTER_WIDE
from tests.e2e.installation import NAMESPACE
from tests.service import COMMAND

pytestmark = pytest.mark.scale

PODS = 5_000
SPACES = 10
THREADS = 8
MEMORY = 256
"""MiB; a process that has imported the client has some 75."""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    folder = tmp_path_factory.mktemp("scale-audit")
    (folder / "bin").mkdir()
    for name in set(PROGRAMS) - {"kube-controller-manager"}:
        (folder / "bin" / name).symlink_to(find_assets().folder / name)
    (folder / "plane").mkdir()
    flags = ["--disable-admission-plugins=ServiceAccount"]
    with ControlPlane(Assets(folder=folder / "bin"), folder / "plane", api_server_flags=flags) as plane:
        for name in (NAMESPACE, *map(space, range(SPACES))):
            plane.create_namespace(name)
        plane.apply([workloads.settings(NAMESPACE, **CLUSTER_WIDE)])
        yield plane


def space(number: int) -> str:
    return f"team-{number}"


def create_pod(plane: ControlPlane, number: int) -> None:
    """Every other pod is a client, and belongs to one of a hundred StatefulSets; the others have no role."""
    namespace = space(number % SPACES)
    pod = workloads.pod(namespace, f"pod-{number}", **({"role": "client"} if number // SPACES % 2 else {}))
    name = f"set-{number // 2 % 10}"
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": name, "uid": name, "controller": True}
    pod["metadata"]["ownerReferences"] = [owner]
    send(plane.admin, "POST", f"/api/v1/namespaces/{namespace}/pods", pod).checked()


def test_5000_real_pods_are_audited_page_by_page(
    plane: ControlPlane, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ThreadPoolExecutor(THREADS) as threads:
        for _ in threads.map(lambda number: create_pod(plane, number), range(PODS)):
            pass
    begun = time.monotonic()
    output = tmp_path / "found.json"
    with output.open("wb") as file:
        command = [COMMAND, "audit", "-A", "-o", "json", "--kubeconfig", str(plane.kubeconfig)]
        process = subprocess.Popen(command, stdout=file)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds, found = time.monotonic() - begun, json.loads(output.read_text())
    with capsys.disabled():
        print(f"\n{PODS} real pods audited in {seconds:.1f} s with {usage.ru_maxrss / 1024:.0f} MiB")

    assert (process.returncode, found["pods"], found["concerned"]) == (1, PODS, PODS // 2)
    assert sum(item["findings"][0]["count"] for item in found["workloads"]) == PODS // 2
    assert {item["findings"][0]["code"] for item in found["workloads"]} == {"RAY701"}
    assert usage.ru_maxrss / 1024 < MEMORY
