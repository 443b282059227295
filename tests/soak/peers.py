"""Faults that other clients and the settings' owners make."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from time import sleep

from tests.e2e.certificates.fleet import port_of
from tests.e2e.expected import HOST
from tests.soak.stage import Stage

CHANGES = 20


def flapping_settings(stage: Stage) -> None:
    """The cluster-wide settings change all the time, and every third change cannot be used."""
    for host in islice(cycle(["one.flapping", "two.flapping", None]), CHANGES):
        if host:
            stage.settings.set_host(host)
        else:
            stage.settings.break_host()
        sleep(stage.seconds / CHANGES)
    stage.settings.set_host(HOST)
    sleep(1)


def slow_clients(stage: Stage) -> None:
    """More connections than a replica holds: silent ones, stalled handshakes, headers and bodies byte by byte."""
    with _running("slow_loris.py", stage):
        sleep(stage.seconds)


def overload(stage: Stage) -> None:
    """Five times as many large reviews as the replicas can answer, by their own measure just before."""
    with _running("flood.py", stage) as flood:
        flood.wait(timeout=60 + stage.seconds)
        assert flood.returncode == 0


@contextmanager
def _running(script: str, stage: Stage) -> Iterator[subprocess.Popen[bytes]]:
    ports = [str(port_of(replica)) for replica in stage.replicas.replicas]
    command = [sys.executable, str(Path(__file__).with_name(script)), str(stage.seconds), *ports]
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
