"""One cluster for all pages, in which deploy/apply.sh installs the webhook as it is shipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.errors import ControlPlaneError
from tests.sandbox.cluster import sandbox


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """Nothing is installed in it yet; the namespace seedcore-dev is there."""
    try:
        made = sandbox()
        plane = made.__enter__()
    except ControlPlaneError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    try:
        plane.create_namespace("seedcore-dev")
        yield plane
    finally:
        made.__exit__(None, None, None)
