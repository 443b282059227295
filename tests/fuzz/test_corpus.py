"""The short form of ``coverage_guided.py``: what it found to reach something new, and what once broke a promise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.minimise import read_corpus
from tests.fuzz.targets import TARGETS, service
from webhook.injection.reasons import Code

REGRESSIONS = Path(__file__).with_name("regressions")
CORPUS = read_corpus()


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    yield
    service().close()
    service.cache_clear()


def inputs(name: str) -> list[bytes]:
    """The seeds of a target, and what was found to reach more than they do."""
    return [*TARGETS[name].seeds(), *(data for target, data in CORPUS if target == name)]


@pytest.mark.parametrize("name", TARGETS)
def test_what_reached_something_new_breaks_no_promise(name: str) -> None:
    for data in inputs(name):
        TARGETS[name].run(data)


@pytest.mark.parametrize("file", sorted(REGRESSIONS.glob("*/*")), ids=lambda file: f"{file.parent.name}-{file.name}")
def test_what_once_broke_a_promise_does_so_no_more(file: Path) -> None:
    """A finding is kept as regressions/TARGET/WHAT, the bytes as the fuzzer made them."""
    TARGETS[file.parent.name].run(file.read_bytes())


def test_the_corpus_reaches_every_decision_and_every_warning_that_is_no_fault() -> None:
    """Or it would say little; told by the service's own metrics."""
    for name in ("bodies", "pods", "settings"):
        for data in inputs(name):
            TARGETS[name].run(data)
    metrics = service().state.metrics
    reached = {
        sample.labels["code"]
        for counter in (metrics.decisions, metrics.warnings)
        for metric in counter.collect()
        for sample in metric.samples
    }
    assert reached == {code.value for code in Code} - {Code.FAULT.value, Code.PATCH_REFUSED.value}
