"""The head goes away and comes back; an application stays up, knows it, and connects anew."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.control_plane.process import free_ports, wait_for
from tests.docs.page import ROOT, read
from tests.ray.nodes import Ports, base_environment, end, running_head, short_folder
from tests.ray.pods import injected_env
from tests.ray.programs import PYTHON, Shell, run, run_command
from tests.service import client_pod, running_service

LIMIT = 5


@pytest.fixture(scope="module")
def ports() -> Ports:
    return Ports.free()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def environment(folder: Path, ports: Ports, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A client's process env, from the real service."""
    place = tmp_path_factory.mktemp("outage")
    settings = place / "settings.env"
    settings.write_text(ports.settings())
    with running_service(place, settings=settings) as service:
        return base_environment(folder) | injected_env(service, client_pod())


@pytest.fixture
def application(environment: dict[str, str]) -> Iterator[Shell]:
    shell = Shell(environment)
    yield shell
    shell.close()


@pytest.fixture
def readiness(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[[], int | None]]:
    """The page's web application as it is, run by uvicorn: what its readiness endpoint answers, if it does."""
    (tmp_path / "readiness.py").write_text(read(ROOT / "docs" / "RAY_CONFIGURATION_PATTERN.md").files["readiness.py"])
    port = free_ports(1)[0]
    command = [*PYTHON, "-m", "uvicorn", "--app-dir", str(tmp_path), "--port", str(port), "readiness:app"]

    def status() -> int | None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=LIMIT) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code
        except OSError:
            return None

    with (tmp_path / "uvicorn.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: status() == 503, "the application says that it is not ready")
        yield status
    finally:
        end(process)


def test_a_head_that_ends_and_comes_back(
    application: Shell, readiness: Callable[[], int | None], ports: Ports, folder: Path, tmp_path: Path
) -> None:
    head = base_environment(folder) | {"GRPC_ENABLE_FORK_SUPPORT": "0"}
    with running_head(head, ports, log=tmp_path / "head.log") as process:
        assert application("ray_config.wait_ready(20).namespace")["value"] == "seedcore-dev"
        assert application("ray_config.is_connected()")["value"] is True
        wait_for(lambda: readiness() == 200, "the page's application has connected", seconds=60)
        end(process)

        gone = application("ray_config.is_connected()")
        assert gone["value"] is False
        assert gone["seconds"] < LIMIT
        told = application("ray_config.connection_info()")["value"]
        assert (told["session_open"], told["connected"]) == (True, False)
        failed = application("ray_config.init_ray_with_smart_defaults()")
        assert failed["reason"] == "refused"
        assert failed["seconds"] < LIMIT
        assert readiness() == 503

    with running_head(head, ports, log=tmp_path / "again.log"):
        session = application("ray_config.wait_ready(60).reused")
        assert session["value"] is False, session
        assert application("ray.get(ray.remote(lambda: 6 * 7).remote())")["value"] == 42
        assert application("ray_config.is_connected()")["value"] is True
        wait_for(lambda: readiness() == 200, "the page's application has connected anew", seconds=60)

    samples = {name: application(f"REGISTRY.get_sample_value('{name}')")["value"] for name in COUNTED}
    assert samples == COUNTED
    refused = application("REGISTRY.get_sample_value('ray_config_connect_failures_total', {'reason': 'refused'})")
    assert refused["value"] >= 1


@contextmanager
def stopped(*words: str) -> Iterator[None]:
    """The one process whose command line has all these words stands still within the block."""
    lines = {path.parent.name: path.read_text(errors="replace") for path in Path("/proc").glob("[0-9]*/cmdline")}
    (process,) = [int(number) for number, line in lines.items() if all(word in line for word in words)]
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_a_head_that_stalls(application: Shell, ports: Ports, folder: Path, tmp_path: Path) -> None:
    base = base_environment(folder)
    node = base | {"SEEDCORE_RAY_ROLE": "head"}
    with running_head(base | {"GRPC_ENABLE_FORK_SUPPORT": "0"}, ports, log=tmp_path / "head.log"):
        application("ray_config.wait_ready(20).namespace")
        with stopped("ray.util.client.server", f"--port={ports.client}"):
            failed = application("ray_config.init_ray_with_smart_defaults()")
            assert failed["reason"] == "silent"
            assert failed["seconds"] < LIMIT
        assert application("ray_config.is_connected(20)")["value"] is True
        assert application("ray_config.wait_ready(20).reused")["value"] is True

        with stopped("gcs_server", f"--gcs_server_port={ports.gcs}"):
            checked = run_command([*PYTHON, "-m", "ray_config", "--check"], node, seconds=LIMIT)
            assert checked.status == 3
            assert checked.output.startswith("no, silent: ")
            given_up = run(GIVES_UP, node).report
            assert given_up["reason"] == "deadline"
            assert given_up["seconds"] < LIMIT


GIVES_UP = """
import os
from ray_config import RayConfigError, connect, init_ray_with_smart_defaults
connect.probe = lambda *_: None  # as if the GCS had stopped a moment later
started = time.monotonic()
try:
    init_ray_with_smart_defaults(timeout=3)
except RayConfigError as error:
    report(reason=error.reason, seconds=time.monotonic() - started)
os._exit(0)  # Ray's own threads would wait for the GCS
"""
COUNTED = {
    "ray_config_connect_successes_total": 2,
    "ray_config_reconnects_total": 1,
    "ray_config_connect_seconds_count": 2,
    "ray_config_connected": 1,
}
