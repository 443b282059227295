"""Connect to Ray, stay connected, and say why not; what the package's functions of these names do.

Everything here is safe from several threads: one makes an attempt, the others wait for what becomes of it.
"""

from __future__ import annotations

import os
import random
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ray_config import metrics, session, variables
from ray_config.address import Form, RayAddress
from ray_config.bounded import Deadline, Lock
from ray_config.dashboard import check_version
from ray_config.errors import (
    BadValueError,
    DeadlineError,
    JobsOnlyError,
    RayConfigError,
    RejectedError,
    SessionDiffersError,
    quote,
)
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
    """What this process knows of its session; written under the lock.

    Attributes:
        wanted: what the session that was opened here last was opened with; before there is one, what was asked last.
        opened: the session that was opened here last, as `session.identity` tells sessions apart.
        address: where to.
        failure: the last attempt that failed: when, what it was to open, and why it could not.
    """

    wanted: Wanted
    opened: weakref.ref[object] | None = None
    address: str | None = None
    failure: tuple[float, Wanted, RayConfigError] | None = None


_PLAIN: Final = Wanted(arguments={})
_state: Final = _State(wanted=_PLAIN)
_lock: Final = Lock()


def last_wanted() -> Wanted:
    """What the last session was opened with, or what was asked for last, or nothing in particular."""
    return _state.wanted


def last_address() -> str | None:
    """The address of the open session, where it was opened here."""
    found = session.identity()
    return _state.address if found is not None and _state.opened is not None and _state.opened() is found else None


def is_connected(seconds: float) -> bool:
    """Whether the session answers a real call within `seconds`."""
    connected = session.is_alive(seconds)
    metrics.set_connected(connected=connected)
    return connected


def connect(wanted: Wanted, *, timeout: float, retry: float, stop: threading.Event | None = None) -> Session:
    """The session that is open, alive and as `wanted`, or a new one.

    Args:
        wanted: what the application asks for.
        timeout: seconds for everything.
        retry: seconds for which failures that may pass are tried again.
        stop: set where nobody waits any more, so that no more attempts are made.

    Raises:
        RayConfigError: why there is none.
    """
    _refuse_multiple(wanted)
    deadline, again = Deadline(_seconds("timeout", timeout)), Deadline(_seconds("retry", retry))
    stop = stop or threading.Event()
    pauses = iter(_PAUSES)
    while True:
        began = time.monotonic()
        try:
            return _turn(wanted, deadline)
        except RayConfigError as error:
            took = time.monotonic() - began
            pause = next(pauses, _PAUSES[-1])
            # An attempt that has less time than the last one took would end too early to say why it fails.
            if not error.transient or again.left() <= pause or deadline.left() <= pause + took:
                raise
            if stop.wait(pause * random.uniform(0.5, 1)):  # noqa: S311  it spreads load and keeps no secret
                raise


def _seconds(name: str, value: object) -> float:
    if isinstance(value, (int, float)) and value >= 0:
        return value
    raise BadValueError(
        "it is no time", variable=f"argument {name}", value=str(value), allowed="seconds, 0 or more", fix="give seconds"
    )


def _refuse_multiple(wanted: Wanted) -> None:
    if wanted.arguments.get("allow_multiple"):
        raise RejectedError(
            "a session among several cannot be looked after",
            variable="argument allow_multiple",
            value="True",
            allowed="False",
            fix="leave it out, or call ray.init itself",
        )


def _turn(wanted: Wanted, deadline: Deadline) -> Session:
    """One attempt, or what became of another thread's that ended while this one waited; none holds up the rest."""
    began = time.monotonic()
    try:
        with _lock.held(deadline.left()):
            if _state.failure is not None and _state.failure[0] > began and _state.failure[1] == wanted:
                raise _state.failure[2]
            return _answering(wanted, deadline.left(SECONDS)) or _attempt(wanted, deadline)
    except TimeoutError:
        raise DeadlineError("another thread is still connecting", fix="give more time (timeout)") from None


def _answering(wanted: Wanted, seconds: float) -> Session | None:
    """The session that is open, if it answers within `seconds`.

    Raises:
        SessionDiffersError: it does, but is not what is asked for by argument. (RAY_NAMESPACE is no such argument: a
            task's session has its job's namespace.)
    """
    if not session.is_open() or not (session.is_worker_process() or session.is_alive(seconds)):
        return None
    namespace, address = session.namespace_of_session(max(seconds, _LEAST)), last_address()
    asked = find_namespace({}, wanted.namespace)
    if asked is not None and asked.value != namespace:
        raise _differs("namespace", asked.value, namespace)
    # A task's session is its raylet's, which is what "auto" says.
    here = "auto" if session.is_worker_process() else address
    if (text := (wanted.address or "").strip()) and text != here:
        raise _differs("address", text, here or "unknown, for ray.init was called elsewhere")
    return Session(address=address, namespace=namespace, reused=True)


def _differs(argument: str, asked: str, found: str) -> SessionDiffersError:
    return SessionDiffersError(
        f"this process is connected already, with {argument} {found}",
        variable=f"argument {argument}",
        value=asked,
        fix="leave the argument out, or call ray.shutdown() first",
    )


def _attempt(wanted: Wanted, deadline: Deadline) -> Session:
    if _state.opened is None:
        _state.wanted = wanted
    metrics.count_attempt()
    try:
        opened = _replaced_or_opened(_state.wanted if wanted == _PLAIN else wanted, deadline)
    except RayConfigError as error:
        metrics.count_failure(error)
        _state.failure = time.monotonic(), wanted, error
        raise
    _state.failure = None
    return opened


def _replaced_or_opened(wanted: Wanted, deadline: Deadline) -> Session:
    started = time.monotonic()
    address = find_address(os.environ, wanted.address)
    found = find_namespace(os.environ, wanted.namespace)
    namespace = found.value if found else None
    _clean_environment(address)
    _prove(address, max(deadline.left(SECONDS), _LEAST))
    died = session.is_open()
    if died:
        # Ray answers, so a session that does not may be slow rather than dead.
        if (slow := _answering(wanted, deadline.left(_STALL_SECONDS))) is not None:
            return slow
        session.close(deadline)
    context = session.open_session(address, namespace, wanted.arguments, deadline)
    _state.wanted, _state.address, _state.opened = wanted, address.value, _reference(session.identity())
    actual = session.namespace_of_session(max(deadline.left(), _LEAST))
    metrics.count_success(address.value, namespace, time.monotonic() - started, reconnected=died)
    return Session(address=address.value, namespace=actual, reused=False, context=context)


def _reference(found: object | None) -> weakref.ref[object] | None:
    return None if found is None else weakref.ref(found)


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
