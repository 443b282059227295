from __future__ import annotations

import pytest

from tests.e2e.monitoring.programs import Programs, ProgramsError, find_programs


@pytest.fixture(scope="session")
def programs() -> Programs:
    """The programs; whoever has none and cannot fetch them fails in one line."""
    try:
        return find_programs()
    except ProgramsError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
