from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from webhook.server.logging import GATHERING_SECONDS, MOST_GATHERED, LibraryHandler, Log, LogFormat


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY)
    yield descriptor
    os.close(descriptor)


def test_json_line_is_one_object_whatever_is_in_it(file: int, tmp_path: Path) -> None:
    Log(file, LogFormat.JSON).info("decision", pod='a\n{"event":"forged"}\r\x1b[31m')

    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["pod"] == 'a\n{"event":"forged"}\r\x1b[31m'


def test_text_line_is_one_line_whatever_is_in_it(file: int, tmp_path: Path) -> None:
    Log(file, LogFormat.TEXT).warning("decision", pod="a\nb c=d\x1b[31m", codes=["RAY101", "RAY401"], role=None)

    content = (tmp_path / "log").read_text()
    assert content.endswith(' WARNING decision pod="a\\nb c=d\\x1b[31m" codes=RAY101,RAY401\n')
    assert content.count("\n") == 1


def test_line_that_cannot_be_written_is_counted_and_harms_nobody() -> None:
    lost: list[int] = []
    full = os.open("/dev/full", os.O_WRONLY)

    Log(full, LogFormat.JSON, lambda: lost.append(1)).info("decision")

    os.close(full)
    assert lost == [1]


def test_exception_of_a_library_is_logged_by_kind_and_place_without_its_text(file: int, tmp_path: Path) -> None:
    logger = logging.Logger("library")
    logger.addHandler(LibraryHandler(Log(file, LogFormat.JSON)))
    try:
        int("a secret")
    except ValueError:
        logger.exception("failed with %s", "a secret")

    content = (tmp_path / "log").read_text()
    assert json.loads(content)["error"] == "ValueError"
    assert "secret" not in content


def test_pipe_that_nobody_reads_loses_lines_but_never_blocks() -> None:
    lost: list[int] = []
    reader, writer = os.pipe()
    log = Log(writer, LogFormat.JSON, lambda: lost.append(1))

    for number in range(5_000):
        log.info("decision", number=number)

    written = os.read(reader, 1 << 20).splitlines()
    assert 0 < len(lost) < 5_000
    log.info("decision", number=-1)
    written = [*written, *os.read(reader, 1 << 20).splitlines()]
    os.close(reader)
    os.close(writer)
    assert [json.loads(line)["number"] for line in written[-2:]] == [5_000 - len(lost) - 1, -1]


def test_line_that_a_pipe_took_in_part_is_ended_before_the_next() -> None:
    reader, writer = os.pipe()
    log = Log(writer, LogFormat.JSON)
    long = "x" * 100_000

    log.info("decision", long=long)
    content = os.read(reader, 1 << 20)
    log.info("decision", long="next")
    content += os.read(reader, 1 << 20)

    os.close(reader)
    os.close(writer)
    assert [json.loads(line)["long"] for line in content.splitlines()] == [long, "next"]


class Later:
    """An event loop of which the test is the clock."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def call(self, seconds: float, callback: Callable[[], None]) -> None:
        self.calls.append((seconds, callback))


def events(folder: Path) -> list[str]:
    return [json.loads(line)["event"] for line in (folder / "log").read_text().splitlines()]


def test_lines_of_a_moment_are_written_together(file: int, tmp_path: Path) -> None:
    log, later = Log(file, LogFormat.JSON), Later()
    log.gather(later.call)
    for number in range(3):
        log.write_later("info", f"decision {number}", {})
    assert events(tmp_path) == []

    ((seconds, flush),) = later.calls
    flush()

    assert seconds == GATHERING_SECONDS
    assert events(tmp_path) == ["decision 0", "decision 1", "decision 2"]


def test_line_that_may_not_wait_takes_those_that_wait_with_it_in_their_order(file: int, tmp_path: Path) -> None:
    log = Log(file, LogFormat.JSON)
    log.gather(Later().call)
    log.write_later("info", "decision", {})

    log.warning("ended at once")

    assert events(tmp_path) == ["decision", "ended at once"]


def test_so_many_lines_as_fit_into_a_pipe_wait_for_nobody(file: int, tmp_path: Path) -> None:
    log = Log(file, LogFormat.JSON)
    log.gather(Later().call)

    for _ in range(MOST_GATHERED + 1):
        log.write_later("info", "decision", {})

    assert len(events(tmp_path)) == MOST_GATHERED


def test_each_of_the_lines_that_were_lost_together_is_counted() -> None:
    lost: list[int] = []
    full, later = os.open("/dev/full", os.O_WRONLY), Later()
    log = Log(full, LogFormat.JSON, lambda: lost.append(1))
    log.gather(later.call)
    for _ in range(3):
        log.write_later("info", "decision", {})

    later.calls[0][1]()

    os.close(full)
    assert lost == [1, 1, 1]
