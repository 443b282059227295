"""``ray-webhook audit``: what people and scripts read, and the exit status; see also tests/cluster/test_audit.py."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.fake_api_server import NAMESPACES, PODS, STATEFUL_SETS, FakeApiServer
from tests.injection.support import container, pod, run, snapshot
from tests.service import run_command
from tests.terminal import check_golden, on_terminal

OWN = "ray-webhook-system"
SETTINGS = {"RAY_HOST": "head", "RAY_NAMESPACE": "lab"}


@pytest.fixture
def fake() -> FakeApiServer:
    server = FakeApiServer()
    server.config_map(OWN, SETTINGS)
    server.add(NAMESPACES, {"metadata": {"name": "apps"}})
    return server


def add(fake: FakeApiServer, whole: dict[str, Any], name: str, kind: str | None = None, workload: str = "api") -> None:
    owner = {"apiVersion": "apps/v1", "kind": kind, "name": workload, "uid": workload, "controller": True}
    metadata = {**whole["metadata"], "namespace": "apps", "name": name, "ownerReferences": [owner] if kind else []}
    fake.add(PODS, {**whole, "metadata": metadata})


@pytest.fixture
def findings(fake: FakeApiServer) -> None:
    """One stale workload, a pod that was missed, and one that would be refused."""
    fake.add(STATEFUL_SETS, {"metadata": {"namespace": "apps", "name": "api", "uid": "api"}})
    for name in ("api-0", "api-1", "api-2", "api-3"):
        add(fake, run(pod("client"), snapshot(SETTINGS | {"RAY_HOST": "before"})).pod, name, "StatefulSet")
    add(fake, pod("client"), "missed")
    add(fake, pod("Client", container("app\x1b[31m")), "refused")


def audit(kubeconfig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command("audit", "--kubeconfig", str(kubeconfig), *arguments)


def test_nothing_to_find_is_one_line_and_status_0(fake: FakeApiServer, kubeconfig: Path) -> None:
    add(fake, run(pod("client"), snapshot(SETTINGS)).pod, "right")
    ended = audit(kubeconfig, "-A")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "1 pod looked at, 1 for the webhook: all of these are right\n"


def test_findings_are_told_by_workload_with_what_mends_them_and_status_1(findings: None, kubeconfig: Path) -> None:
    ended = audit(kubeconfig, "--all-namespaces")

    assert (ended.returncode, ended.stderr) == (1, "")
    missed, refused, stale, summary = ended.stdout.split("\n\n")
    assert missed.splitlines()[:2] == ["Pod apps/missed", "  RAY701 missed: missed"]
    assert "      + RAY_ADDRESS             ray://head:10001" in missed
    assert "kubectl get pod missed -n apps -o yaml | kubectl replace --force -f -" in missed
    allowed = "allowed: head, worker, client, none; set it to head, worker, client or none."
    assert refused.splitlines()[1:] == [
        "  RAY703 would be refused: refused",
        f'    RAY301: annotation ray.seedcore.io/role is "Client"; {allowed}',
    ]
    assert stale.splitlines()[:2] == ["StatefulSet apps/api", "  RAY702 stale: api-0, api-1, api-2 and 1 more"]
    assert "      ~ RAY_HOST                head   (was before)" in stale
    assert stale.endswith("  To mend it, restart it: kubectl rollout restart statefulset/api -n apps")
    assert summary == "6 pods looked at, 6 for the webhook: 1 missed, 1 would be refused, 4 stale\n"


def test_json_has_all_that_was_found(findings: None, kubeconfig: Path) -> None:
    ended = audit(kubeconfig, "-A", "-o", "json")
    found = json.loads(ended.stdout)
    stale = found["workloads"][2]

    assert (ended.returncode, found["fine"], found["pods"], found["concerned"]) == (1, False, 6, 6)
    assert [stale[key] for key in ("group", "kind", "namespace", "name")] == ["apps", "StatefulSet", "apps", "api"]
    assert stale["findings"][0]["code"] == "RAY702"
    assert stale["findings"][0]["pods"] == ["api-0", "api-1", "api-2", "api-3"]
    assert stale["findings"][0]["differences"][0] == {
        "container": "app",
        "name": "RAY_HOST",
        "before": "before",
        "after": "head",
    }
    assert stale["mend"] == {"text": "restart it", "command": "kubectl rollout restart statefulset/api -n apps"}


def test_names_are_what_a_restart_mends_as_arguments_of_kubectl(findings: None, kubeconfig: Path) -> None:
    ended = audit(kubeconfig, "-A", "-o", "name")

    assert (ended.returncode, ended.stdout) == (1, "statefulset/api --namespace=apps\n")


@pytest.mark.parametrize("output", ["name", "text"])
def test_no_owner_reference_becomes_part_of_a_command(fake: FakeApiServer, kubeconfig: Path, output: str) -> None:
    """The API server takes any text there, newlines and blanks included, and any UID."""
    hostile = "a\ndeployment/precious --namespace=other\n--server=http://127.0.0.1:1 deployment/x; id"
    add(fake, pod("client"), "one", "Deployment", hostile)
    add(fake, pod("client"), "two", "Deployment", "victim")
    ended = audit(kubeconfig, "-A", "-o", output)

    assert ended.returncode == 1
    assert not any(word in ended.stdout for word in ("rollout", "precious", "--server", "deployment/victim"))


def test_warnings_are_told_with_the_number_of_pods_and_are_no_failure(fake: FakeApiServer, kubeconfig: Path) -> None:
    whole = run(pod("client", annotations={"skip-containers": "later"}), snapshot(SETTINGS)).pod
    add(fake, whole, "one", "StatefulSet")
    add(fake, whole, "two", "StatefulSet")
    ended = audit(kubeconfig, "-n", "apps")

    assert ended.returncode == 0
    assert "  warning RAY403: annotation ray.seedcore.io/skip-containers lists" in ended.stdout
    assert "(2 pods)\n" in ended.stdout


def test_broken_settings_are_a_finding(fake: FakeApiServer, kubeconfig: Path) -> None:
    fake.config_map("apps", {"RAY_PORT": "99999"})
    ended = audit(kubeconfig, "-n", "apps")

    assert ended.returncode == 1
    assert ended.stdout.startswith(
        'ConfigMap apps/ray-settings\n  RAY705 settings broken: RAY_PORT is "99999"; allowed: a port of 1-65535\n'
    )


def test_a_value_that_somebody_wrote_cannot_break_out_of_its_line(fake: FakeApiServer, kubeconfig: Path) -> None:
    add(fake, pod("client", container("app", {"RAY_HOST": "a\n\x1b[31mforged"})), "one")

    assert "\x1b" not in audit(kubeconfig, "-A").stdout


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ((), 2, "RAY801: both or none of --all-namespaces and --namespace are given"),
        (("-A", "-n", "apps"), 2, "RAY801: both or none of --all-namespaces and --namespace are given"),
        (("-n", "A b"), 2, "RAY801: Invalid value for '--namespace'"),
        (("-n", "nowhere"), 2, 'RAY802: the namespace "nowhere" does not exist; see kubectl get namespaces'),
        (("-A", "--settings-name", "A b"), 2, 'RAY801: --settings-name is "A b"'),
        (("-A", "--context", "none"), 2, "RAY807: kubeconfig file"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    kubeconfig: Path, arguments: tuple[str, ...], status: int, told: str
) -> None:
    ended = audit(kubeconfig, *arguments)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (status, "", 1)
    assert ended.stderr.startswith(f"ray-webhook: {told}")


def test_where_the_service_observes_nothing_is_looked_at(findings: None, fake: FakeApiServer, kubeconfig: Path) -> None:
    ended = audit(kubeconfig, "-A", "--mode", "observe")

    assert (ended.returncode, ended.stdout, fake.requests) == (0, "", [])
    assert ended.stderr == "the service observes: no pod has its settings, so there is nothing to audit\n"


def test_a_cluster_that_fails_is_status_3(fake: FakeApiServer, kubeconfig: Path) -> None:
    fake.faults.status[PODS] = 500
    ended = audit(kubeconfig, "-A")

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (3, "", 1)
    assert ended.stderr.startswith(f"ray-webhook: RAY806: {PODS} of http://127.0.0.1")


def test_the_kubeconfig_is_found_as_kubectl_finds_it(fake: FakeApiServer, kubeconfig: Path, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    missing = run_command("audit", "-A", **environment)
    several = run_command("audit", "-A", **environment, KUBECONFIG=f"{kubeconfig}:/other")
    named = run_command("audit", "-A", **environment, KUBECONFIG=str(kubeconfig))
    (tmp_path / ".kube").mkdir()
    kubeconfig.rename(tmp_path / ".kube" / "config")
    usual = run_command("audit", "-A", **environment)

    assert (missing.returncode, several.returncode, named.returncode, usual.returncode) == (2, 2, 0, 0)
    assert "RAY801: no kubeconfig file is given, and this is no pod" in missing.stderr
    assert "RAY801: KUBECONFIG names several files" in several.stderr


def test_findings_are_shown_as_people_read_them(findings: None, kubeconfig: Path) -> None:
    piped = audit(kubeconfig, "-A")
    seen = on_terminal("audit", "-A", "--kubeconfig", str(kubeconfig))

    assert (piped.returncode, piped.stderr, seen.returncode) == (1, "", 1)
    check_golden("audit.txt", piped.stdout)
    check_golden("audit-terminal.txt", seen.styled)
    check_golden("audit.json", audit(kubeconfig, "-A", "-o", "json").stdout)
