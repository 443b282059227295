"""What the parts of the server share: what is known, how it is used, and where it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from webhook.injection.decision import Decision
from webhook.injection.snapshot import Snapshot
from webhook.server.limits import BodyBudget
from webhook.server.logging import Log
from webhook.server.metrics import Metrics
from webhook.server.turns import Turns


class Mode(StrEnum):
    """Whether decisions take effect; in observe mode they are made, counted and logged only."""

    ENFORCE = "enforce"
    OBSERVE = "observe"


@dataclass(kw_only=True, slots=True)
class State:
    """The one mutable value of the process.

    Attributes:
        snapshot: what is known, replaced as a whole when it changes; None until it was read for the first time.
        trusted: whether those who call were seen to trust the certificate; False only until the first time.
        budget: the bytes of bodies that are being read.
        reading: admission requests whose body is being read.
        turns: of the event loop; what waits for one.
        vital: what the process cannot do without, by name: whether it is still at work.
        stopping: set when the process was told to end, so that no new work is sent to it.
        faults: what is broken and was not put into force, by what it is about: the message with its code.
        tell: makes of a decision what `decided` is to be told; once for all pods that are alike to the rules.
        decided: told of each decision, with the fields of its log line.
    """

    mode: Mode
    metrics: Metrics
    log: Log
    snapshot: Snapshot | None = None
    trusted: bool = True
    budget: BodyBudget = field(default_factory=BodyBudget)
    reading: int = 0
    turns: Turns = field(default_factory=Turns)
    vital: dict[str, Callable[[], bool]] = field(default_factory=dict)
    stopping: bool = False
    faults: dict[str, str] = field(default_factory=dict)
    tell: Callable[[Decision], object] = lambda _decision: None
    decided: Callable[[Mapping[str, object], Any], None] = lambda _fields, _told: None

    def __post_init__(self) -> None:
        """Let the metrics read what is known here instead of keeping it twice."""
        self.metrics.in_flight.set_function(lambda: self.in_flight)
        self.metrics.ready.set_function(lambda: self.is_ready)

    @property
    def in_flight(self) -> int:
        """Admission requests that have no answer yet."""
        return self.reading + len(self.turns)

    @property
    def is_ready(self) -> bool:
        """Whether admission requests can be decided."""
        return self.snapshot is not None and self.trusted and not self.stopping
