"""Pages whose commands need a shell and the program: each is followed in a copy of the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.page import Page, pages_of
from tests.docs.running import check, checkout, shell_environment


@pytest.mark.parametrize("page", pages_of("local"), ids=str)
def test_every_command_prints_what_the_page_says(page: Page, tmp_path: Path) -> None:
    check(page, checkout(tmp_path), lambda pod: shell_environment())
