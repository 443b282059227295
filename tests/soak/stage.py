"""What the faults act on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.control_plane.cluster import ControlPlane
from tests.soak.replicas import Replicas
from tests.soak.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A cluster with two replicas of the service.

    Attributes:
        folder: for files of the faults' own.
        seconds: how long a fault lasts that has no end of its own.
    """

    plane: ControlPlane
    replicas: Replicas
    settings: Settings
    folder: Path
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What is done to a stage, and what may come of it.

    Attributes:
        act: does it once, and returns when two replicas are ready again.
        refused_seconds: for how long the guard may refuse pods, from the first refusal to the last; 0 for never.
        interrupts: whether the API server itself cannot do what it is asked for a while.
    """

    name: str
    act: Callable[[Stage], None]
    refused_seconds: float = 0.0
    interrupts: bool = False

    def __str__(self) -> str:
        return self.name
