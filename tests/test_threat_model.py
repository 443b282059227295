"""The threat model's claims name tests; a test that is gone or renamed shows nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "THREAT_MODEL.md").read_text())


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_a_claim_names_a_test_that_is_there(file: str, name: str) -> None:
    assert re.search(rf"^ *def {name}\(", (ROOT / file).read_text(), re.MULTILINE)


def test_most_threats_name_one() -> None:
    rows = [line for line in (ROOT / "docs" / "THREAT_MODEL.md").read_text().splitlines() if line.startswith("| ")][1:]
    assert sum("`tests/" in row for row in rows) >= len(rows) - 2
