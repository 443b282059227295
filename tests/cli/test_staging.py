"""Files that are rewritten all together, or not at all."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from webhook.cli.staging import Staging
from webhook.errors import InputError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "a.yaml"
    made.write_text("old")
    return made


def test_nothing_is_in_its_place_before_all_is_committed(file: Path) -> None:
    staging = Staging()
    staging.stage(str(file), "old", "new")
    assert file.read_text() == "old"
    staging.commit()
    assert file.read_text() == "new"
    assert list(file.parent.iterdir()) == [file]


def test_what_is_discarded_leaves_nothing_behind(file: Path) -> None:
    staging = Staging()
    staging.stage(str(file), "old", "new")
    staging.discard()
    staging.commit()
    assert file.read_text() == "old"
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_changed_meanwhile_is_not_overwritten(file: Path) -> None:
    file.write_text("somebody else's")
    with pytest.raises(InputError, match=r"changed while it was read; run the command again"):
        Staging().stage(str(file), "old", "new")


def test_a_file_that_is_gone_is_told(file: Path) -> None:
    file.unlink()
    with pytest.raises(InputError, match=r"cannot be written \(No such file or directory\)"):
        Staging().stage(str(file), "old", "new")


def test_a_file_with_a_fix_for_each_of_its_names_is_told(file: Path) -> None:
    (file.parent / "b.yaml").symlink_to(file)
    staging = Staging()
    staging.stage(str(file), "old", "new")
    with pytest.raises(InputError, match="two names"):
        staging.stage(str(file.parent / "b.yaml"), "old", "newer")
    staging.discard()


def test_an_interrupt_leaves_nothing_behind(file: Path) -> None:
    with suppress(KeyboardInterrupt), Staging() as staging:
        staging.stage(str(file), "old", "new")
        raise KeyboardInterrupt
    assert file.read_text() == "old"
    assert list(file.parent.iterdir()) == [file]
