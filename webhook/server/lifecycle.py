"""The life of the process: listen, become ready, end.

The end loses no pod. A webhook that does not answer is passed over (failurePolicy Ignore), and the API server's
transport, Go's, repeats no POST of which a byte was written (persistConn.shouldRetryRequest), so neither a new nor a
kept connection may fail. On SIGTERM the process turns not ready and goes on answering for the lame-duck time: new
connections still come until every node has taken the pod out of the Service, and kept ones bypass the Service, so every
answer says ``Connection: close``. What is still idle then has not been used for all that time and is closed; a request
that crosses with that close is lost, which only HTTP/2 could avoid, and which the API server does not speak here.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any, Final

import uvicorn
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send

from webhook.errors import ListenError
from webhook.server.app import AdmissionApp, operations_app
from webhook.server.connections import (
    MAX_CONNECTIONS,
    MAX_CONSOLE_CONNECTIONS,
    MAX_OPERATIONS_CONNECTIONS,
    Connections,
    Gate,
)
from webhook.server.followers import following
from webhook.server.logging import capture_libraries
from webhook.server.memory import return_large_blocks, settle
from webhook.server.protocol import BoundedProtocol
from webhook.server.resources import raise_file_limit
from webhook.server.settings_file import SettingsFile
from webhook.server.state import State
from webhook.server.tls import ServingCertificate, failure

LOOPBACK: Final = "127.0.0.1"
"""Where the console listens, whatever --host says; ``kubectl port-forward`` reaches it there, in the pod's network."""
KEEP_ALIVE_SECONDS: Final = 120
"""Longer than the API server's own idle time, so that it never meets a connection that is just being closed."""
LAME_DUCK_SECONDS: Final = 10.0
"""EndpointSlice and kube-proxy take one or two seconds, some more in a large cluster; the grace period is 45."""
DRAIN_SECONDS: Final = 5
"""For answers in flight, and for peers that do not close what was closed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsolePort:
    """The console: its port on the loopback address, and what makes its application when it is first asked for."""

    port: int
    make: Callable[[], ASGIApp]


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """What is to be served.

    Attributes:
        host, port, ops_port: where to listen; 0 takes a free port.
        console: None for none.
        settings: the settings file; None where another keeps the state's snapshot in step.
        certificate: the pair to serve with.
        renew: renews the certificate's files where that is due; None for a pair that others renew.
        client_names: common names of the client certificates that may ask; empty for any.
        lame_duck: seconds from SIGTERM until no new connection is taken.
    """

    state: State
    host: str
    port: int
    ops_port: int
    console: ConsolePort | None = None
    settings: SettingsFile | None
    certificate: ServingCertificate
    renew: Callable[[], object] | None = None
    client_names: frozenset[str] = frozenset()
    lame_duck: float = LAME_DUCK_SECONDS


class _Loop(uvloop.Loop):
    """uvloop, with a gate before TLS; it counts connections, and bounds peers that say nothing."""

    async def create_server(self, *args: Any, **options: Any) -> Any:
        """Listen."""
        (factory, *others), is_tls = args, options.pop("ssl", None) is not None
        gated = (lambda: Gate(self, factory())) if is_tls else factory
        return await super().create_server(gated, *others, **options)


class _Server(uvicorn.Server):
    """One of several servers in one event loop; the loop's owner handles the signals."""

    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        super().__init__(config)
        self.open_connections = connections
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and tell who waits for it."""
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def run(service: Service) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        ListenError: a port cannot be had.
    """
    sockets = [_listen(service.host, service.port), _listen(service.host, service.ops_port)]
    sockets += [_listen(LOOPBACK, service.console.port)] if service.console else []
    return_large_blocks()
    capture_libraries(service.state.log)
    most = raise_file_limit(
        service.state.log, MAX_CONNECTIONS, others=MAX_OPERATIONS_CONNECTIONS + MAX_CONSOLE_CONNECTIONS
    )
    servers = [_admission_server(service, most), _operations_server(service.state)]
    servers += [_console_server(service.state, service.console)] if service.console else []
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(_serve(service, servers, sockets))


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=1024)
    except OSError as error:
        why = error.strerror or str(error)
        raise ListenError(
            f"cannot listen on {host} port {port} ({why})",
            allowed="an address of this machine and a free port",
            fix="choose another --host, --port, --ops-port or --console-port",
        ) from None


def _admission_server(service: Service, most: int) -> _Server:
    connections = _connections(service.state, "admission", most)
    return _Server(
        _config(
            AdmissionApp(service.state),
            http=_protocol(service.state, connections, service.certificate, service.client_names),
            ssl_context_factory=lambda _config, _default: service.certificate.context,
        ),
        connections,
    )


def _operations_server(state: State) -> _Server:
    connections = _connections(state, "operations", MAX_OPERATIONS_CONNECTIONS)
    return _Server(_config(operations_app(state), http=_protocol(state, connections)), connections)


def _console_server(state: State, console: ConsolePort) -> _Server:
    connections = _connections(state, "console", MAX_CONSOLE_CONNECTIONS)
    return _Server(_config(_Late(console.make), http=_protocol(state, connections)), connections)


class _Late:
    """An application that is made when it is first asked for."""

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._made: asyncio.Task[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._made is None:
            # On a thread, for it imports a lot, and the event loop decides about pods.
            self._made = asyncio.create_task(asyncio.to_thread(self._make))
        app = await asyncio.shield(self._made)
        await app(scope, receive, send)


def _connections(state: State, port: str, most: int) -> Connections:
    """The connections of one port, in the metrics under its name."""
    made = Connections(
        most,
        evicted=state.metrics.evicted_connections.labels(port).inc,
        handshake_failed=lambda error: state.metrics.failed_handshakes.labels(failure(error)).inc(),
    )
    state.metrics.connections.labels(port).set_function(lambda: len(made))
    return made


def _protocol(
    state: State,
    connections: Connections,
    certificate: ServingCertificate | None = None,
    client_names: frozenset[str] = frozenset(),
) -> type[BoundedProtocol]:
    refused = state.metrics.refused

    class Protocol(BoundedProtocol):
        on_refused = staticmethod(lambda code: refused.labels(code).inc())
        open_connections = connections
        allowed_names = client_names
        if certificate:
            tls_context = staticmethod(lambda: certificate.context)

    return Protocol


def _config(
    app: ASGIApp,
    *,
    http: type[asyncio.Protocol],
    ssl_context_factory: Callable[[uvicorn.Config, Callable[[], SSLContext]], SSLContext] | None = None,
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=http,
        ssl_context_factory=ssl_context_factory,
        loop="uvloop",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


async def _serve(service: Service, servers: Sequence[_Server], sockets: Sequence[socket.socket]) -> None:
    service.state.log.gather(asyncio.get_running_loop().call_later)
    _end_on_signals(service, servers)
    followers = [
        asyncio.create_task(task)
        for task in following(service.state, service.settings, service.certificate, service.renew)
    ]
    service.state.vital["followers"] = lambda: not any(follower.done() for follower in followers)
    serving = [asyncio.create_task(server.serve([sock])) for server, sock in zip(servers, sockets, strict=True)]
    await asyncio.gather(*(server.listening.wait() for server in servers))
    settle()
    _tell_ready(service, sockets)
    await asyncio.gather(*serving)
    for follower in followers:
        follower.cancel()
    service.state.log.info("ended")


def _end_on_signals(service: Service, servers: Sequence[_Server]) -> None:
    """SIGTERM begins the lame-duck time, SIGINT (a person at a terminal) ends without it; a second one ends at once."""
    loop = asyncio.get_running_loop()

    def begin(lame_duck: float) -> None:
        service.state.stopping = True
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _end_at_once, service.state, number)
        for server in servers:
            server.open_connections.retire()
        service.state.log.info("ending", lame_duck_seconds=lame_duck)
        loop.call_later(lame_duck, drain)

    def drain() -> None:
        for server in servers:
            server.should_exit = True

    loop.add_signal_handler(signal.SIGTERM, begin, service.lame_duck)
    loop.add_signal_handler(signal.SIGINT, begin, 0.0)


def _end_at_once(state: State, number: signal.Signals) -> None:
    """End as the signal would by default, which it does not for process 1 of a container."""
    state.log.warning("ended at once", signal=number.name)
    os._exit(128 + number)


def _tell_ready(service: Service, sockets: Sequence[socket.socket]) -> None:
    port, ops_port, *console = (sock.getsockname()[1] for sock in sockets)
    host = f"[{service.host}]" if ":" in service.host else service.host
    service.state.log.info(
        "ready" if service.state.is_ready else "listening",
        url=f"https://{host}:{port}",
        ops_url=f"http://{host}:{ops_port}",
        **({"console_url": f"http://{LOOPBACK}:{console[0]}"} if console else {}),
        mode=service.state.mode,
    )
