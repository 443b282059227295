"""The head goes away and comes back; an application stays up, knows it, and connects anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ray.nodes import Ports, base_environment, end, running_head, short_folder
from tests.ray.pods import injected_env
from tests.ray.programs import Shell
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


def test_a_head_that_ends_and_comes_back(application: Shell, ports: Ports, folder: Path, tmp_path: Path) -> None:
    head = base_environment(folder) | {"GRPC_ENABLE_FORK_SUPPORT": "0"}
    with running_head(head, ports, log=tmp_path / "head.log") as process:
        assert application("ray_config.wait_ready(20).namespace")["value"] == "seedcore-dev"
        assert application("ray_config.is_connected()")["value"] is True
        end(process)

        gone = application("ray_config.is_connected()")
        assert gone["value"] is False
        assert gone["seconds"] < LIMIT
        told = application("ray_config.connection_info()")["value"]
        assert (told["session_open"], told["connected"]) == (True, False)
        failed = application("ray_config.init_ray_with_smart_defaults()")
        assert failed["reason"] == "refused"
        assert failed["seconds"] < LIMIT

    with running_head(head, ports, log=tmp_path / "again.log"):
        session = application("ray_config.wait_ready(60).reused")
        assert session["value"] is False, session
        assert application("ray.get(ray.remote(lambda: 6 * 7).remote())")["value"] == 42
        assert application("ray_config.is_connected()")["value"] is True

    samples = {name: application(f"REGISTRY.get_sample_value('{name}')")["value"] for name in COUNTED}
    assert samples == COUNTED
    refused = application("REGISTRY.get_sample_value('ray_config_connect_failures_total', {'reason': 'refused'})")
    assert refused["value"] >= 1


COUNTED = {
    "ray_config_connect_successes_total": 2,
    "ray_config_reconnects_total": 1,
    "ray_config_connect_seconds_count": 2,
    "ray_config_connected": 1,
}
