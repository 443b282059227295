"""Prometheus metrics of one process; codes are those of :mod:`webhook.injection.reasons` and :mod:`webhook.errors`.

Counters of few codes are shown from the start, at 0: of a series that begins at 1 no rate shows the first event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest

from webhook import __version__
from webhook.errors import RequestError, all_errors
from webhook.injection.reasons import Code
from webhook.server.answers import Verdict

OPERATIONS: Final = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})
"""What the API server may say; anything else is counted as ``OTHER``, so that no sender can make new series."""

HANDSHAKE_FAILURES: Final = ("client_certificate", "tls", "time_out", "disconnected")
"""Shown from the start: of a series that begins at 1 nobody can tell that it has risen."""

BUCKETS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 3.0)
"""Seconds, from 100 µs to the API server's own time-out."""


class Metrics:
    """All metrics, each at its name; label children are cached, which makes counting three times cheaper."""

    def __init__(self, mode: str) -> None:
        """Register everything in a registry of its own; `mode` is shown as a label of the build info."""
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.decisions = Counter(
            "ray_webhook_decisions", "Decisions, by primary code", ("code", "role", "operation"), registry=registry
        )
        self.warnings = Counter("ray_webhook_warnings", "Warnings of decisions", ("code",), registry=registry)
        self.faults = Counter("ray_webhook_faults", "The webhook's own faults", ("code",), registry=registry)
        self.refused = Counter(
            "ray_webhook_refused_requests",
            "HTTP requests that were answered with an error",
            ("code",),
            registry=registry,
        )
        self.duration = Histogram(
            "ray_webhook_admission_duration_seconds",
            "Time from the whole body read to the answer ready",
            buckets=BUCKETS,
            registry=registry,
        )
        self.ready = Gauge(
            "ray_webhook_ready", "1 if admission requests can be decided, as /readyz tells it", registry=registry
        )
        self.in_flight = Gauge(
            "ray_webhook_in_flight_requests",
            "Admission requests whose body is being read, or which wait to be decided",
            registry=registry,
        )
        self.connections = Gauge(
            "ray_webhook_open_connections", "Open connections, in handshake too", ("port",), registry=registry
        )
        self.evicted_connections = Counter(
            "ray_webhook_evicted_connections",
            "Connections that were closed to make room for newer ones",
            ("port",),
            registry=registry,
        )
        self.failed_handshakes = Counter(
            "ray_webhook_failed_handshakes", "TLS handshakes that failed, by why", ("reason",), registry=registry
        )
        for reason in HANDSHAKE_FAILURES:
            self.failed_handshakes.labels(reason)
        self.settings_good = Gauge(
            "ray_webhook_settings_good",
            "1 if the settings are in force as written, 0 if older ones are",
            registry=registry,
        )
        self.settings_loaded = Gauge(
            "ray_webhook_settings_loaded_timestamp_seconds", "When the settings in force were read", registry=registry
        )
        self.certificate_good = Gauge(
            "ray_webhook_certificate_good",
            "1 if the newest certificate is served, 0 if it is broken",
            registry=registry,
        )
        self.certificate_expiry = Gauge(
            "ray_webhook_certificate_expiry_timestamp_seconds", "When the served certificate expires", registry=registry
        )
        self.log_lines_lost = Counter(
            "ray_webhook_log_lines_lost", "Log lines that could not be written", registry=registry
        )
        Info("ray_webhook_build", "Version and mode", registry=registry).info({"version": __version__, "mode": mode})
        _show_from_start(self.warnings, (code for code in Code if code.startswith("RAY4")))
        _show_from_start(self.faults, (code for code in Code if code.startswith("RAY5")))
        _show_from_start(self.refused, (error.code for error in all_errors(RequestError)))
        self._decided: dict[tuple[str, str | None, str], Callable[[], None]] = {}
        self._warned: dict[str, Callable[[], None]] = {}

    def count_decision(self, verdict: Verdict, operation: str) -> None:
        """Count the decision and its warnings."""
        known = operation if operation in OPERATIONS else "OTHER"
        key = (verdict.code, verdict.role, known)
        count = self._decided.get(key)
        if count is None:
            count = self._decided[key] = self.decisions.labels(verdict.code, verdict.role or "unset", known).inc
        count()
        for code in verdict.warnings:
            self._count_warning(code)

    def _count_warning(self, code: str) -> None:
        count = self._warned.get(code)
        if count is None:
            count = self._warned[code] = self.warnings.labels(code).inc
        count()

    def render(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self.registry)


def _show_from_start(counter: Counter, codes: Iterable[str]) -> None:
    for code in codes:
        counter.labels(str(code))
