"""Pages whose commands need a cluster with the webhook: each is followed by kubectl and the program as by readers.

A page leaves what it finds, or says ``webhook: absent``: then none is there when it begins, and what it has installed
is taken away when it ends. The namespaces that it has made go after it, and seedcore-dev is emptied: no page sees what
another one left.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.docs.page import ROOT, Page, pages_of
from tests.docs.running import check, checkout, shell_environment
from tests.e2e.installation import CONFIGURATIONS, NAME, NAMESPACE

pytestmark = pytest.mark.e2e

PAGES: Final = pages_of("cluster")
INSTALL: Final = (ROOT / "deploy" / "apply.sh", "default", "--overlay", "dev")
ADMISSION: Final = "mutatingwebhookconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings"
WORKLOADS: Final = "deployments,statefulsets,daemonsets,jobs,pods,rayclusters,rayservices,configmaps"


@pytest.fixture
def environment(plane: ControlPlane) -> Iterator[Mapping[str, str]]:
    """The variables of the reader's shell; afterwards the cluster is as it was."""
    before = namespaces(plane)
    yield shell_environment(**{name: plane.environment()[name] for name in ("KUBECONFIG", "KUBECACHEDIR", "KUBERC")})
    plane.kubectl("delete", WORKLOADS, "--all", "--namespace=seedcore-dev")
    if made := namespaces(plane) - before - {NAMESPACE}:
        plane.kubectl("delete", "namespace", *made)


def namespaces(plane: ControlPlane) -> set[str]:
    """Those that are there."""
    return set(plane.kubectl("get", "namespaces", "--output=name").stdout.replace("namespace/", "").split())


def take_away(plane: ControlPlane) -> None:
    """What makes the API server ask for pods; the rest may stay, and is put right by the next installation."""
    plane.kubectl("delete", ADMISSION, "--selector=app.kubernetes.io/part-of=ray-webhook", "--ignore-not-found")


def install(plane: ControlPlane, environment: Mapping[str, str]) -> None:
    """Install the webhook, as the pages say."""
    if send(plane.admin, "GET", f"{CONFIGURATIONS}/{NAME}").status != 200:
        done = subprocess.run(INSTALL, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", [page for page in PAGES if not {"cluster", "webhook"} & page.fields.keys()], ids=str)
def test_every_command_prints_what_the_page_says(
    page: Page, plane: ControlPlane, environment: Mapping[str, str], tmp_path: Path
) -> None:
    install(plane, environment)
    check(page, checkout(tmp_path), lambda pod: environment)


@pytest.mark.parametrize("page", [page for page in PAGES if page.fields.get("webhook") == "absent"], ids=str)
def test_a_page_that_installs_the_webhook_in_its_way_prints_what_it_says(
    page: Page, plane: ControlPlane, environment: Mapping[str, str], tmp_path: Path
) -> None:
    take_away(plane)
    check(page, checkout(tmp_path), lambda pod: environment)
    take_away(plane)


@pytest.mark.parametrize("page", [page for page in PAGES if page.fields.get("cluster") == "own"], ids=str)
def test_a_page_that_starts_a_cluster_of_its_own_prints_what_it_says(page: Page, tmp_path: Path) -> None:
    check(page, checkout(tmp_path), lambda pod: shell_environment(KUBERC="off", KUBECACHEDIR=str(tmp_path / "cache")))
