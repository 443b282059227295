"""Each way in which connecting fails, from a client pod: told in under 5 seconds and by its own reason."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from tests.control_plane.process import free_ports
from tests.ray.conftest import Cluster
from tests.ray.programs import PYTHON, Ended, run, run_command

LIMIT = 5
CONNECT = """
import sys
from ray_config import RayConfigError, init_ray_with_smart_defaults
started = time.monotonic()
try:
    init_ray_with_smart_defaults()
except RayConfigError as error:
    report(reason=error.reason, variable=error.variable, message=str(error), seconds=time.monotonic() - started)
"""
Changes = dict[str, str | None]


def failure(cluster: Cluster, changes: Changes, *, before: str = "") -> dict[str, object]:
    """What connecting reports in a client pod whose env has these changes."""
    environment = {**cluster.after("client"), **changes}
    return run(before + CONNECT, {name: value for name, value in environment.items() if value is not None}).report


def assert_told(report: dict[str, object], reason: str, *parts: str) -> None:
    assert report["reason"] == reason, report
    assert report["seconds"] < LIMIT  # type: ignore[operator]  # a float, from JSON
    message = str(report["message"])
    assert all(part in message for part in parts), message
    assert "\n" not in message


@contextmanager
def silent_port() -> Iterator[int]:
    """A socket that listens and never accepts: the system takes connections for it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


@contextmanager
def full_port() -> Iterator[int]:
    """The same with its queue full, so that nothing answers a new connection, as behind a NetworkPolicy."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as server:
        port = server.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        yield port
        for client in waiting:
            client.close()


def test_a_wrong_name(cluster: Cluster) -> None:
    report = failure(cluster, {"RAY_ADDRESS": "ray://seedcore-head-svc.invalid:10001"})

    assert_told(report, "dns", 'RAY_ADDRESS is "ray://seedcore-head-svc.invalid:10001"', "<service>.<namespace>")


def test_a_wrong_port(cluster: Cluster) -> None:
    port = free_ports(1)[0]

    assert_told(
        failure(cluster, {"RAY_ADDRESS": f"ray://127.0.0.1:{port}"}), "refused", f":{port}", "correct host and port"
    )


@pytest.mark.parametrize(("hole", "reason"), [(silent_port, "silent"), (full_port, "dropped")])
def test_a_black_hole(cluster: Cluster, hole: Callable[[], Iterator[int]], reason: str) -> None:
    with hole() as port:  # type: ignore[attr-defined]  # a context manager
        assert_told(failure(cluster, {"RAY_ADDRESS": f"ray://127.0.0.1:{port}"}), reason, f":{port}")


@pytest.mark.parametrize("other", ["gcs", "dashboard"])
def test_another_port_of_the_head(cluster: Cluster, other: str) -> None:
    report = failure(cluster, {"RAY_ADDRESS": f"ray://127.0.0.1:{getattr(cluster.ports, other)}"})

    assert_told(report, "not_ray_client", "--ray-client-server-port")


@pytest.mark.parametrize(
    "changes", [{"RAY_AUTH_MODE": None, "RAY_AUTH_TOKEN": None}, {"RAY_AUTH_MODE": None}, {"RAY_AUTH_TOKEN": None}]
)
def test_no_token(cluster: Cluster, changes: Changes) -> None:
    assert_told(failure(cluster, changes), "token_missing", "RAY_AUTH_TOKEN")


def test_a_wrong_token(cluster: Cluster) -> None:
    report = failure(cluster, {"RAY_AUTH_TOKEN": "another"})

    assert_told(report, "token_wrong", "refuses the token of RAY_AUTH_TOKEN")
    assert "another" not in str(report["message"]).replace("tokens differ", "")


def test_another_version_of_ray(cluster: Cluster) -> None:
    report = failure(cluster, {}, before="import ray\nown, ray.__version__ = ray.__version__, '2.9.0'\n")

    assert_told(report, "ray_version", "this process Ray 2.9.0", "install ray[client]==")


def test_an_address_that_ray_does_not_understand(cluster: Cluster) -> None:
    assert_told(
        failure(cluster, {"RAY_ADDRESS": "ray://127.0.0.1"}), "bad_value", "allowed:", "write ray://127.0.0.1:10001"
    )


def test_arguments_that_ray_refuses(cluster: Cluster) -> None:
    program = CONNECT.replace("defaults()", "defaults(runtime_env={'pip': 7})")

    assert_told(run(program, cluster.after("client")).report, "rejected", "correct its arguments")


def command(cluster: Cluster, role: str, *arguments: str, **changes: str) -> Ended:
    return run_command([*PYTHON, "-m", "ray_config", *arguments], {**cluster.after(role), **changes})


@pytest.mark.parametrize(
    ("role", "told"),
    [
        ("client", "yes, Ray Client answered at 127.0.0.1:"),
        ("jobs", "yes, the Jobs API of Ray "),
        ("head", "yes, a raylet runs in this pod, and its cluster answered at 127.0.0.1:"),
        ("worker", "yes, a raylet runs in this pod, and its cluster answered at 127.0.0.1:"),
    ],
)
def test_the_command_says_that_it_works(cluster: Cluster, role: str, told: str) -> None:
    ended = command(cluster, role, "--check")

    assert ended.status == 0
    assert ended.output.startswith(told)


def test_the_command_says_why_it_does_not(cluster: Cluster) -> None:
    ended = command(cluster, "client", "--wait", "1", RAY_AUTH_TOKEN="another")  # noqa: S106  a wrong one

    assert ended.status == 2
    assert ended.output.startswith("no, token_wrong: ")
