"""How often connecting works: log records always, Prometheus and OpenTelemetry where their libraries are installed.

Names are the same in both: attempts, successes, failures by reason, seconds, reconnects, and whether a session is open
by the last real call. Prometheus' go into its default registry, which applications serve anyway; OpenTelemetry's into
the meter ``ray_config`` of whatever provider the application has set.
"""

from __future__ import annotations

import functools
import importlib
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from ray_config.bounded import Lock
from ray_config.errors import RayConfigError

logger: Final = logging.getLogger("ray_config")

ATTEMPTS: Final = "ray_config_connect_attempts"
SUCCESSES: Final = "ray_config_connect_successes"
FAILURES: Final = "ray_config_connect_failures"
SECONDS: Final = "ray_config_connect_seconds"
RECONNECTS: Final = "ray_config_reconnects"
CONNECTED: Final = "ray_config_connected"

DESCRIPTIONS: Final = {
    ATTEMPTS: "Attempts to connect to Ray, retries included",
    SUCCESSES: "Attempts that opened a session",
    FAILURES: "Attempts that failed, by reason",
    SECONDS: "Seconds from an attempt's beginning to its open session",
    RECONNECTS: "Sessions that were opened because an earlier one had died",
    CONNECTED: "1 if the last real call to Ray was answered, else 0",
}

BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0)
"""Seconds: a direct driver takes 0.1, a Ray Client session 1.5 to 3 (measured); Ray gives up at 30."""


class _Instruments(Protocol):
    """One library's counters, by the names above."""

    def count(self, name: str, reason: str | None = None) -> None: ...

    def observe(self, seconds: float) -> None: ...

    def set_connected(self, *, connected: bool) -> None: ...


class _Prometheus:
    """Metrics in the default registry of prometheus_client."""

    def __init__(self, library: Any) -> None:
        self._counters = {
            name: library.Counter(name, DESCRIPTIONS[name], ("reason",) if name == FAILURES else ())
            for name in (ATTEMPTS, SUCCESSES, FAILURES, RECONNECTS)
        }
        self._seconds = library.Histogram(SECONDS, DESCRIPTIONS[SECONDS], buckets=BUCKETS)
        self._connected = library.Gauge(CONNECTED, DESCRIPTIONS[CONNECTED])

    def count(self, name: str, reason: str | None = None) -> None:
        counter = self._counters[name]
        (counter if reason is None else counter.labels(reason)).inc()

    def observe(self, seconds: float) -> None:
        self._seconds.observe(seconds)

    def set_connected(self, *, connected: bool) -> None:
        self._connected.set(int(connected))


class _OpenTelemetry:
    """Instruments of the OpenTelemetry API; without a provider they do nothing."""

    def __init__(self, library: Any) -> None:
        meter = library.get_meter("ray_config")
        self._counters = {
            name: meter.create_counter(name, description=DESCRIPTIONS[name])
            for name in (ATTEMPTS, SUCCESSES, FAILURES, RECONNECTS)
        }
        self._seconds = meter.create_histogram(SECONDS, unit="s", description=DESCRIPTIONS[SECONDS])
        self._connected = meter.create_gauge(CONNECTED, description=DESCRIPTIONS[CONNECTED])

    def count(self, name: str, reason: str | None = None) -> None:
        self._counters[name].add(1, {} if reason is None else {"reason": reason})

    def observe(self, seconds: float) -> None:
        self._seconds.record(seconds)

    def set_connected(self, *, connected: bool) -> None:
        self._connected.set(int(connected))


_LIBRARIES: Final[Mapping[str, Callable[[Any], _Instruments]]] = {
    "prometheus_client": _Prometheus,
    "opentelemetry.metrics": _OpenTelemetry,
}
_lock: Final = Lock()


@functools.cache
def _make() -> list[_Instruments]:
    found: list[_Instruments] = []
    for library, kind in _LIBRARIES.items():
        try:
            found.append(kind(importlib.import_module(library)))
        except ModuleNotFoundError:
            logger.debug("%s is not installed", library)
        except Exception as error:  # noqa: BLE001  whatever a library raises, a count is not worth a connection
            _go_without(library, error)
    return found


def _tell(tell: Callable[[_Instruments], None]) -> None:
    """Tell every library that is installed; their instruments are made once, by the first thread that counts."""
    with _lock.held():
        for instruments in tuple(_make()):
            try:
                tell(instruments)
            except Exception as error:  # noqa: BLE001  as above
                _go_without(type(instruments).__name__.lstrip("_"), error)
                _make().remove(instruments)


def _go_without(name: str, error: Exception) -> None:
    logger.warning("no metrics by %s: %s: %s", name, type(error).__name__, error)


def count_attempt() -> None:
    """Count that connecting begins."""
    _count(ATTEMPTS)


def count_failure(error: RayConfigError) -> None:
    """Count an attempt that failed, and log why."""
    _count(FAILURES, error.reason)
    logger.warning("no connection to Ray: %s", error, extra={"ray_reason": error.reason})


def count_success(address: str, namespace: str | None, seconds: float, *, reconnected: bool) -> None:
    """Count a session that was opened, and log to what."""
    _count(SUCCESSES)
    if reconnected:
        _count(RECONNECTS)
    _tell(lambda instruments: instruments.observe(seconds))
    set_connected(connected=True)
    again = "reconnected" if reconnected else "connected"
    logger.info("%s to Ray at %s, namespace %s, in %.1f s", again, address, namespace or "(random)", seconds)


def set_connected(*, connected: bool) -> None:
    """Note what the last real call said."""
    _tell(lambda instruments: instruments.set_connected(connected=connected))


def _count(name: str, reason: str | None = None) -> None:
    _tell(lambda instruments: instruments.count(name, reason))
