"""One child process: what it inherits, how it ends, and how waiting for it fails."""

import os
from pathlib import Path

import pytest

from .errors import ControlPlaneError, Fault
from .process import Server, free_ports, wait_for


def ended(server: Server) -> bool:
    return not server.running


def test_a_server_inherits_the_environment_without_proxies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API server would ask a proxy for ``NAME.NAMESPACE.svc`` where it calls a webhook."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("KEPT", "yes")
    server = Server(("env",), tmp_path / "log")
    server.start()
    wait_for(lambda: ended(server), "env has ended")
    server.stop()
    log = (tmp_path / "log").read_text()
    assert "KEPT=yes" in log
    assert "proxy" not in log.lower()


def test_a_server_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    server = Server(("sh", "-c", "trap '' TERM; echo ready; while :; do read line || sleep 1; done"), tmp_path / "log")
    server.start()
    wait_for((tmp_path / "log").read_text, "the trap is set")
    pid = server.pid
    assert pid is not None
    server.stop(seconds=0.2)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_server_that_ended_is_told_by_its_last_line(tmp_path: Path) -> None:
    server = Server(("sh", "-c", "echo first; echo no space left; exit 3"), tmp_path / "log")
    server.require_running()
    server.start()
    wait_for(lambda: ended(server), "sh has ended")
    with pytest.raises(ControlPlaneError, match=r"sh ended with status 3: no space left \(whole log: .*log\)") as told:
        server.require_running()
    assert told.value.fault is Fault.SERVER_ENDED
    server.stop()


def test_waiting_in_vain_names_what_was_waited_for() -> None:
    with pytest.raises(ControlPlaneError, match=r"timed-out: the moon is green: not so after 0\.1 s") as told:
        wait_for(lambda: None, "the moon is green", seconds=0.1)
    assert told.value.fault is Fault.TIMED_OUT


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20
