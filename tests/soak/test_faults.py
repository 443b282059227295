"""Every fault, with pods being created all the time: none is missed, and none wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.soak.faults import ALL, FEW
from tests.soak.running import Result, live_through
from tests.soak.stage import Fault, Stage
from tests.soak.table import table


@pytest.fixture(scope="module")
def results() -> Iterator[list[Result]]:
    """Of the faults that were lived through; the table of them is printed at the end."""
    found: list[Result] = []
    yield found
    text = table(found)
    print(f"\n{text}")
    if file := os.environ.get("SOAK_TABLE"):
        Path(file).write_text(text + "\n", encoding="utf-8")


def check(result: Result) -> None:
    """The bar."""
    print(f"\n{table([result])}\n{sorted(set(result.unserved))[:5]}")
    found = result.found
    assert (found.missed, found.wrong, found.lost, result.denied) == ([], [], [], [])
    assert result.keeps_the_bar(), (result.refused, result.refused_seconds, result.unserved[:5])


@pytest.mark.e2e
@pytest.mark.parametrize("fault", FEW, ids=str)
def test_no_pod_is_missed(stage: Stage, results: list[Result], fault: Fault) -> None:
    results.append(live_through(stage, fault, pods=100, rate=50, repeat=False))
    check(results[-1])


@pytest.mark.soak
@pytest.mark.parametrize("fault", ALL, ids=str)
def test_no_pod_of_many_is_missed(stage: Stage, results: list[Result], fault: Fault) -> None:
    pods, rate = int(os.environ.get("SOAK_PODS", "10000")), float(os.environ.get("SOAK_RATE", "100"))
    results.append(live_through(stage, fault, pods=pods, rate=rate, repeat=True))
    check(results[-1])
