"""An installation in which all is right, for each test anew."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.checks.world import World, healthy


@pytest.fixture
def world() -> Iterator[World]:
    with healthy() as world:
        yield world
