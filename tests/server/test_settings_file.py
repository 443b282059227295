from __future__ import annotations

from pathlib import Path

import pytest

from webhook.errors import SettingsError
from webhook.server.settings_file import MAX_FILE, SettingsFile


def test_settings_are_given_once_for_each_content(settings_file: Path) -> None:
    file = SettingsFile(settings_file)

    first, again = file.read_if_changed(), file.read_if_changed()

    assert first is not None
    assert first.values == {"RAY_HOST": "first"}
    assert again is None


def test_a_content_that_comes_back_after_a_broken_one_is_given_again(settings_file: Path) -> None:
    file = SettingsFile(settings_file)
    file.read_if_changed()
    settings_file.write_text("RAY_PORT=no\n")
    with pytest.raises(SettingsError, match="line 1, RAY_PORT"):
        file.read_if_changed()
    settings_file.write_text("RAY_HOST=first\n")

    assert file.read_if_changed() is not None


def test_a_broken_content_is_told_once(settings_file: Path) -> None:
    settings_file.write_text("RAY_PORT=no\n")
    file = SettingsFile(settings_file)
    with pytest.raises(SettingsError):
        file.read_if_changed()

    assert file.read_if_changed() is None


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"RAY_HOST=a\nX=\xff\n", "line 2 is not UTF-8"), (b"#" * (MAX_FILE + 1), "larger than 1048576 bytes")],
)
def test_what_is_no_settings_file_is_told(settings_file: Path, content: bytes, told: str) -> None:
    settings_file.write_bytes(content)

    with pytest.raises(SettingsError, match=told):
        SettingsFile(settings_file).read_if_changed()


def test_a_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Is a directory"):
        SettingsFile(tmp_path).read_if_changed()
