"""Pages whose commands need Ray show what really happens: their commands are run in pods of the named roles.

Their ports are Ray's own; here they are those of the test's cluster.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from ray_config.errors import all_reasons
from tests.docs.page import ROOT, Page, pages_of, read
from tests.docs.running import check, shell_environment
from tests.ray.conftest import Cluster


@pytest.mark.parametrize("page", pages_of("ray"), ids=str)
def test_every_command_prints_what_the_page_says(page: Page, cluster: Cluster, tmp_path: Path) -> None:
    ports = cluster.ports
    ours = {6379: ports.gcs, 10001: ports.client, 8265: ports.dashboard, 8000: ports.serve}

    def environment(pod: str | None) -> Mapping[str, str]:
        return cluster.after(pod) if pod else shell_environment()

    check(page, tmp_path, environment, ours)


def test_every_reason_is_on_the_page() -> None:
    page = read(ROOT / "docs" / "RAY_CONFIGURATION_PATTERN.md").text
    rows = "".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))

    assert set(all_reasons()) <= set(re.findall(r"`(\w+)`", rows))
