"""The probe against small servers on loopback, without grpc; with it tests/ray asks a real Ray."""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path
from time import monotonic
from types import SimpleNamespace

import pytest

from ray_config import probe as module
from ray_config.bounded import Deadline
from ray_config.credentials import TlsFiles
from ray_config.errors import (
    ClosedError,
    DnsError,
    DroppedError,
    NoClusterError,
    NoRayletError,
    NotRayClientError,
    RayConfigError,
    RefusedError,
    SilentError,
    TlsError,
    TokenMissingError,
)
from ray_config.network import Target
from ray_config.probe import probe
from ray_config.resolve import Setting
from tests.ray_config.support import close_at_once, dashboard, free_port, serving, silent

NODE = {"SEEDCORE_RAY_ROLE": "worker"}
TLS = TlsFiles(authority=b"", certificate=b"", key=b"")
REFUSED = "failed to connect to all addresses; last error: "


def setting(value: str) -> Setting:
    return Setting(value=value, source="RAY_ADDRESS")


@pytest.fixture(autouse=True)
def without_grpc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "grpc", None)


def test_without_grpc_it_says_that_it_knows_no_more() -> None:
    with serving(close_at_once) as port:
        answer = probe({}, setting(f"ray://127.0.0.1:{port}"))

    assert answer.what == f"127.0.0.1:{port} takes connections (grpc is not installed, so no more is known)"
    assert 0 < answer.seconds < 2


def test_a_port_that_nobody_listens_on() -> None:
    with pytest.raises(RefusedError, match=r"nothing listens at 127\.0\.0\.1:\d+ .* correct host and port"):
        probe({}, setting(f"ray://127.0.0.1:{free_port()}"))


def test_every_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(close_at_once) as port:
        entries = [entry for host in ("127.0.0.2", "127.0.0.1") for entry in socket.getaddrinfo(host, port)]
        real = socket.getaddrinfo
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda host, *a, **k: entries if host == "two-addresses" else real(host, *a, **k)
        )
        assert "takes connections" in probe({}, setting(f"ray://two-addresses:{port}")).what


def test_an_address_without_a_route_is_no_refusal() -> None:
    with pytest.raises(DroppedError, match="nothing answers at 255"):
        probe({}, setting("ray://255.255.255.255:1"))


def test_a_name_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(DnsError, match=r"the host wrong has no address .Name or service not known."):
        probe({}, setting("ray://wrong:10001"))


def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(10))
    started = monotonic()
    with pytest.raises(DnsError, match="no answer in time"):
        probe({}, setting("ray://slow:10001"), seconds=0.2)
    released.set()

    assert monotonic() - started < 2


def test_a_promised_token_is_missed_before_the_network_is_asked() -> None:
    with pytest.raises(TokenMissingError):
        probe({"RAY_AUTH_MODE": "token"}, setting("ray://wrong.invalid:1"))


@pytest.mark.parametrize(
    ("status", "details", "tls", "error"),
    [
        ("DEADLINE_EXCEEDED", "Deadline Exceeded", None, SilentError),
        ("UNIMPLEMENTED", "", None, NotRayClientError),
        (
            "UNAVAILABLE",
            f"{REFUSED}INTERNAL: ipv4:127.0.0.1:1: Failed parsing HTTP/2 (Trying to connect an http1.x server)",
            None,
            NotRayClientError,
        ),
        (
            "UNAVAILABLE",
            f"{REFUSED}UNAVAILABLE: ipv4:127.0.0.1:1: recvmsg:Connection reset by peer (104)",
            None,
            ClosedError,
        ),
        ("UNAVAILABLE", f"{REFUSED}UNKNOWN: Ssl handshake failed: WRONG_VERSION_NUMBER", TLS, TlsError),
        ("UNAVAILABLE", f"{REFUSED}UNKNOWN: Ssl handshake failed: WRONG_VERSION_NUMBER", None, ClosedError),
        ("SOMETHING", "new", None, ClosedError),
    ],
)
def test_what_grpc_says_after_the_connection(
    status: str, details: str, tls: TlsFiles | None, error: type[RayConfigError]
) -> None:
    target = Target(host="h", port=1, setting=setting("ray://h:1"))

    told = module._told(target, status, details, tls)

    assert type(told) is error
    assert "h:1" in str(told)


def test_the_jobs_api() -> None:
    with serving(dashboard("2.60.0")) as port:
        assert probe({}, setting(f"http://127.0.0.1:{port}")).what == "the Jobs API of Ray 2.60.0 answered"


def test_a_silent_jobs_api_is_bounded() -> None:
    started = monotonic()
    with silent() as port, pytest.raises(SilentError):
        probe({}, setting(f"http://127.0.0.1:{port}"), seconds=0.3)

    assert monotonic() - started < 2


def test_a_local_cluster_needs_no_proof() -> None:
    assert probe({}, setting("local")).what == "a cluster of this process' own"


@pytest.fixture
def raylet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_raylet_runs", lambda: True)


@pytest.mark.usefixtures("raylet")
@pytest.mark.parametrize("form", ["auto", "direct"])
def test_a_node_needs_the_gcs_of_its_raylet(tmp_path: Path, form: str) -> None:
    with serving(close_at_once) as port:
        address = f"127.0.0.1:{port}"
        (tmp_path / "ray").mkdir()
        (tmp_path / "ray" / "ray_current_cluster").write_text(address)
        env = NODE | {"RAY_TMPDIR": str(tmp_path)}
        wanted = setting("auto" if form == "auto" else address)
        assert probe(env, wanted).what == f"a raylet runs in this pod, and its cluster answered at {address}"
    with pytest.raises(RefusedError):
        probe(env, wanted)


class FakeGrpc:
    """Answers every call with a status, and keeps what its channels were made with."""

    class RpcError(Exception):
        def code(self) -> SimpleNamespace:
            return SimpleNamespace(name=self.args[0])

        def details(self) -> str:
            return "details"

    def __init__(self, status: str) -> None:
        self.status = status
        self.options: list[tuple[str, int]] = []

    def insecure_channel(self, _: str, options: list[tuple[str, int]]) -> SimpleNamespace:
        self.options += options
        return SimpleNamespace(unary_unary=lambda _: self.call, close=lambda: None)

    def call(self, *_: object, **__: object) -> None:
        if self.status != "OK":
            raise self.RpcError(self.status)


@pytest.mark.usefixtures("raylet")
@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("UNIMPLEMENTED", None),
        ("UNAUTHENTICATED", None),
        ("DEADLINE_EXCEEDED", SilentError),
        ("UNAVAILABLE", ClosedError),
    ],
)
def test_a_gcs_is_alive_where_it_refuses_a_call_and_not_where_it_says_nothing(
    status: str, error: type[RayConfigError] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "grpc", FakeGrpc(status))
    with serving(close_at_once) as port:
        address = setting(f"127.0.0.1:{port}")
        if error is None:
            assert probe(NODE, address).what.endswith(f"its cluster answered at 127.0.0.1:{port}")
        else:
            with pytest.raises(error):
                probe(NODE, address)


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    grpc = FakeGrpc("OK")
    monkeypatch.setitem(sys.modules, "grpc", grpc)
    with serving(close_at_once) as port:
        probe({}, setting(f"ray://127.0.0.1:{port}"))

    assert ("grpc.enable_http_proxy", 0) in grpc.options


@pytest.mark.usefixtures("raylet")
def test_a_raylet_whose_cluster_is_not_written_down_is_taken_for_good(tmp_path: Path) -> None:
    assert probe(NODE | {"RAY_TMPDIR": str(tmp_path)}, setting("auto")).what == "a raylet runs in this pod"


def test_without_a_raylet_a_node_waits_and_a_client_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_raylet_runs", lambda: False)
    for env, address in ((NODE, "auto"), (NODE, "h:6379"), ({}, "auto")):
        with pytest.raises(NoClusterError, match="ray start"):
            probe(env, setting(address))
    with pytest.raises(NoRayletError, match="use ray://h:10001"):
        probe({}, setting("h:6379"))


def test_a_raylet_is_found_among_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Path("/proc/self/comm").read_text().strip()

    assert any(module._command(path) == own for path in Path("/proc").glob("[0-9]*/comm"))
    assert module._command(Path("/proc/0/comm")) == ""


def test_a_deadline_never_goes_below_zero() -> None:
    deadline = Deadline(0)

    assert deadline.left() == 0
    assert Deadline(60).left(1) == 1
