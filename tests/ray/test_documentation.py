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
from tests.docs.running import follow, settle, shell_environment
from tests.ray.conftest import Cluster


def replaced(text: str, numbers: Mapping[int, int]) -> str:
    """The text with other numbers where it has ports."""
    return re.sub(r"(?<=[:'])\d{4,5}\b", lambda found: str(numbers.get(int(found[0]), found[0])), text)


@pytest.mark.parametrize("page", pages_of("ray"), ids=str)
def test_every_command_prints_what_the_page_says(page: Page, cluster: Cluster, tmp_path: Path) -> None:
    ports = cluster.ports
    ours = {6379: ports.gcs, 10001: ports.client, 8265: ports.dashboard, 8000: ports.serve}
    here = Page(path=page.path, text=replaced(page.text, ours))

    def environment(pod: str | None) -> Mapping[str, str]:
        return cluster.after(pod) if pod else shell_environment()

    differences, text = follow(here, tmp_path, environment)
    settle(page, differences, replaced(text, {port: own for own, port in ours.items()}))


def test_every_reason_is_on_the_page() -> None:
    page = read(ROOT / "docs" / "RAY_CONFIGURATION_PATTERN.md").text
    rows = "".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))

    assert set(all_reasons()) <= set(re.findall(r"`(\w+)`", rows))
