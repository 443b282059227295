"""Stands in for Ray where none is installed: what its connecting does to a process, as measured with ray 2.60.

FAKE_RAY says what each call of ``init`` does, in order: ``ok``, ``hang``, or an error's name and text.
"""

from __future__ import annotations

import builtins
import logging
import os
import signal
import threading
from typing import Any

from ray._private import worker
from ray.util.client import _context

__version__ = "2.60.0"

calls: list[dict[str, Any]] = []
_plan = os.environ.get("FAKE_RAY", "ok").split(";")
_state: dict[str, Any] = {"open": False, "dead": False, "namespace": None}
_released = threading.Event()


class _Session:
    """What Ray keeps for each session."""


def init(address: str | None = None, **arguments: Any) -> str:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: None)
    else:
        logging.getLogger("ray._private.worker").warning("SIGTERM handler is not set because of another thread.")
    calls.append({"address": address, "RAY_ADDRESS": os.environ.get("RAY_ADDRESS"), **arguments})
    if _context.client_worker is not None:
        raise RuntimeError("ray.init() called, but ray client is already connected")
    what = _plan.pop(0) if len(_plan) > 1 else _plan[0]
    if what == "hang":
        _released.wait()
        raise ConnectionError("closed")
    if what != "ok":
        name, _, text = what.partition(":")
        raise getattr(builtins, name)(text)
    if arguments.get("allow_multiple"):
        return "a context"
    _state.update(open=True, dead=False, namespace=arguments.get("namespace") or "random")
    if str(address).startswith("ray://"):
        _context.client_worker = _Session()
    else:
        worker._global_node = _Session()
    return "a context"


def die(*, given_up: bool = False) -> None:
    """The head goes away: Ray's own answer is then an error, and once it has given up that nothing is open."""
    _state.update(open=not given_up, dead=not given_up)


def is_initialized() -> bool:
    if _state["dead"] and _context.client_worker is not None:
        raise ValueError("Cannot invoke RPC on closed channel!")
    return bool(_state["open"])


def cluster_resources() -> dict[str, float]:
    if os.environ.get("FAKE_RAY_STALLS"):
        _released.wait()
    return {"CPU": 1.0}


def shutdown() -> None:
    if not os.environ.get("FAKE_RAY_NEVER_ENDS"):
        _released.set()
    _state.update(open=False, dead=False)
    _context.client_worker = worker._global_node = None


def get_runtime_context() -> Any:
    """Opens a session where there is none, as many of Ray's functions do."""
    from ray import runtime_context

    if not _state["open"]:
        init()
    return runtime_context.get_runtime_context()
