"""Faults that other clients and the settings' owners make."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import cycle, islice
from pathlib import Path
from time import sleep

from tests.e2e.certificates.fleet import port_of
from tests.e2e.expected import HOST
from tests.soak.stage import Stage

ROOT = Path(__file__).parents[2]
CHANGES = 20
OVERLOAD = 5
"""Times what the replicas could answer just before."""


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
    process = subprocess.Popen(_command("slow_loris", stage), cwd=ROOT)
    try:
        sleep(stage.seconds)
    finally:
        process.terminate()
        process.wait()


def overload(stage: Stage) -> None:
    """Five times as many costly reviews as the replicas can answer, by their own measure just before."""
    command = _command("flood", stage)
    flood = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60 + stage.seconds, cwd=ROOT)
    print(f"\nflood: {flood.stdout.decode()}")
    figures = json.loads(flood.stdout)
    assert figures["sent"] >= OVERLOAD * figures["capacity"], figures


def _command(script: str, stage: Stage) -> list[str]:
    ports = [str(port_of(replica)) for replica in stage.replicas.replicas]
    return [sys.executable, "-m", f"tests.soak.{script}", str(stage.seconds), *ports]
