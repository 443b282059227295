"""An audit of 100,000 pods holds a page of them and what it tells, and not more than one of 20,000 does."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.fake_api_server import NAMESPACES, PODS, FakeApiServer, Many, running_api_server
from tests.cluster.rolling import SETTINGS, injected
from tests.cluster.support import OWN
from tests.cluster.test_serve import kubeconfig_for
from tests.injection.support import pod as template
from tests.service import COMMAND

FEW, MANY = 20_000, 100_000
WORKLOADS = 250
TOLERANCE = 24
"""MiB between the two peaks, for the allocator; 80,000 pods are 320."""
GROWTH = 150
"""MiB above what one pod takes."""


def pods() -> list[bytes]:
    """Of eight one that was missed, one that is stale, and two that are right; @ stands for the number of each.

    The rest has nothing to do with Ray, as most pods of a cluster. With 4 KB they are small ones.
    """
    noise = {"managedFields": [{"manager": "kube-controller-manager", "fieldsV1": {"f:spec": {"x" * 3000: {}}}}]}
    right = injected(template("client"))
    kinds = [template("client"), injected(template("client"), RAY_HOST="before"), right, right, *[template()] * 4]
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "set-#", "uid": "set-#", "controller": True}
    named = {**noise, "namespace": "apps", "name": "pod-@", "uid": "uid-@", "ownerReferences": [owner]}
    wholes = [{**kind, "metadata": {**kind["metadata"], **named}, "status": {"phase": "Running"}} for kind in kinds]
    return [json.dumps(whole).encode() for whole in wholes]


def audited(folder: Path, count: int) -> tuple[dict[str, Any], float]:
    """What an audit of so many pods finds; and its peak of resident memory in MiB."""
    kinds = pods()
    fake = FakeApiServer()
    fake.config_map(OWN, SETTINGS)
    fake.add(NAMESPACES, {"metadata": {"name": "apps"}})

    def pod(index: int) -> bytes:
        workload, number = str(index // 8 % WORKLOADS), str(index)
        return kinds[index % 8].replace(b"#", workload.encode()).replace(b"@", number.encode())

    fake.many[PODS] = Many(count=count, item=pod)
    with running_api_server(fake) as url, tempfile.TemporaryFile() as output:
        file = folder / "kubeconfig"
        file.write_text(kubeconfig_for(url))
        command = [COMMAND, "audit", "-A", "-o", "json", "--kubeconfig", str(file)]
        process = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        found: dict[str, Any] = json.load(output)
    assert process.returncode == (0 if found["fine"] else 1)
    return found, usage.ru_maxrss / 1024


@pytest.mark.scale
def test_memory_does_not_grow_with_the_number_of_pods(tmp_path: Path) -> None:
    _, one = audited(tmp_path, 1)
    few, of_few = audited(tmp_path, FEW)
    many, of_many = audited(tmp_path, MANY)

    for found, count in ((few, FEW), (many, MANY)):
        assert (found["pods"], found["concerned"], found["beyond"]) == (count, count // 2, [])
        assert [{finding["code"]: finding["count"] for finding in item["findings"]} for item in found["workloads"]] == [
            {"RAY701": count // 8 // WORKLOADS, "RAY702": count // 8 // WORKLOADS}
        ] * WORKLOADS
    assert of_many - of_few < TOLERANCE, (one, of_few, of_many)
    assert of_many - one < GROWTH, (one, of_few, of_many)
