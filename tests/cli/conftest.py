"""How a command gets to the fake API server that a module of tests calls ``fake``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.fake_api_server import FakeApiServer, running_api_server
from tests.cluster.test_serve import kubeconfig_for


@pytest.fixture
def kubeconfig(tmp_path: Path, fake: FakeApiServer) -> Iterator[Path]:
    with running_api_server(fake) as url:
        file = tmp_path / "kubeconfig"
        file.write_text(kubeconfig_for(url))
        yield file
