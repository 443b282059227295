"""One control plane and one installation for all faults, short or long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.control_plane.fixtures import running
from tests.e2e.expected import HOST
from tests.soak.replicas import two_replicas
from tests.soak.settings import Settings
from tests.soak.stage import Stage

LONG_SECONDS, SHORT_SECONDS = 10.0, 1.0


@pytest.fixture(scope="session")
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Lasting faults are long where the marker soak is chosen, and lame ducks as long as shipped."""
    seconds = LONG_SECONDS if request.config.getoption("markexpr") == "soak" else SHORT_SECONDS
    folder = tmp_path_factory.mktemp("soak")
    with running(folder / "plane") as plane, two_replicas(plane, folder, lame_duck=seconds) as replicas:
        settings = Settings(plane=plane)
        settings.set_host(HOST)
        yield Stage(plane=plane, replicas=replicas, settings=settings, folder=folder, seconds=seconds)
