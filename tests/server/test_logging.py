from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from webhook.server.logging import LibraryHandler, Log, LogFormat


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
