"""The cluster-wide settings, and which of them were in force when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from tests.control_plane.cluster import ControlPlane
from tests.e2e import installation, workloads
from tests.e2e.expected import CLUSTER_WIDE

IN_FORCE_SECONDS: Final = 1.0
"""After which a change is in force, by the contract."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Change:
    begun: float
    done: float
    host: str


@dataclass(kw_only=True, slots=True)
class Settings:
    """Writes the settings and remembers it."""

    plane: ControlPlane
    clock: Callable[[], float] = monotonic
    _changes: list[_Change] = field(default_factory=list)

    def set_host(self, host: str) -> None:
        """From within a second on, clients get this RAY_HOST."""
        begun = self.clock()
        self._write(host)
        self._changes.append(_Change(begun=begun, done=self.clock(), host=host))

    def break_host(self) -> None:
        """Write what cannot be: what was in force stays so."""
        self._write("two words")

    def _write(self, host: str) -> None:
        self.plane.apply([workloads.settings(installation.NAMESPACE, **{**CLUSTER_WIDE, "RAY_HOST": host})])

    def in_force(self, begun: float, done: float) -> set[str]:
        """The hosts that a creation between these two moments may have met."""
        hosts = set()
        for change, following in zip(self._changes, [*self._changes[1:], None], strict=True):
            if change.begun <= done and (following is None or following.done + IN_FORCE_SECONDS >= begun):
                hosts.add(change.host)
        return hosts
