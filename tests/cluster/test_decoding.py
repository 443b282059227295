"""Threads that decode a type that none has decoded before; in a process of its own, which a fault would end."""

from __future__ import annotations

import subprocess
import sys

MEETING = """
import sys, threading
import msgspec
from webhook.cluster.decoding import decoder

sys.setswitchinterval(1e-6)
for _ in range(200):
    inner = msgspec.defstruct("Inner", [("name", str), ("data", object, None)])
    shape = msgspec.defstruct("Outer", [("first", inner), ("more", list[inner], [])])
    gate = threading.Barrier(6)

    def decode():
        gate.wait()
        assert decoder(shape).decode(b'{"first":{"name":"x"},"more":[{"name":"y"}]}').more[0].name == "y"

    threads = [threading.Thread(target=decode) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
print("fine")
"""


def test_threads_that_meet_a_new_type_at_once_do_not_end_the_process() -> None:
    ended = subprocess.run([sys.executable, "-c", MEETING], capture_output=True, text=True, check=False, timeout=60)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "fine\n", "")
