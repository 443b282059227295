"""Pages whose commands need a cluster with the webhook: each is followed by kubectl and the program, as its readers do.

A page leaves what it finds, or takes the webhook away: then it is installed again for the next one. Its namespaces are
its own, so that no page sees what another has left.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.docs.page import ROOT, Page, pages_of
from tests.docs.running import check, checkout, shell_environment
from tests.e2e.installation import CONFIGURATIONS, NAME

pytestmark = pytest.mark.e2e

INSTALL: Final = (ROOT / "deploy" / "apply.sh", "seedcore-dev", "--overlay", "dev")


@pytest.mark.parametrize("page", [page for page in pages_of("cluster") if "cluster" not in page.fields], ids=str)
def test_every_command_prints_what_the_page_says(page: Page, plane: ControlPlane, tmp_path: Path) -> None:
    variables = {name: plane.environment()[name] for name in ("KUBECONFIG", "KUBECACHEDIR", "KUBERC")}
    environment = shell_environment(**variables)
    if send(plane.admin, "GET", f"{CONFIGURATIONS}/{NAME}").status != 200:
        done = subprocess.run(INSTALL, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    check(page, checkout(tmp_path), lambda pod: environment)


@pytest.mark.parametrize("page", [page for page in pages_of("cluster") if "cluster" in page.fields], ids=str)
def test_a_page_that_starts_a_cluster_of_its_own_prints_what_it_says(page: Page, tmp_path: Path) -> None:
    assert page.fields["cluster"] == "own"
    check(page, checkout(tmp_path), lambda pod: shell_environment(KUBERC="off", KUBECACHEDIR=str(tmp_path / "cache")))
