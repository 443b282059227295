"""docs/RAY_CONFIGURATION_PATTERN.md shows what really happens: its commands are run in pods of the named roles.

``UPDATE_DOCS=1`` writes what they print into the page; ports are shown as Ray's own.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

import pytest

from ray_config.errors import all_reasons
from tests.ray.conftest import Cluster
from tests.ray.programs import run_command

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "RAY_CONFIGURATION_PATTERN.md"
PROGRAM: Final = re.compile(r"```python\n# (\w+\.py)\n(.*?)```", re.DOTALL)
_BLOCK: Final = re.compile(r"<!-- pod: (\w+) -->\n```console\n(.*?)```", re.DOTALL)
_VARIES: Final = re.compile(r"(?<=in )\d+(?= ms)|(?<=Ray )\d[\d.]+|(?<=Python )\d[\d.]+")


@pytest.fixture
def programs(cluster: Cluster, tmp_path: Path) -> Path:
    """A folder with the page's programs, for the ports of this cluster."""
    for name, text in PROGRAM.findall(PAGE.read_text()):
        (tmp_path / name).write_text(text.replace("10001", str(cluster.ports.client)))
    return tmp_path


def printed(cluster: Cluster, role: str, command: str, folder: Path) -> str:
    """What `command` prints in a pod of `role`, both with Ray's own ports."""
    own = {"10001": cluster.ports.client, "8265": cluster.ports.dashboard, "8000": cluster.ports.serve}
    own["6379"] = cluster.ports.gcs
    for text, port in own.items():
        command = command.replace(f":{text}", f":{port}")
    output = run_command(["sh", "-c", f"cd {folder} && {command}"], cluster.after(role)).output
    for text, port in own.items():
        output = re.sub(rf"\b{port}\b", text, output)
    return output


def block(cluster: Cluster, role: str, text: str, folder: Path) -> str:
    """The console block `text` with its commands' output as it is now."""
    commands = [line for line in text.splitlines() if line.startswith("$ ")]
    return "".join(f"{line}\n{printed(cluster, role, line.removeprefix('$ '), folder)}" for line in commands)


def test_every_command_prints_what_the_page_says(cluster: Cluster, programs: Path) -> None:
    page = PAGE.read_text()
    found = _BLOCK.findall(page)
    assert len(found) > 5
    for role, text in found:
        now = block(cluster, role, text, programs)
        if os.environ.get("UPDATE_DOCS"):
            page = page.replace(f"<!-- pod: {role} -->\n```console\n{text}", f"<!-- pod: {role} -->\n```console\n{now}")
        else:
            assert _VARIES.sub("N", now) == _VARIES.sub("N", text)
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(page)


def test_every_reason_is_on_the_page() -> None:
    rows = "".join(line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `"))

    assert set(all_reasons()) <= set(re.findall(r"`(\w+)`", rows))
