"""The servers that are compared: each a process of its own behind TLS on loopback, with the processor time it used."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from time import clock_gettime
from typing import Final

from bench.figures import ROOT
from tests.service import RunningService, resident_bytes, running_service

OURS, NULL, KEEPING_NULL = "ray-webhook", "null app", "null app that keeps its memory"
TYPED, MODELS = "typed Go", "FastAPI, Pydantic, make_patch"
NAMES: Final = (OURS, NULL, KEEPING_NULL, TYPED, MODELS)
_KEEPING: Final = dict.fromkeys(("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"), str(8 * 2**20))
"""By default it depends on what lies where in memory whether glibc fetches a request's blocks from the kernel each
time: on one connection the null app took 113 us, on the next one 91."""
_SCHEDULED: Final = 2
"""With a process's id, the id of its clock that counts what it was scheduled for; see clock_getcpuclockid(3)."""
_SERVERS: Final = ROOT / "bench" / "servers"


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """A server that listens on `port`, as process `pid`."""

    name: str
    port: int
    pid: int

    def seconds(self) -> float:
        """Processor time of all its threads so far, to the nanosecond."""
        return clock_gettime(~self.pid << 3 | _SCHEDULED)

    def megabytes(self) -> float:
        """Its resident memory."""
        return resident_bytes(self.pid) / 1e6


@contextmanager
def peers(folder: Path, *names: str) -> Iterator[list[Peer]]:
    """The servers of these names (:data:`NAMES`), the service first, which issues the certificate of all."""
    with ExitStack() as stack:
        service = stack.enter_context(running_service(folder))
        others = [stack.enter_context(peer_of(name, folder / "tls")) for name in names or NAMES[1:]]
        yield [ours(service), *others]


def ours(service: RunningService) -> Peer:
    return Peer(name=OURS, port=int(service.url.rpartition(":")[2]), pid=service.process.pid)


@contextmanager
def peer_of(name: str, tls: Path) -> Iterator[Peer]:
    """The server of this name with the certificate in the folder `tls`."""
    pair = [str(tls / "tls.crt"), str(tls / "tls.key")]
    if name == TYPED:
        command = [str(built_typed_server()), *pair]
    else:
        module = "models" if name == MODELS else "null"
        command = [sys.executable, str(_SERVERS / "serve.py"), module, *pair]
    environment = os.environ | (_KEEPING if name == KEEPING_NULL else {})
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            port = int(process.stdout.readline()) if process.stdout else 0
            yield Peer(name=name, port=port, pid=process.pid)
        finally:
            process.terminate()


def built_typed_server() -> Path:
    """The Go server; go itself builds only what changed."""
    if which("go") is None:
        raise SystemExit("go is not on the PATH; make bench compares with a server in Go: install Go 1.26 or newer")
    folder = _SERVERS / "typed"
    made = ROOT / ".venv" / "typed-server"
    subprocess.run(["go", "build", "-o", made, "."], cwd=folder, check=True)
    return made
