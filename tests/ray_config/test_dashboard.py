"""The cluster's version, asked of a small dashboard on loopback."""

from __future__ import annotations

from collections.abc import Callable
from socket import socket

import pytest

from ray_config.bounded import Deadline
from ray_config.dashboard import check_version, read_version
from ray_config.errors import (
    ClosedError,
    NotDashboardError,
    RayConfigError,
    RayVersionError,
    TlsError,
    TokenMissingError,
    TokenWrongError,
    UnavailableError,
)
from ray_config.resolve import Setting
from tests.ray_config.support import TOKEN, answer, close_at_once, dashboard, free_port, serving

CLIENT = Setting(value="ray://127.0.0.1:10001", source="RAY_ADDRESS")
WITH_TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}


def version_at(port: int, scheme: str = "http", **env: str) -> str:
    url = Setting(value=f"{scheme}://127.0.0.1:{port}/", source="RAY_DASHBOARD_URL")
    return read_version(env, url, Deadline(2))


def test_the_version_is_told() -> None:
    with serving(dashboard("2.61.0")) as port:
        assert version_at(port) == "2.61.0"


def test_the_token_is_sent() -> None:
    with serving(dashboard(token=TOKEN)) as port:
        assert version_at(port, **WITH_TOKEN) == "2.60.0"
        with pytest.raises(TokenMissingError, match="wants a token, and none was sent"):
            version_at(port)
        with pytest.raises(TokenWrongError, match="refuses the token of RAY_AUTH_TOKEN"):
            version_at(port, **(WITH_TOKEN | {"RAY_AUTH_TOKEN": "x"}))


@pytest.mark.parametrize(
    ("handle", "error"),
    [
        (answer(200, "[]"), NotDashboardError),
        (answer(200, "{}"), NotDashboardError),
        (answer(404, "not found"), NotDashboardError),
        (lambda client: client.sendall(b"SSH-2.0-x\r\n"), NotDashboardError),
        (close_at_once, RayConfigError),
    ],
)
def test_what_is_no_dashboard(handle: Callable[[socket], None], error: type[RayConfigError]) -> None:
    with serving(handle) as port, pytest.raises(error) as raised:
        version_at(port)

    assert raised.value.reason in ("not_dashboard", ClosedError.reason)
    assert raised.value.variable == "RAY_DASHBOARD_URL"


def test_forbidden_may_be_the_token_or_a_proxy() -> None:
    with (
        serving(answer(403, "RBAC: access denied")) as port,
        pytest.raises(TokenWrongError, match=r"answered 403: it refuses the token, or a proxy"),
    ):
        version_at(port)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_that_fails_may_recover(status: int) -> None:
    with serving(answer(status, "")) as port, pytest.raises(UnavailableError, match=f"answered {status}") as raised:
        version_at(port)

    assert raised.value.transient


def test_a_plain_dashboard_asked_by_tls() -> None:
    with serving(answer(400, "")) as port, pytest.raises((TlsError, ClosedError)):
        version_at(port, "https")


def test_another_version_is_refused_in_the_name_of_the_address() -> None:
    with serving(dashboard("2.61.0")) as port:
        env = {"RAY_DASHBOARD_URL": f"http://127.0.0.1:{port}"}
        with pytest.raises(RayVersionError, match=r'RAY_ADDRESS is "ray://127.*runs Ray 2\.61\.0, this process Ray 2'):
            check_version(env, CLIENT, "2.60.0", 1)
        check_version(env, CLIENT, "2.61.0", 1)
        check_version(env | {"RAY_IGNORE_VERSION_MISMATCH": ""}, CLIENT, "2.60.0", 1)


def test_a_dashboard_of_another_host_says_nothing_of_this_cluster() -> None:
    with serving(dashboard("2.61.0")) as port:
        env = {"RAY_DASHBOARD_URL": f"http://127.0.0.1:{port}"}
        check_version(env, Setting(value="ray://localhost:10001", source="RAY_ADDRESS"), "2.60.0", 1)


def test_a_dashboard_that_cannot_be_asked_does_no_harm() -> None:
    check_version({"RAY_DASHBOARD_URL": f"http://127.0.0.1:{free_port()}"}, CLIENT, "2.60.0", 1)
    check_version({}, CLIENT, "2.60.0", 1)
