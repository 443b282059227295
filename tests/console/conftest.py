from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.console.console import Asker
from tests.service import RunningService, running_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def console(service: RunningService) -> Asker:
    return Asker(service.console_url)
