"""``ray-webhook audit --restart``: what people see and answer; see also tests/cluster/test_restart.py."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.clusters import add_pod, cluster
from tests.cluster.fake_api_server import CLUSTERS, FakeApiServer
from tests.cluster.rolling import Controllers
from tests.injection.support import kuberay_pod
from tests.injection.support import pod as template
from tests.service import COMMAND, run_command
from tests.terminal import Terminal, check_golden, styled


@pytest.fixture
def fake() -> FakeApiServer:
    return cluster()


@pytest.fixture
def controllers(fake: FakeApiServer) -> Controllers:
    """Two that a restart mends, one whose pods would be refused, one that is paused, what is KubeRay's, a bare pod."""
    made = Controllers(fake)
    made.workload("Deployment", "api", pods=3)
    made.workload("StatefulSet", "db")
    made.workload("Deployment", "paused", pods=1, paused=True)
    made.workload("DaemonSet", "typo", pods=1, role="Client")
    fake.serve_kind(CLUSTERS)
    named = {"namespace": "apps", "name": "train", "uid": "RayCluster-train"}
    fake.add(CLUSTERS, {"metadata": named, "spec": {}})
    owner = {
        "apiVersion": "ray.io/v1",
        "kind": "RayCluster",
        "name": "train",
        "uid": "RayCluster-train",
        "controller": True,
    }
    add_pod(fake, kuberay_pod("head", env={"RAY_ADDRESS": "ray://other:1"}), "train-head", ownerReferences=[owner])
    add_pod(fake, template("client"), "bare")
    return made


def arguments(kubeconfig: Path, *more: str) -> list[str]:
    return ["audit", "-A", "--restart", "--kubeconfig", str(kubeconfig), *more]


def audit(kubeconfig: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return run_command(*arguments(kubeconfig, *more))


def test_it_asks_on_a_terminal_and_then_tells_what_became_of_each(controllers: Controllers, kubeconfig: Path) -> None:
    terminal = Terminal(*arguments(kubeconfig))
    terminal.read_until("[y/N]: ")
    assert controllers.restarts == []
    terminal.type("y\n")

    assert terminal.end() == 1
    check_golden("audit-restart-terminal.txt", styled(terminal.text))
    assert controllers.restarts == ["api", "db"]


def test_piped_it_asks_nobody_and_keeps_progress_from_the_results(controllers: Controllers, kubeconfig: Path) -> None:
    ended = audit(kubeconfig)

    assert ended.returncode == 1
    check_golden("audit-restart.txt", ended.stdout)
    check_golden("audit-restart-progress.txt", ended.stderr)


def test_a_dry_run_tells_the_order_and_changes_nothing(
    fake: FakeApiServer, controllers: Controllers, kubeconfig: Path
) -> None:
    ended = audit(kubeconfig, "--dry-run")

    assert (ended.returncode, ended.stderr) == (1, "")
    check_golden("audit-restart-dry-run.txt", ended.stdout)
    assert {request.method for request in fake.requests} == {"GET"}


def test_json_tells_what_became_of_each_and_0_that_all_is_mended(fake: FakeApiServer, kubeconfig: Path) -> None:
    Controllers(fake).workload("DaemonSet", "agent")
    ended, again = audit(kubeconfig, "-o", "json"), audit(kubeconfig)

    assert (ended.returncode, json.loads(ended.stdout)) == (
        0,
        {
            "fine": True,
            "workloads": [
                {
                    "group": "apps",
                    "kind": "DaemonSet",
                    "namespace": "apps",
                    "name": "agent",
                    "state": "mended",
                    "message": "2 new pods",
                    "command": None,
                }
            ],
        },
    )
    assert (again.returncode, again.stdout, again.stderr) == (0, "nothing to restart: all pods are right\n", "")


def test_it_stops_at_the_first_that_a_restart_does_not_mend(controllers: Controllers, kubeconfig: Path) -> None:
    controllers.is_stuck = True
    ended = audit(kubeconfig, "--timeout", "0.1")

    assert ended.returncode == 1
    assert controllers.restarts == ["api"]
    assert "failed  Deployment apps/api: restarted, and after 0.1 s still 0 of 3 new pods are available" in ended.stdout
    assert "left    StatefulSet apps/db: was not begun, for Deployment apps/api failed\n" in ended.stdout


def test_it_goes_on_where_that_is_wanted(controllers: Controllers, kubeconfig: Path) -> None:
    controllers.is_stuck = True
    ended = audit(kubeconfig, "--timeout", "0.1", "--keep-going", "--yes")

    assert (ended.returncode, controllers.restarts) == (1, ["api", "db"])


def test_whoever_interrupts_it_is_told_what_was_done_and_what_is_left(
    controllers: Controllers, kubeconfig: Path
) -> None:
    controllers.is_stuck = True
    process = subprocess.Popen(
        [COMMAND, *arguments(kubeconfig)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  no thread yet
    )
    assert process.stderr
    while "0 of 3 new pods" not in process.stderr.readline():
        assert process.poll() is None
    os.kill(process.pid, signal.SIGINT)
    told, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "failed  Deployment apps/api: restarted, and nobody waited for its new pods; audit again\n" in told
    assert "left    StatefulSet apps/db: was not begun, for this was interrupted\n" in told
    assert "left    RayCluster apps/train: 1 missed (RAY701); restart the whole RayCluster" in told
    steps = ['"suspend":true', "--for=jsonpath='{.status.state}'=suspended --timeout=10m; ", '"suspend":false']
    assert sorted(steps, key=told.index) == steps


def test_a_cluster_that_fails_in_the_middle_is_status_3_and_what_was_done_is_told(
    fake: FakeApiServer, controllers: Controllers, kubeconfig: Path
) -> None:
    fake.faults.status["/apis/apps/v1/namespaces/apps/statefulsets/db"] = 500
    ended = audit(kubeconfig)

    assert (ended.returncode, controllers.restarts) == (3, ["api"])
    assert "mended  Deployment apps/api: 3 new pods\n" in ended.stdout
    assert "left    StatefulSet apps/db: was not begun, for the cluster failed\n" in ended.stdout
    assert ended.stderr.splitlines()[-1].startswith(
        "ray-webhook: RAY806: /apis/apps/v1/namespaces/apps/statefulsets/db"
    )


def test_nothing_is_restarted_that_was_not_confirmed(controllers: Controllers, kubeconfig: Path) -> None:
    terminal = Terminal(*arguments(kubeconfig))
    terminal.read_until("[y/N]: ")
    terminal.type("n\n")

    assert terminal.end() == 1
    assert controllers.restarts == []
    assert "StatefulSet apps/db: was not confirmed\n" in terminal.text


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["-A", "--dry-run"], "RAY801: --dry-run is given without --restart; give both, or none"),
        (["-A", "--restart", "-o", "name"], "RAY801: --output is name, and --restart is given; give one of them"),
        (["-A", "--restart", "--timeout", "0"], "RAY801: Invalid value for '--timeout'"),
    ],
)
def test_flags_that_do_not_go_together_are_told_in_one_line(kubeconfig: Path, flags: list[str], told: str) -> None:
    ended = run_command("audit", "--kubeconfig", str(kubeconfig), *flags)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith(f"ray-webhook: {told}"), ended.stderr
