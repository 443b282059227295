"""What a pod is to Ray, from its environment."""

from __future__ import annotations

import pytest

import ray_config
from ray_config.errors import BadValueError
from ray_config.role import Role, find_role

HEAD_COMMAND = "ray start --head  --block  --dashboard-host=0.0.0.0 "
WORKER_COMMAND = "ray start  --address=h.ns.svc.cluster.local:6379  --block "


@pytest.mark.parametrize(
    ("env", "role", "source"),
    [
        ({}, Role.CLIENT, "default"),
        ({"RAY_HOST": "h", "RAY_ADDRESS": "auto"}, Role.CLIENT, "default"),
        ({"SEEDCORE_RAY_ROLE": "client"}, Role.CLIENT, "SEEDCORE_RAY_ROLE"),
        ({"SEEDCORE_RAY_ROLE": "head"}, Role.HEAD, "SEEDCORE_RAY_ROLE"),
        ({"SEEDCORE_RAY_ROLE": " worker "}, Role.WORKER, "SEEDCORE_RAY_ROLE"),
        ({"SEEDCORE_RAY_ROLE": ""}, Role.CLIENT, "default"),
        ({"KUBERAY_GEN_RAY_START_CMD": HEAD_COMMAND}, Role.HEAD, "KUBERAY_GEN_RAY_START_CMD"),
        ({"KUBERAY_GEN_RAY_START_CMD": WORKER_COMMAND, "FQ_RAY_IP": "h"}, Role.WORKER, "KUBERAY_GEN_RAY_START_CMD"),
        ({"FQ_RAY_IP": "h"}, Role.WORKER, "FQ_RAY_IP"),
        ({"SEEDCORE_RAY_ROLE": "client", "FQ_RAY_IP": "h"}, Role.CLIENT, "SEEDCORE_RAY_ROLE"),
        ({"RAY_RAYLET_PID": "7"}, Role.WORKER, "RAY_RAYLET_PID"),
        ({"RAY_JOB_ID": "01000000"}, Role.WORKER, "RAY_JOB_ID"),
        ({"RAY_RAYLET_PID": "7", "SEEDCORE_RAY_ROLE": "client"}, Role.WORKER, "RAY_RAYLET_PID"),
        ({"RAY_RAYLET_PID": "7", "SEEDCORE_RAY_ROLE": "head"}, Role.HEAD, "SEEDCORE_RAY_ROLE"),
        ({"RAY_RAYLET_PID": "7", "KUBERAY_GEN_RAY_START_CMD": HEAD_COMMAND}, Role.HEAD, "KUBERAY_GEN_RAY_START_CMD"),
    ],
)
def test_the_role_and_its_source(env: dict[str, str], role: Role, source: str) -> None:
    standing = find_role(env)

    assert standing.role is role
    assert standing.source.startswith(source)
    assert standing.is_node is (role is not Role.CLIENT)


@pytest.mark.parametrize("text", ["Head", "none", "driver"])
def test_a_role_that_there_is_not(text: str) -> None:
    with pytest.raises(BadValueError, match="allowed: head, worker, client"):
        find_role({"SEEDCORE_RAY_ROLE": text})


def test_the_role_is_read_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("head", "worker"):
        monkeypatch.setenv("SEEDCORE_RAY_ROLE", role)
        assert ray_config.get_ray_role() == role
