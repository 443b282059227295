"""The fixture for tests that need an API server: import it in a conftest.py above them."""

from collections.abc import Iterator

import pytest

from .build import find_assets
from .cluster import ControlPlane
from .errors import ControlPlaneError


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One control plane for the whole run, built first where needed; a test takes a namespace of its own in it."""
    try:
        plane = ControlPlane(find_assets(), tmp_path_factory.mktemp("control-plane"))
        plane.start()
    except ControlPlaneError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    yield plane
    plane.stop()
