"""The shell that commands are typed into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.running import shell_environment
from tests.docs.session import Session

SERVER = "trap 'echo ended > ended; exit' INT; echo listening; while :; do sleep 0.05; done"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session = Session(tmp_path, shell_environment())
    yield session
    session.close()


def test_what_a_command_sets_holds_for_the_next(session: Session, tmp_path: Path) -> None:
    session.run("mkdir below && cd below && export NAME=one && two() { echo $NAME two; }")
    assert session.run("two") == "one two"
    assert session.folder == tmp_path / "below"


def test_both_outputs_come_in_their_order(session: Session) -> None:
    assert session.run("echo one; echo two >&2; printf three") == "one\ntwo\nthree"


def test_a_failure_ends_nothing_and_its_status_can_be_asked_for(session: Session) -> None:
    assert "no-such-command: command not found" in session.run("no-such-command")
    assert session.run("echo $?") == "127"
    assert session.run("echo $?") == "0"


def test_a_command_that_reads_reads_nothing(session: Session) -> None:
    assert session.run("cat; echo done") == "done"


def test_a_command_that_takes_too_long_is_told_with_what_it_printed(session: Session) -> None:
    with pytest.raises(TimeoutError, match=r"(?s)still running after 0 s: echo one; sleep 2.*"):
        session.run("echo one; sleep 2", seconds=0.2)


def test_an_ended_shell_is_told_by_what_it_printed(session: Session) -> None:
    assert session.run("echo one; exit 3") == "one"


def test_what_runs_on_is_ended_by_control_c(tmp_path: Path) -> None:
    session = Session(tmp_path, shell_environment())
    assert session.run(f'bash -c "{SERVER}"', until="listening".__eq__) == "listening"
    session.close()
    assert (tmp_path / "ended").read_text() == "ended\n"


def test_what_control_c_does_not_end_is_told_and_killed(tmp_path: Path) -> None:
    session = Session(tmp_path, shell_environment())
    session.run("trap '' INT; echo listening; sleep 60", until="listening".__eq__)
    with pytest.raises(TimeoutError, match="Ctrl-C did not end what runs"):
        session.close(seconds=0.2)
