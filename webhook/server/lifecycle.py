"""The life of the process: listen, become ready, end."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any, Final

import uvicorn
import uvloop
from fastapi import FastAPI

from webhook.errors import ListenError
from webhook.server.app import AdmissionApp, operations_app
from webhook.server.followers import following
from webhook.server.limits import BoundedProtocol
from webhook.server.logging import capture_libraries
from webhook.server.memory import return_large_blocks, settle
from webhook.server.settings_file import SettingsFile
from webhook.server.state import State
from webhook.server.tls import ServingCertificate

KEEP_ALIVE_SECONDS: Final = 120
"""Longer than the API server's own idle time, so that it never meets a connection that is just being closed."""
HANDSHAKE_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 1.0
"""For a peer to agree that its connection is closed."""
DRAIN_SECONDS: Final = 5
"""For answers in flight, and for peers that do not close what was closed; the grace period is 30 seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """What is to be served.

    Attributes:
        host, port, ops_port: where to listen; 0 takes a free port.
        settings: the settings file; None where another keeps the state's snapshot in step.
        certificate: the pair to serve with.
        renew: renews the certificate's files where that is due; None for a pair that others renew.
    """

    state: State
    host: str
    port: int
    ops_port: int
    settings: SettingsFile | None
    certificate: ServingCertificate
    renew: Callable[[], object] | None = None


class _Loop(uvloop.Loop):
    """uvloop, with bounds for TLS peers that say nothing; uvicorn hands none on, and the defaults are 60 and 30 s."""

    async def create_server(self, *args: Any, **options: Any) -> Any:
        """Listen."""
        bounds = {"ssl_handshake_timeout": HANDSHAKE_SECONDS, "ssl_shutdown_timeout": CLOSE_SECONDS}
        return await super().create_server(*args, **(options | bounds if options.get("ssl") else options))


class _Server(uvicorn.Server):
    """One of several servers in one event loop; the loop's owner handles the signals."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
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
    return_large_blocks()
    capture_libraries(service.state.log)
    config = _admission_config(service)
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(_serve(service, config, sockets))


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=1024)
    except OSError as error:
        why = error.strerror or str(error)
        raise ListenError(
            f"cannot listen on {host} port {port} ({why})",
            allowed="an address of this machine and a free port",
            fix="choose another --host, --port or --ops-port",
        ) from None


def _admission_config(service: Service) -> uvicorn.Config:
    refused = service.state.metrics.refused

    class Protocol(BoundedProtocol):
        on_refused = staticmethod(lambda code: refused.labels(code).inc())

    return _config(
        AdmissionApp(service.state),
        http=Protocol,
        ssl_context_factory=lambda _config, _default: service.certificate.context,
    )


def _config(
    app: FastAPI,
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
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


async def _serve(service: Service, config: uvicorn.Config, sockets: Sequence[socket.socket]) -> None:
    servers = [_Server(config), _Server(_config(operations_app(service.state), http=BoundedProtocol))]
    _stop_on_signals(service.state, servers)
    followers = [
        asyncio.create_task(task)
        for task in following(service.state, service.settings, service.certificate, service.renew)
    ]
    serving = [asyncio.create_task(server.serve([sock])) for server, sock in zip(servers, sockets, strict=True)]
    await asyncio.gather(*(server.listening.wait() for server in servers))
    settle()
    _tell_ready(service, sockets)
    await asyncio.gather(*serving)
    for follower in followers:
        follower.cancel()
    service.state.log.info("ended")


def _stop_on_signals(state: State, servers: Sequence[uvicorn.Server]) -> None:
    def stop() -> None:
        state.stopping = True
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


def _tell_ready(service: Service, sockets: Sequence[socket.socket]) -> None:
    port, ops_port = (sock.getsockname()[1] for sock in sockets)
    host = f"[{service.host}]" if ":" in service.host else service.host
    service.state.log.info(
        "ready" if service.state.is_ready else "listening",
        url=f"https://{host}:{port}",
        ops_url=f"http://{host}:{ops_port}",
        mode=service.state.mode,
    )
