"""The bill of materials that ``make sbom`` puts beside the wheel."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from webhook import __version__

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def text() -> str:
    made = subprocess.run(["make", "--silent", "sbom"], cwd=ROOT, capture_output=True, text=True, check=True)
    return (ROOT / made.stdout.strip()).read_text()


def test_it_is_valid_cyclonedx_and_names_this_version(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    component: dict[str, Any] = json.loads(text)["metadata"]["component"]
    assert (component["name"], component["version"]) == ("ray-webhook", __version__)


def test_it_lists_every_pin_with_its_hashes(text: str) -> None:
    pins = set(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements" / "server.txt").read_text(), re.MULTILINE))
    components = json.loads(text)["components"]

    assert {(component["name"], component["version"]) for component in components} == pins
    assert all(component["externalReferences"][0]["hashes"] for component in components)


def test_it_tells_no_index_and_no_path_of_the_machine(text: str) -> None:
    assert "/simple" not in text
    assert str(ROOT) not in text
    assert str(Path.home()) not in text
