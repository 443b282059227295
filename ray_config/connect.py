"""Connect to Ray, stay connected, and say why not; what the package's functions of these names do.

Everything here is safe from several threads: one connects, the others wait for it within their own deadline.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from ray_config import metrics, session, variables
from ray_config.address import Form, RayAddress
from ray_config.bounded import Deadline
from ray_config.dashboard import check_version
from ray_config.errors import DeadlineError, JobsOnlyError, RayConfigError, RejectedError, SessionDiffersError, quote
from ray_config.probe import SECONDS, probe
from ray_config.resolve import Setting, find_address, find_namespace, is_polluted

_PAUSES: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 3.0)
"""Seconds between attempts, the last one again and again; each is shortened at random, so that pods spread out."""
_LEAST: Final = 0.1
_VERSION_SECONDS: Final = 1.0
_STALL_SECONDS: Final = 10.0
"""How long a session may leave a call unanswered before it counts as dead; one that is only slow keeps its actors."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """An open session: where to, in which namespace, and whether it was open before.

    Attributes:
        address: what ``ray.init`` was given, or None for a session that was not opened by this package.
        namespace: the session's Ray namespace.
        reused: whether it was there already.
        context: what ``ray.init`` returned, or None where the session was there already.
    """

    address: str | None
    namespace: str
    reused: bool
    context: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What an application asks for."""

    address: str | None = None
    namespace: str | None = None
    arguments: Mapping[str, Any]


@dataclass(slots=True)
class _State:
    """What this process knows of its session; written under the lock."""

    wanted: Wanted
    opened: str | None = None


_state: Final = _State(wanted=Wanted(arguments={}))
_lock: Final = threading.Lock()


def last_wanted() -> Wanted:
    """What was asked for last, or nothing in particular."""
    return _state.wanted


def last_address() -> str | None:
    """The address of the last session that was opened here."""
    return _state.opened


def is_connected(seconds: float) -> bool:
    """Whether the session answers a real call within `seconds`."""
    connected = session.is_alive(seconds)
    metrics.set_connected(connected=connected)
    return connected


def connect(wanted: Wanted, *, timeout: float, retry: float) -> Session:
    """The session that is open, alive and as `wanted`, or a new one.

    Args:
        wanted: what the application asks for.
        timeout: seconds for everything.
        retry: seconds for which failures that may pass are tried again.

    Raises:
        RayConfigError: why there is none.
    """
    _refuse_multiple(wanted)
    deadline = Deadline(timeout)
    with _only_one(deadline):
        _state.wanted = wanted
        return _existing(wanted, deadline) or _attempts(wanted, deadline, Deadline(min(retry, timeout)))


def _refuse_multiple(wanted: Wanted) -> None:
    if wanted.arguments.get("allow_multiple"):
        raise RejectedError(
            "a session among several cannot be looked after",
            variable="argument allow_multiple",
            value="True",
            allowed="False",
            fix="leave it out, or call ray.init itself",
        )


@contextmanager
def _only_one(deadline: Deadline) -> Iterator[None]:
    if not _lock.acquire(timeout=deadline.left()):
        raise DeadlineError("another thread is still connecting", fix="give more time (timeout)")
    try:
        yield
    finally:
        _lock.release()


def _existing(wanted: Wanted, deadline: Deadline) -> Session | None:
    """The session that is open, if it is alive.

    Raises:
        SessionDiffersError: it is, but not what is asked for by argument. (RAY_NAMESPACE is no such argument: a
            task's session has its job's namespace.)
    """
    if not session.is_open() or not (session.is_worker_process() or session.is_alive(deadline.left(_STALL_SECONDS))):
        return None
    namespace = session.namespace_of_session(deadline.left(SECONDS))
    asked = find_namespace({}, wanted.namespace)
    if asked is not None and asked.value != namespace:
        raise _differs("namespace", asked.value, namespace)
    if wanted.address is not None and _state.opened is not None and wanted.address.strip() != _state.opened:
        raise _differs("address", wanted.address, _state.opened)
    return Session(address=_state.opened, namespace=namespace, reused=True)


def _differs(argument: str, asked: str, found: str) -> SessionDiffersError:
    return SessionDiffersError(
        f"this process is connected already, with {argument} {found}",
        variable=f"argument {argument}",
        value=asked,
        fix="leave the argument out, or call ray.shutdown() first",
    )


def _attempts(wanted: Wanted, deadline: Deadline, retry: Deadline) -> Session:
    pauses = iter(_PAUSES)
    while True:
        try:
            return _attempt(wanted, deadline, retry)
        except RayConfigError as error:
            metrics.count_failure(error)
            pause = next(pauses, _PAUSES[-1])
            if not error.transient or retry.left() <= pause:
                raise
        time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  it spreads load and keeps no secret


def _attempt(wanted: Wanted, deadline: Deadline, retry: Deadline) -> Session:
    metrics.count_attempt()
    started = time.monotonic()
    address = find_address(os.environ, wanted.address)
    found = find_namespace(os.environ, wanted.namespace)
    namespace = found.value if found else None
    _clean_environment(address)
    _prove(address, max(retry.left(SECONDS), _LEAST))
    died = session.is_open()
    if died:
        session.close(deadline)
    context = _open(address, namespace, wanted.arguments, deadline)
    actual = session.namespace_of_session(max(deadline.left(SECONDS), _LEAST))
    _state.opened = address.value
    metrics.count_success(address.value, namespace, time.monotonic() - started, reconnected=died)
    return Session(address=address.value, namespace=actual, reused=False, context=context)


def _clean_environment(address: Setting) -> None:
    """Take a RAY_ADDRESS that is wrong on a Ray node out of this process: Ray reads it again even for ``auto``."""
    if is_polluted(os.environ):
        wrong = os.environ.pop(variables.RAY_ADDRESS)
        metrics.logger.warning("RAY_ADDRESS=%s is wrong on a Ray node; connecting to %s", quote(wrong), address.value)


def _prove(address: Setting, seconds: float) -> None:
    """Raise at once, and by its own reason, what Ray would tell late or not at all."""
    form = RayAddress.parse(address.value).form
    if form is Form.HTTP:
        raise JobsOnlyError(
            "ray.init cannot connect to the Jobs API",
            **address.named,
            fix="use JobSubmissionClient(get_ray_dashboard_address()), or ray.seedcore.io/connect: client",
        )
    ray = session.import_ray()
    probe(os.environ, address, seconds)
    if form is Form.CLIENT:
        check_version(os.environ, address, str(ray.__version__), _VERSION_SECONDS)


def _open(address: Setting, namespace: str | None, arguments: Mapping[str, Any], deadline: Deadline) -> Any:
    if RayAddress.parse(address.value).form is Form.CLIENT:
        return session.open_client(address, namespace, arguments, deadline)
    return session.open_direct(address, namespace, arguments)
