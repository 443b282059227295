"""Real Ray nodes on loopback, each a process that is ended by its id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.control_plane.process import free_ports, wait_for

# The variable that keeps every socket on loopback makes `ray start` refuse a second node; only that check is passed.
START: Final = """
import types
import ray._private.ray_constants as constants
from ray.scripts import scripts
scripts.ray_constants = types.SimpleNamespace(**{**vars(constants), "ENABLE_RAY_CLUSTER": True})
scripts.main()
"""
HOST: Final = "127.0.0.1"
OWN_PORTS: Final = frozenset({44217, 44227})
"""Where Ray's dashboard and autoscaler serve their metrics, without being asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """The ports of one cluster that its clients know."""

    gcs: int
    client: int
    dashboard: int
    serve: int

    @classmethod
    def free(cls) -> Ports:
        """Ports that nobody listens on now."""
        gcs, client, dashboard, serve = [port for port in free_ports(6) if port not in OWN_PORTS][:4]
        return cls(gcs=gcs, client=client, dashboard=dashboard, serve=serve)

    def settings(self, **more: str) -> str:
        """The webhook's settings file that names them."""
        lines = {
            "RAY_HOST": HOST,
            "RAY_PORT": str(self.client),
            "RAY_SERVE_URL": f"http://{HOST}:{self.serve}",
            "RAY_DASHBOARD_URL": f"http://{HOST}:{self.dashboard}",
            "RAY_NAMESPACE": "seedcore-dev",
            **more,
        }
        return "".join(f"{name}={value}\n" for name, value in lines.items())


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder with a path short enough for Ray's sockets; one for each cluster, since ``auto`` looks into it."""
    with TemporaryDirectory(prefix="rw", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def base_environment(folder: Path) -> dict[str, str]:
    """What every process here needs beside the env of its pod; `folder` is a short one."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "RAY_TMPDIR": str(folder),
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # every socket on 127.0.0.1
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",  # nodes end at once, not after 30 s
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def running_node(environment: Mapping[str, str], *flags: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``ray start --block`` with these flags until the block ends, its small children with it."""
    ports = dict(zip(("--dashboard-agent-listen-port", "--metrics-export-port"), free_ports(2), strict=True))
    command = [sys.executable, "-c", START, "start", *flags, "--block", "--disable-usage-stats"]
    command += ["--object-store-memory=100000000"]
    command += [f"{flag}={port}" for flag, port in ports.items()]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=dict(environment))
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process by SIGTERM and wait for it; nothing where it has ended."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)


@contextmanager
def running_head(environment: Mapping[str, str], ports: Ports, *, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A head that takes clients, until the block ends."""
    flags = ["--head", f"--port={ports.gcs}", f"--ray-client-server-port={ports.client}", "--num-cpus=4"]
    flags += [f"--dashboard-host={HOST}", f"--dashboard-port={ports.dashboard}"]
    with running_node(environment, *flags, log=log) as process:
        await_head(process, ports, log)
        yield process


def await_head(process: subprocess.Popen[bytes], ports: Ports, log: Path) -> None:
    """Wait until client port and dashboard take connections; the first comes some seconds after the second."""

    def ready() -> bool:
        assert process.poll() is None, log.read_text()
        return listens(ports.dashboard) and listens(ports.client)

    wait_for(ready, "the head listens", seconds=90)


@contextmanager
def running_worker(environment: Mapping[str, str], ports: Ports, *, resource: str, log: Path) -> Iterator[None]:
    """One more node of the cluster, with a resource by which tasks are sent to it, until the block ends."""
    flags = [f"--address={HOST}:{ports.gcs}", "--num-cpus=2", f'--resources={{"{resource}": 10}}']
    with running_node(environment, *flags, log=log) as process:

        def ready() -> bool:
            assert process.poll() is None, log.read_text()
            return "will now block forever" in log.read_text()

        wait_for(ready, "the worker has joined", seconds=60)
        yield


def listens(port: int) -> bool:
    """Whether somebody takes connections on `port`."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex((HOST, port)) == 0
