"""For tests that need an API server: the fixture, to be imported in a conftest.py above them, and one of their own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from .build import find_assets
from .cluster import ControlPlane
from .errors import ControlPlaneError


@contextmanager
def running(folder: Path, *, api_server_flags: Sequence[str] = ()) -> Iterator[ControlPlane]:
    """A control plane of its own while the block runs, for tests that must not share one; fails where there is none."""
    try:
        plane = ControlPlane(find_assets(), folder, api_server_flags=api_server_flags)
        plane.start()
    except ControlPlaneError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    try:
        yield plane
    finally:
        plane.stop()


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One control plane for the whole run, built first where needed; a test takes a namespace of its own in it."""
    with running(tmp_path_factory.mktemp("control-plane")) as plane:
        yield plane
