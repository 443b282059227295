"""What a flood took goes back to the system."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from ssl import SSLSocket

from tests.control_plane.process import wait_for
from tests.service import RunningService, running_service
from webhook.server.memory import WORTH_TRIMMING

BOUND = WORTH_TRIMMING / 2**20
SENDERS, BYTES = 600, 90_000
HEADER = b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
PROGRAM = """#!{python}
import sys
from webhook.cli.__main__ import main
from webhook.server import followers

followers.GIVE_BACK_SECONDS = {seconds}
sys.exit(main())
"""


def program(folder: Path, *, seconds: float) -> str:
    """``ray-webhook``, which looks every so many seconds for memory to give back."""
    made = folder / "ray-webhook"
    made.write_text(PROGRAM.format(python=sys.executable, seconds=seconds), encoding="utf-8")
    made.chmod(0o700)
    return str(made)


def sending(service: RunningService) -> SSLSocket:
    """A connection whose body lacks a byte."""
    connection = service.connection()
    connection.connect()
    assert isinstance(connection.sock, SSLSocket)
    connection.sock.sendall(HEADER % (BYTES + 1) + b"x" * BYTES)
    return connection.sock


def test_memory_that_a_flood_took_is_given_back(tmp_path: Path) -> None:
    with running_service(tmp_path, command=program(tmp_path, seconds=2)) as service:
        with ExitStack() as flood:
            for _ in range(SENDERS):
                flood.enter_context(sending(service))
            wait_for(lambda: service.memory() > BOUND + 50, f"the flood takes more than {BOUND:.0f} MiB")
        wait_for(lambda: service.memory() < BOUND, f"no more than {BOUND:.0f} MiB stay")
