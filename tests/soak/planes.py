"""Faults of the API server and of etcd; what these fail themselves meanwhile is counted apart."""

from __future__ import annotations

import os
import signal
from time import sleep

from tests.control_plane.process import wait_for
from tests.e2e.support import watch_states
from tests.soak.stage import Stage


def api_server_restart(stage: Stage) -> None:
    """It ends by SIGTERM and comes back on the same port, where it is sent nothing before its ``/readyz`` is ok."""
    stage.plane.stop_api_server()
    stage.plane.start_api_server()
    wait_for(lambda: all(_follows(stage, number) for number in (0, 1)), "all watches have resumed")


def _follows(stage: Stage, number: int) -> bool:
    return "failing" not in watch_states(stage.replicas.replicas[number]).values()


def etcd_paused(stage: Stage) -> None:
    """By SIGSTOP: nothing can be written, and no Lease be renewed."""
    pid = stage.plane.etcd.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        sleep(stage.seconds)
    finally:
        os.kill(pid, signal.SIGCONT)
