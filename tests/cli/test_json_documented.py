"""docs/JSON_OUTPUT.md names every key that is printed, so that no script finds one that nobody promised."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.terminal import GOLDEN

DOCUMENT = GOLDEN.parents[1] / "docs" / "JSON_OUTPUT.md"
OF_OTHERS = {"op", "path", "value", "comesIn"}
"""JSON Patch's keys, and the one below which the keys are variables."""


def keys(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else []:
        yield from keys(item)
    for key, item in value.items() if isinstance(value, dict) else []:
        yield key
        if key not in OF_OTHERS:
            yield from keys(item)


@pytest.mark.parametrize("name", ["audit.json", "explain-manifests.json", "explain-workload.json"])
def test_every_key_is_documented(name: str) -> None:
    documented = set(re.findall(r"`(\w+)`", DOCUMENT.read_text(encoding="utf-8")))
    printed = set(keys(json.loads((GOLDEN / name).read_text(encoding="utf-8"))))

    assert printed - documented - {"op", "path", "value"} == set()
