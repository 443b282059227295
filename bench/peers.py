"""The servers that are compared: each a process of its own behind TLS on loopback, with the processor time it used."""

from __future__ import annotations

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

NAMES: Final = ("ray-webhook", "null app", "typed Go", "FastAPI, Pydantic, make_patch")
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
    return Peer(name=NAMES[0], port=int(service.url.rpartition(":")[2]), pid=service.process.pid)


@contextmanager
def peer_of(name: str, tls: Path) -> Iterator[Peer]:
    """The server of this name with the certificate in the folder `tls`."""
    pair = [str(tls / "tls.crt"), str(tls / "tls.key")]
    if name == "typed Go":
        command = [str(built_typed_server()), *pair]
    else:
        module = "null" if name == "null app" else "models"
        command = [sys.executable, str(_SERVERS / "serve.py"), module, *pair]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
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
