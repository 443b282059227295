"""What is done to Ray itself: open a session within a deadline, call it for real, end it.

Ray reads its client time-outs when its client is first imported, replaces the SIGTERM handler even when it fails, and
leaves a dead session half open, of which even ``ray.is_initialized()`` raises (all measured with ray 2.60). This is the
one module that knows.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, cast

from ray_config import variables
from ray_config.address import Form, RayAddress
from ray_config.bounded import Call, Deadline, Lock
from ray_config.errors import (
    ClosedError,
    DeadlineError,
    NoClusterError,
    PythonVersionError,
    RayConfigError,
    RayMissingError,
    RayVersionError,
    RejectedError,
    SessionError,
    TokenWrongError,
)
from ray_config.resolve import Setting

_CLIENT_SECONDS: Final = "2"
"""Ray's own time-out for a channel that has just answered a probe; whole seconds."""
_USER: Final = re.compile(r"(?<=//)\S*@")
_VERSIONS: Final = re.compile(r"Ray: (\S+)\s+Python: (\S+)")


def import_ray() -> Any:
    """The module ``ray``.

    Raises:
        RayMissingError: it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise RayMissingError(
            f"Ray cannot be imported ({type(error).__name__})", fix="install ray[client] in the cluster's own version"
        ) from error
    return ray


def is_open() -> bool:
    """Whether this process has a session, alive or dead; never imports Ray and never calls out."""
    ray = sys.modules.get("ray")
    if ray is None or not hasattr(ray, "is_initialized"):
        return False
    # With a session of Ray Client, is_initialized() may call the head without a time-out, or raise.
    client = sys.modules.get("ray.util.client")
    return (client is not None and client.ray.get_context().client_worker is not None) or bool(ray.is_initialized())


def is_worker_process() -> bool:
    """Whether a raylet runs our code, in a task, an actor or a replica: then the session is not ours to end."""
    worker = sys.modules.get("ray._private.worker")
    return worker is not None and getattr(worker.global_worker, "mode", None) == worker.WORKER_MODE


def identity() -> object | None:
    """Ray's object for the open session, one for each and without ties to its core; None where none is open."""
    client = sys.modules.get("ray.util.client")
    if client is not None and (found := client.ray.get_context().client_worker) is not None:
        return cast("object", found)
    return getattr(sys.modules.get("ray._private.worker"), "_global_node", None)


class _Calls:
    """Real calls, one at a time: one that hangs is an answer too, and must not be joined by more."""

    def __init__(self) -> None:
        self._pending: Call[bool] | None = None
        self._lock = Lock()

    def forget(self) -> None:
        """A call to a session that has ended says nothing about the next one."""
        with self._lock.held():
            self._pending = None

    def is_answered(self, seconds: float) -> bool:
        with self._lock.held():
            if self._pending is None or not self._pending.is_running:
                self._pending = Call(_call, "call")
            call = self._pending
        try:
            return call.result(seconds)
        except Exception:  # noqa: BLE001  a dead session raises gRPC's errors, ValueError, RuntimeError, TimeoutError
            return False


def _call() -> bool:
    ray = sys.modules["ray"]
    return bool(ray.is_initialized() and ray.cluster_resources())


_calls: Final = _Calls()


def is_alive(seconds: float) -> bool:
    """Whether the session answers a call to the cluster within `seconds`.

    One that is only being opened is not asked: Ray would take the question for a reason to connect once more.
    """
    return not _changes.is_opening and is_open() and _calls.is_answered(seconds)


def namespace_of_session(seconds: float) -> str:
    """The namespace of the open session.

    Raises:
        SessionError: the session does not tell it within `seconds`.
    """

    def ask() -> str:
        # Unlike ray.get_runtime_context this starts no cluster where the session has ended meanwhile.
        from ray.runtime_context import get_runtime_context

        return str(get_runtime_context().namespace)

    try:
        return Call(ask, "namespace").result(seconds)
    except Exception as error:
        raise SessionError(
            f"the session does not answer ({type(error).__name__})", fix="try again; it is replaced then"
        ) from error


class _Changes:
    """Calls of ``ray.init`` and ``ray.shutdown``: one that was given up would end its successor's session, too."""

    def __init__(self) -> None:
        self._opening: Call[Any] | None = None
        self._ending: Call[Any] | None = None

    def open(self, init: Callable[[], Any], deadline: Deadline) -> Any:
        """What `init` returns, called when the calls before it have ended."""
        for call in filter(None, (self._opening, self._ending)):
            call.wait(deadline.left())
            if call.is_running:
                raise TimeoutError
        _calls.forget()
        self._opening = Call(init, "init")
        return self._opening.result(deadline.left())

    def end(self) -> Call[Any]:
        """``ray.shutdown``, begun now or before."""
        if self._ending is None or not self._ending.is_running:
            self._ending = Call(import_ray().shutdown, "shutdown")
        _calls.forget()
        return self._ending

    @property
    def is_opening(self) -> bool:
        """Whether ``ray.init`` is being called."""
        return self._opening is not None and self._opening.is_running


_changes: Final = _Changes()


def close(deadline: Deadline) -> None:
    """End the session, dead or alive; a dead one takes Ray up to 7 s.

    Raises:
        DeadlineError: it has not ended in time.
        SessionError: Ray fails to end it.
    """
    try:
        _changes.end().result(deadline.left())
    except TimeoutError:
        raise DeadlineError("Ray does not let go of a dead session", fix="restart this process") from None
    except Exception as error:
        raise SessionError(
            f"Ray fails to end a dead session ({type(error).__name__})", fix="try again, or restart this process"
        ) from error


def open_session(address: Setting, namespace: str | None, arguments: Mapping[str, Any], deadline: Deadline) -> Any:
    """``ray.init`` within the deadline: on a thread of its own, since a server that stalls holds it for ever.

    Raises:
        RayConfigError: why there is no session.
    """
    ray = import_ray()
    form = RayAddress.parse(address.value).form
    if form is Form.CLIENT:
        _import_client()

    def init() -> Any:
        with _own_sigterm_handler(), _without_sigterm_warning():
            return ray.init(address.value, namespace=namespace, **arguments)

    try:
        # A cluster of this process' own can be started by the main thread only, and there is nobody to wait for.
        return init() if form is Form.LOCAL else _changes.open(init, deadline)
    except TimeoutError:
        # What the server may still grant is not wanted any more; this ends the call above, too.
        _changes.end()
        raise DeadlineError(
            "Ray answers, but opened no session in time",
            **address.named,
            fix="give more time (timeout), and set GRPC_ENABLE_FORK_SUPPORT=0 on the head",
        ) from None
    except Exception as error:
        raise translated(error, address) from error


def _import_client() -> None:
    try:
        with _client_timeouts():
            import ray.util.client.worker  # noqa: F401  reads the time-outs when it is imported
    except ImportError as error:
        raise RayMissingError(
            f"Ray Client cannot be imported ({error.name or type(error).__name__})",
            fix="install ray[client], which brings grpc",
        ) from error


@contextmanager
def _client_timeouts() -> Iterator[None]:
    """Short client time-outs, unless the environment has its own; not left behind for child processes."""
    added = [name for name in variables.RAY_CLIENT_TIMEOUTS if name not in os.environ]
    os.environ.update(dict.fromkeys(added, _CLIENT_SECONDS))
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextmanager
def _own_sigterm_handler() -> Iterator[None]:
    """Put the application's handler back; only the main thread can, and only there Ray replaces it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if handler is not None:  # None is one that was not set from Python
            signal.signal(signal.SIGTERM, handler)


@contextmanager
def _without_sigterm_warning() -> Iterator[None]:
    """Ray warns that it cannot replace the handler from another thread, which is just what is wanted."""
    log = logging.getLogger("ray._private.worker")

    def unrelated(record: logging.LogRecord) -> bool:
        return "SIGTERM" not in record.getMessage()

    log.addFilter(unrelated)
    try:
        yield
    finally:
        log.removeFilter(unrelated)


def translated(error: Exception, address: Setting) -> RayConfigError:
    """Our error for what ``ray.init`` raised."""
    text = _USER.sub("***@", " ".join(str(error).split()).encode("ascii", "replace").decode())
    named = address.named
    if isinstance(error, RayConfigError):
        return error
    if "ersion mismatch" in text:
        return _version_error(str(error), named)
    if "uthentication" in text or "UNAUTHENTICATED" in text:
        return TokenWrongError(f"the cluster refuses the token ({text[:200]})", fix="take this cluster's own", **named)
    if isinstance(error, ConnectionAbortedError):
        return SessionError(f"the head opened no session ({text[:300]})", fix="see the head's log", **named)
    if isinstance(error, ConnectionError) and not address.value.startswith("ray://"):
        return NoClusterError(f"Ray finds no cluster ({text[:200]})", fix="see the log of ray start", **named)
    if isinstance(error, ConnectionError):
        return ClosedError(f"the connection was lost ({text[:200]})", fix="see the head's log", **named)
    return RejectedError(
        f"ray.init refuses ({type(error).__name__}: {text[:300]})", fix="correct its arguments", **named
    )


def _version_error(text: str, named: Mapping[str, str]) -> RayConfigError:
    versions = _VERSIONS.findall(text)
    (ray, python), (own_ray, own_python) = versions if len(versions) == 2 else (("?", "?"), ("?", "?"))  # noqa: PLR2004  theirs, ours
    if ray != own_ray or ray == "?":
        return RayVersionError(
            f"the cluster runs Ray {ray}, this process Ray {own_ray}", fix=f"install ray[client]=={ray} here", **named
        )
    return PythonVersionError(
        f"the cluster runs Python {python}, this process Python {own_python}",
        fix="use an image with the cluster's minor version of Python",
        **named,
    )
