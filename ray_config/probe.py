"""Whether Ray answers at an address, told within seconds and by its own reason; nothing is opened or changed.

``ray.init`` says "ray client connection timeout" after 30 s, whatever the cause (measured with ray 2.60). A probe takes
the same way a step at a time: name, TCP, gRPC, token, version. It is advisory: it proves what is wrong, and that Ray
answered now, but not that a session will open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final

from ray_config import variables
from ray_config.address import Form, RayAddress
from ray_config.bounded import Deadline
from ray_config.credentials import TlsFiles, Token, read_tls, read_token
from ray_config.dashboard import read_version
from ray_config.errors import (
    ClosedError,
    NoClusterError,
    NoRayletError,
    NotRayClientError,
    RayConfigError,
    SilentError,
    TlsError,
)
from ray_config.network import Target, reach, refused_token
from ray_config.resolve import Setting
from ray_config.role import find_role

SECONDS: Final = 2.0
"""How long a probe takes at most, where nobody says otherwise."""

_PING: Final = b"\x08\x06"  # ClusterInfoRequest(type=PING), which the proxy of Ray Client answers by itself
_CLUSTER_INFO: Final = "/ray.rpc.RayletDriver/ClusterInfo"
_OTHER_PROTOCOL: Final = ("http1.x", "HTTP/2")
_HANDSHAKE: Final = ("handshake", "SSL", "TLS", "certificate")

_SIGNS_OF_LIFE: Final = frozenset({"OK", "UNIMPLEMENTED", "UNAUTHENTICATED"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """That Ray answered: what, in words, and after how many seconds."""

    what: str
    seconds: float


def probe(env: Mapping[str, str], setting: Setting, seconds: float = SECONDS) -> Answer:
    """Ask what answers at the address `setting`, which is one that :func:`ray_config.resolve.find_address` found.

    Raises:
        RayConfigError: why there will be no connection.
    """
    started, deadline = monotonic(), Deadline(seconds)
    parsed = RayAddress.parse(setting.value)
    if parsed.form is Form.HTTP:
        version = read_version(env, setting, deadline)
        what = f"the Jobs API of Ray {version} answered"
    elif parsed.form is Form.CLIENT and parsed.host and parsed.port:
        what = _probe_client(env, Target(host=parsed.host, port=parsed.port, setting=setting), deadline)
    elif parsed.form is Form.LOCAL:
        what = "a cluster of this process' own"
    else:
        what = _probe_node(env, parsed, setting, deadline)
    return Answer(what=what, seconds=monotonic() - started)


def _probe_client(env: Mapping[str, str], target: Target, deadline: Deadline) -> str:
    token, tls = read_token(env), read_tls(env)
    reach(target, deadline)
    try:
        import grpc
    except ImportError:
        return f"{target} takes connections (grpc is not installed, so no more is known)"
    status, details = _ask(grpc, target, token, tls, deadline)
    if status == "OK":
        return f"Ray Client answered at {target}"
    if status == "UNAUTHENTICATED":
        raise refused_token(env, token, target)
    raise _told(target, status, details, tls)


def _ask(grpc: Any, target: Target, token: Token | None, tls: TlsFiles | None, deadline: Deadline) -> tuple[str, str]:
    """Call ClusterInfo: the name of the gRPC status, and its details."""
    options = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]
    metadata = [("client_id", "0" * 32)] + ([("authorization", f"Bearer {token.text}")] if token else [])
    channel = _channel(grpc, str(target), tls, options)
    try:
        channel.unary_unary(_CLUSTER_INFO)(_PING, metadata=metadata, timeout=max(deadline.left(), 0.1))
    except grpc.RpcError as error:
        return str(error.code().name), str(error.details())
    finally:
        channel.close()
    return "OK", ""


def _channel(grpc: Any, target: str, tls: TlsFiles | None, options: list[tuple[str, int]]) -> Any:
    if tls is None:
        return grpc.insecure_channel(target, options=options)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=tls.authority, private_key=tls.key, certificate_chain=tls.certificate
    )
    return grpc.secure_channel(target, credentials, options=options)


def _told(target: Target, status: str, details: str, tls: TlsFiles | None) -> RayConfigError:
    """The error for a gRPC `status` that is not OK, after the TCP connection was taken."""
    named = target.setting.named
    if status == "DEADLINE_EXCEEDED":
        return SilentError(f"{target} takes connections but says nothing", fix="see whether the head is alive", **named)
    if tls is not None and any(word in details for word in _HANDSHAKE):
        return TlsError(f"no TLS with {target} ({_cause(details)})", fix="compare RAY_TLS_* with the head's", **named)
    if status == "UNIMPLEMENTED" or any(word in details for word in _OTHER_PROTOCOL):
        return NotRayClientError(
            f"something else than Ray Client listens at {target}",
            fix=f"give the port of --ray-client-server-port, by default {variables.CLIENT_PORT}",
            **named,
        )
    return ClosedError(
        f"{target} closes connections ({_cause(details)})", fix="see the head's log; does it want RAY_USE_TLS?", **named
    )


def _cause(details: str) -> str:
    """The last part of gRPC's chain of causes, in ASCII and short."""
    return details.rpartition(": ")[2].encode("ascii", "replace").decode()[:100] or "no details"


def _probe_node(env: Mapping[str, str], parsed: RayAddress, setting: Setting, deadline: Deadline) -> str:
    """A driver connects directly: it needs a raylet beside it, and the GCS that this raylet belongs to."""
    if not _raylet_runs():
        raise _no_raylet(env, parsed, setting)
    gcs = parsed if parsed.form is Form.DIRECT else RayAddress.parse(_current_cluster(env))
    if gcs.host is None or gcs.port is None:
        return "a raylet runs in this pod"
    _ask_gcs(env, Target(host=gcs.host, port=gcs.port, setting=setting), deadline)
    return f"a raylet runs in this pod, and its cluster answered at {gcs.host}:{gcs.port}"


def _ask_gcs(env: Mapping[str, str], target: Target, deadline: Deadline) -> None:
    """Whether the GCS is alive: one that is stopped takes connections, too, but only one that runs refuses a call."""
    tls = read_tls(env)
    reach(target, deadline)
    try:
        import grpc
    except ImportError:
        return
    status, details = _ask(grpc, target, None, tls, deadline)
    if status not in _SIGNS_OF_LIFE:
        raise _told(target, status, details, tls)


def _no_raylet(env: Mapping[str, str], parsed: RayAddress, setting: Setting) -> RayConfigError:
    named = setting.named
    if parsed.form is Form.DIRECT and not find_role(env).is_node:
        return NoRayletError(
            "a direct address needs a raylet in the same pod, and none runs here",
            fix=f"use ray://{parsed.host}:{variables.CLIENT_PORT}",
            **named,
        )
    return NoClusterError("no raylet runs in this pod (yet)", fix="see the log of ray start", **named)


def _raylet_runs() -> bool:
    """Whether a raylet is among the processes that can be seen; where /proc is missing it is taken for granted."""
    processes = Path("/proc")
    if not (processes / "self" / "comm").exists():
        return True
    return any(_command(process) == "raylet" for process in processes.glob("[0-9]*/comm"))


def _command(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _current_cluster(env: Mapping[str, str]) -> str:
    """The GCS address that ``ray start`` has left for ``auto``, or nothing."""
    return _command(Path(env.get(variables.RAY_TMPDIR) or "/tmp") / "ray" / "ray_current_cluster")  # noqa: S108  Ray's own
