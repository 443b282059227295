from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from webhook.errors import SettingsError
from webhook.server.files import MAX_FILE
from webhook.server.settings_file import SettingsFile


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Path]:
    """A FIFO without a writer; who waits for one is let go after a while, so that the test fails rather than hangs."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    done, waited = threading.Event(), threading.Event()

    def release() -> None:
        while not done.wait(5):
            waited.set()
            os.close(os.open(path, os.O_RDWR))

    releasing = threading.Thread(target=release)
    releasing.start()
    yield path
    done.set()
    releasing.join()
    assert not waited.is_set()


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


def test_a_fifo_is_told_and_not_waited_for(fifo: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot be read \(it is no regular file\)"):
        SettingsFile(fifo).read_if_changed()


def test_a_fifo_that_takes_the_files_place_is_told_once_until_a_file_comes_back(
    settings_file: Path, fifo: Path
) -> None:
    file, good = SettingsFile(settings_file), settings_file.read_text()
    file.read_if_changed()
    settings_file.unlink()
    settings_file.symlink_to(fifo)
    with pytest.raises(SettingsError, match="no regular file"):
        file.read_if_changed()
    assert file.read_if_changed() is None
    settings_file.unlink()
    settings_file.write_text(good)

    assert file.read_if_changed() is not None


def test_a_device_without_an_end_is_told() -> None:
    with pytest.raises(SettingsError, match="no regular file"):
        SettingsFile(Path("/dev/zero")).read_if_changed()


def test_the_largest_file_is_read_to_its_end_though_the_system_gives_it_in_pieces(
    settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last, read = b"\nRAY_HOST=last\n", os.read
    settings_file.write_bytes(b"#" * (MAX_FILE - len(last)) + last)
    monkeypatch.setattr(os, "read", lambda descriptor, length: read(descriptor, min(length, 100_000)))
    settings = SettingsFile(settings_file).read_if_changed()

    assert settings is not None
    assert settings.values == {"RAY_HOST": "last"}


def test_a_name_that_is_no_text_makes_a_source_that_can_be_written_as_json(settings_file: Path) -> None:
    named = settings_file.rename(settings_file.with_name(os.fsdecode(b"s\xff\n.env")))
    settings = SettingsFile(named).read_if_changed()

    assert settings is not None
    assert settings.source == r"file s\udcff\n.env"
    assert msgspec.json.encode(settings.source)
