"""Deadlines, calls that end when they are told to, whatever they wait for, and a lock that outlives a fork."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Deadline:
    """A moment by the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        """Set it `seconds` from now."""
        self._end = time.monotonic() + seconds

    def left(self, most: float = float("inf")) -> float:
        """The seconds that are left, at most `most` and never less than 0."""
        return max(0.0, min(most, self._end - time.monotonic(), threading.TIMEOUT_MAX))


class Call(Generic[T]):
    """A call on a daemon thread, which neither its caller nor the end of the process has to wait for."""

    def __init__(self, function: Callable[[], T], name: str) -> None:
        """Start `function`; the thread is called ``ray_config.<name>``."""
        self._outcome: list[T] = []
        self._error: list[BaseException] = []
        self._function = function
        self._thread = threading.Thread(target=self._run, name=f"ray_config.{name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._outcome.append(self._function())
        except BaseException as error:  # noqa: BLE001  raised again where the outcome is asked for
            self._error.append(error)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, at most for `seconds`."""
        self._thread.join(min(seconds, threading.TIMEOUT_MAX))

    def result(self, seconds: float) -> T:
        """What the function returned or raised.

        Raises:
            TimeoutError: it has not ended after `seconds`; it goes on.
        """
        self.wait(seconds)
        if self.is_running:
            raise TimeoutError
        if self._error:
            raise self._error[0]
        return self._outcome[0]


class Lock:
    """A lock that a forked child finds free, whichever thread of its parent held it."""

    def __init__(self) -> None:
        """Make it; there is one for each module that needs one, since a fork's hooks are never taken back."""
        self._renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._lock = threading.RLock()

    @contextmanager
    def held(self, seconds: float = threading.TIMEOUT_MAX) -> Iterator[None]:
        """Hold it within the block.

        Raises:
            TimeoutError: another thread holds it for longer than `seconds`.
        """
        lock = self._lock
        if not lock.acquire(timeout=seconds):
            raise TimeoutError
        try:
            yield
        finally:
            lock.release()
