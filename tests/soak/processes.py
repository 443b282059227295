"""Faults of the service's own processes."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.control_plane.process import wait_for
from tests.soak.stage import Stage

LOST: Final = "ray_webhook_log_lines_lost_total"


def rolling_restart(stage: Stage) -> None:
    """As the Deployment does it: one more first, then one less, for each."""
    for replica in list(stage.replicas.replicas):
        stage.replicas.start()
        stage.replicas.end(replica)


def kill_the_leader(stage: Stage) -> None:
    """By SIGKILL; another is started in its place at once. Whoever is left leads when the Lease has run out."""
    replicas = stage.replicas
    leader = wait_for(lambda: next(iter(replicas.leaders()), None), "somebody leads")
    leader.process.kill()
    leader.process.wait()
    replicas.replicas.remove(leader)
    replicas.start()


def full_disk(stage: Stage) -> None:
    """Two that cannot log: one meets ENOSPC at each line, the other a pipe that nobody empties."""
    replicas = stage.replicas
    with Path("/dev/full").open("wb") as full:
        mute = (replicas.start_logging_to(full), replicas.start_logging_to(_stuffed()))
    replicas.replace(*mute)
    wait_for(lambda: all(one.metric(LOST) > 10 for one in mute), "both have lost lines")


def _stuffed() -> int:
    """The end of a pipe that is full, and that nobody reads; the other end stays open as long as this process."""
    _reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while os.write(writing, b"." * 4096):
            pass
    return writing
