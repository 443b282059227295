from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service import RunningService, running_service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One service in enforce mode, shared by all tests that do not change it."""
    with running_service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.env"
    path.write_text("RAY_HOST=first\n")
    return path
