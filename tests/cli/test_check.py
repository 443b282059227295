"""``ray-webhook check``: what people and programs read, on a terminal and in a pipe, and the exit status.

Each check with each of its failures is in tests/cluster/checks.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.checks.test_installed import entry, pod_waits, settings
from tests.cluster.checks.test_ray import other_head
from tests.cluster.checks.world import NAME, World, healthy
from tests.cluster.fake_api_server import FakeApiServer
from tests.cluster.support import OWN
from tests.cluster.test_serve import kubeconfig_for
from tests.service import COMMAND
from tests.terminal import check_golden, on_terminal, styled

URL = "https://kubernetes.example:6443"


@dataclass
class Ended:
    """What came of a run; `shown` is the terminal's text."""

    status: int
    stdout: str
    stderr: str
    shown: str = ""


@dataclass
class Site:
    world: World
    kubeconfig: Path

    def check(self, *arguments: str, **environment: str) -> Ended:
        """Run the command in a pipe."""
        ended = subprocess.run(
            [COMMAND, "check", "--kubeconfig", self.kubeconfig, *arguments],
            capture_output=True,
            check=False,
            timeout=60,
            env={**os.environ, **environment},
        )
        return Ended(ended.returncode, ended.stdout.decode().replace(self.world.url, URL), ended.stderr.decode())

    def on_terminal(self, *arguments: str, no_color: str = "") -> Ended:
        """Run the command on a terminal."""
        seen = on_terminal("check", "--kubeconfig", str(self.kubeconfig), *arguments, NO_COLOR=no_color)
        return Ended(seen.returncode, "", "", seen.text)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with healthy() as world:
        file = tmp_path / "kubeconfig"
        file.write_text(kubeconfig_for(world.url))
        yield Site(world=world, kubeconfig=file)


@pytest.fixture
def failing(site: Site) -> Site:
    """Two failures, of which one has another as its consequence, a warning, and a Service of two clusters."""
    entry(0, timeoutSeconds=10)(site.world)
    pod_waits(site.world)
    settings("clients", RAY_PORT="70000")(site.world)
    other_head(site.world)
    return site


def test_a_sound_installation_in_a_pipe(site: Site) -> None:
    ended = site.check()

    assert (ended.status, ended.stderr) == (0, "")
    check_golden("check-healthy.txt", ended.stdout)


def test_a_sound_installation_on_a_terminal(site: Site) -> None:
    ended = site.on_terminal()

    assert ended.status == 0
    check_golden("check-healthy-terminal.txt", styled(ended.shown))


def test_failures_in_a_pipe(failing: Site) -> None:
    ended = failing.check()

    assert (ended.status, ended.stderr) == (1, "")
    check_golden("check-failing.txt", ended.stdout)


def test_failures_on_a_terminal(failing: Site) -> None:
    ended = failing.on_terminal()

    assert ended.status == 1
    check_golden("check-failing-terminal.txt", styled(ended.shown))


def test_a_document_for_programs(failing: Site) -> None:
    ended = failing.check("-o", "json")

    assert (ended.status, ended.stderr, json.loads(ended.stdout)["fine"]) == (1, "", False)
    check_golden("check-failing.json", ended.stdout)


def test_somebody_without_rights_reads_of_one_failure(site: Site) -> None:
    site.world.lacking |= {"list services", "list secrets", "list deployments"}
    path = f"/apis/apps/v1/namespaces/{OWN}/deployments"
    site.world.fake.faults.status[path] = 403
    site.world.fake.faults.message = (
        'deployments.apps is forbidden: User "alice" cannot list resource "deployments" in API group "apps" in the '
        f'namespace "{OWN}"'
    )
    ended = site.check()

    assert (ended.status, ended.stderr) == (1, "")
    check_golden("check-without-rights.txt", ended.stdout)


def test_what_grants_the_rights_is_printed_for_an_administrator(site: Site) -> None:
    whole, few = site.check("--rights"), site.check("--rights", "--only", "policies")

    assert (whole.status, whole.stderr) == (few.status, few.stderr) == (0, "")
    check_golden("check-rights.yaml", whole.stdout)
    role, _ = yaml.safe_load_all(few.stdout)
    kinds = {resource for rule in role["rules"] for resource in rule["resources"]}
    assert kinds == {
        "mutatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
    }


def test_before_an_installation(site: Site) -> None:
    ended = site.check("--pre")

    assert (ended.status, ended.stderr) == (0, "")
    check_golden("check-pre.txt", ended.stdout)


def test_no_colours_where_none_are_wanted(site: Site) -> None:
    assert "\x1b" not in site.on_terminal("--pre", no_color="1").shown


def test_an_output_without_ticks_gets_letters(site: Site) -> None:
    ended = site.check("--pre", PYTHONIOENCODING="ascii")

    assert (ended.status, ended.stdout.isascii()) == (0, True)
    assert "\n  + Kubernetes is 1.30 or newer: v1.36.3\n" in ended.stdout


def test_what_others_have_written_cannot_break_out_of_its_line(site: Site) -> None:
    hostile = {"waiting": {"reason": "x\n\x1b[31mforged", "message": "y\r\nz"}}
    pod = site.world.object("/api/v1/pods", f"{NAME}-1", OWN)
    pod["status"] = {"containerStatuses": [{"name": "a", "state": hostile}]}
    site.world.deployment["status"]["readyReplicas"] = 1
    ended = site.check("--only", "replicas")

    assert (ended.status, ended.stdout.splitlines()[0]) == (1, "Cluster")
    assert "\x1b" not in ended.stdout
    assert not any(line.startswith(("forged", "z")) for line in ended.stdout.splitlines())


def test_waiting_ends_as_soon_as_nothing_fails(site: Site) -> None:
    """In a pipe only changes are told, however often it looks."""
    site.world.deployment["status"]["readyReplicas"] = 1
    looks: list[str] = []

    def mend(request: Any) -> tuple[int, dict[str, Any]]:
        looks.append(request.path)
        if len(looks) > 40:
            site.world.deployment["status"]["readyReplicas"] = 2
        return site.world.review(request)

    site.world.fake.creations["subjectaccessreviews"] = mend
    ended = site.check("--wait=60")

    assert (ended.status, ended.stderr) == (0, "waiting for ready\n")
    check_golden("check-healthy.txt", ended.stdout)
    assert len(looks) > 40


def test_waiting_on_a_terminal_writes_one_line_anew_and_leaves_none(site: Site) -> None:
    site.world.deployment["status"]["readyReplicas"] = 1
    ended = site.on_terminal("--wait=3", "--no-color")

    assert ended.status == 1
    first, shown = ended.shown.split("\r\x1b[K", 2)[1:]
    assert first.startswith("waiting for ready (")
    assert first.endswith(" s left)")
    assert shown.startswith("Cluster\n")


def test_waiting_for_a_cluster_that_does_not_come_is_status_3(site: Site) -> None:
    site.world.fake.faults.status["/version"] = 503
    ended = site.check("--wait=3", "--pre")
    waiting, error = ended.stderr.splitlines()

    assert (ended.status, ended.stdout) == (3, "")
    assert waiting.startswith("waiting for the API server: /version of ")
    assert error.startswith("ray-webhook: RAY806: /version of ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--rights", "--wait"), "RAY801: --rights and --wait or --output json exclude each other"),
        (("--pre", "--only", "ray"), "RAY801: --pre and --only exclude each other"),
        (("--only", "before"), "RAY801: Invalid value for '--only': 'before' is not one of"),
        (("--wait=soon",), "RAY801: Invalid value for '--wait'"),
        (("--wait=0",), "RAY801: Invalid value for '--wait'"),
        (("--namespace", "A b"), "RAY801: Invalid value for '--namespace'"),
        (("--settings-name", "A b"), 'RAY801: --settings-name is "A b"'),
        (("--mode", "shadow"), "RAY801: Invalid value for '--mode': 'shadow' is not one of"),
        (("--context", "none"), "RAY807: kubeconfig file"),
        (("extra",), "RAY801: Got unexpected extra argument (extra)"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(site: Site, arguments: tuple[str, ...], told: str) -> None:
    ended = site.check(*arguments)

    assert (ended.status, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith(f"ray-webhook: {told}")


def test_a_cluster_that_refuses_is_one_line_and_status_3(site: Site) -> None:
    site.world.fake.faults.status["/version"] = 401
    ended = site.check()

    assert (ended.status, ended.stdout, ended.stderr.count("\n")) == (3, "", 1)
    assert ended.stderr.startswith("ray-webhook: RAY806: /version of ")
    assert "still valid" in ended.stderr


def test_no_cluster_is_one_line_and_status_3(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(kubeconfig_for("http://127.0.0.1:1"))
    ended = Site(world=World(fake=FakeApiServer(), url="none"), kubeconfig=file).check()

    assert (ended.status, ended.stdout, ended.stderr.count("\n")) == (3, "", 1)
    assert "cannot be asked for" in ended.stderr
