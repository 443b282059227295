"""A cluster as a certificate sees it, on a clock of its own: replicas, leaders, and API servers that heed changes late.

Whoever acts sees the state of now, or, where a test says so, an older one; a write of what was not looked at is refused
as the API server does. After every tick each API server's view is held against what each replica serves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.certificates.support import NOW
from webhook.certificates.authority import KeyPair
from webhook.certificates.content import Content, checked, fingerprint, issuer_of, split
from webhook.certificates.rotation import SETTLE_SECONDS, Report, Situation, Trust, Wait, Write, next_step, next_trust
from webhook.cluster.replica import Replica

NAMES = ("ray-webhook.ray-webhook-system.svc",)
LAGS = (0.0, 4.0, SETTLE_SECONDS - 1.5)
"""Seconds after which the API servers heed a change of the configuration."""


@dataclass
class Seen:
    """The objects at one moment."""

    secret: Content | None = None
    is_broken: bool = False
    version: int = 0
    bundles: dict[str, bytes] = field(default_factory=dict)
    bundles_version: int = 0
    asked: bool = False


@dataclass
class Process:
    """One replica, which leads where it is told to."""

    world: World
    name: str
    offset: timedelta = timedelta()
    is_hung: bool = False
    known: Content | None = None
    certificate: bytes = b""
    since: tuple[int, float] = (-1, 0.0)

    def __post_init__(self) -> None:
        self.replica = Replica(self._serve, now=self._now, clock=lambda: self.world.time)

    def _now(self) -> datetime:
        return NOW + timedelta(seconds=self.world.time) + self.offset

    def _serve(self, pair: KeyPair) -> bool:
        self.certificate = pair.certificate
        return True

    def look(self, seen: Seen) -> None:
        """Serve and report."""
        if self.is_hung:
            return
        self._note(seen)
        self.replica.look(seen.secret, seen.bundles)
        self.world.reports[self.name] = (self.replica.report(seen.secret), self.world.time)

    def lead(self, seen: Seen) -> bool:
        """Take one step; returns whether anything was written."""
        self._note(seen)
        situation = self._situation(seen)
        step = next_trust(situation) or next_step(situation, names=NAMES, now=self._now())
        return not isinstance(step, Wait) and self.world.write(step, seen)

    def _note(self, seen: Seen) -> None:
        self.known = seen.secret or self.known
        if self.since[0] != seen.version:
            self.since = (seen.version, self.world.time)

    def _situation(self, seen: Seen) -> Situation:
        world = self.world
        reports = {name: replace(report, silent=world.time - at) for name, (report, at) in world.reports.items()}
        return Situation(
            stored=seen.secret,
            is_broken=seen.is_broken,
            known=self.known,
            bundles=seen.bundles,
            reports=reports,
            steady=world.time - self.since[1],
            asked=seen.asked,
        )


class World:
    """Everything; `history` has the state after each change, with its time."""

    def __init__(self, *, entries: int = 2) -> None:
        self.time = 0.0
        self.now = Seen(bundles={f"entry-{number}": b"" for number in range(entries)})
        self.history: list[tuple[float, Seen]] = [(0.0, self.now)]
        self.processes: list[Process] = []
        self.reports: dict[str, tuple[Report, float]] = {}
        self.written: list[str] = []
        self.is_watched = False

    def process(self, name: str, *, hours_off: int = 0) -> Process:
        made = Process(world=self, name=name, offset=timedelta(hours=hours_off))
        self.processes.append(made)
        return made

    def change(self, **fields: object) -> None:
        """Somebody changes an object by hand."""
        secret = {"secret", "is_broken", "asked"} & set(fields)
        self.now = replace(
            self.now,
            version=self.now.version + bool(secret),
            bundles_version=self.now.bundles_version + ("bundles" in fields),
            **fields,  # type: ignore[arg-type]
        )
        self.history.append((self.time, self.now))

    def write(self, step: Write | Trust, seen: Seen) -> bool:
        """Do what a leader wants, unless the object is another than the one it has seen."""
        if isinstance(step, Write):
            if seen.version != self.now.version:
                return False
            checked(step.content)
            self.written.append(step.reason)
            asked = self.now.asked and step.reason not in ("introduced", "issued")
            self.change(secret=step.content, is_broken=False, asked=asked)
        else:
            if seen.bundles_version != self.now.bundles_version:
                return False
            self.written.append("trust")
            self.change(bundles=dict.fromkeys(self.now.bundles, step.bundle))
        return True

    def past(self, seconds: float) -> Seen:
        """What was there so long ago."""
        return next(seen for at, seen in reversed(self.history) if at <= max(self.time - seconds, 0.0))

    def missed(self) -> list[str]:
        """Calls that would fail now: of each API server, to each replica that serves anything."""
        return [
            f"{process.name} at {self.time} with a lag of {lag}"
            for process in self.processes
            if process.certificate
            for lag in LAGS
            for bundle in self.past(lag).bundles.values()
            if not issuer_of(process.certificate, split(bundle))
        ]

    def run(self, seconds: float, *leaders: Process, until: Callable[[], bool] = lambda: False) -> None:
        """Let all look, and `leaders` act in their turn, once a second; nobody may be missed while it is watched."""
        end = self.time + seconds
        while self.time < end and not until():
            self.time += 1.0
            for process in self.processes:
                process.look(self.now)
            seen = self.now
            for leader in leaders:
                leader.lead(seen)
            if self.is_watched:
                assert not self.missed()

    @property
    def is_settled(self) -> bool:
        """Whether one authority is trusted everywhere, and all serve what it issued."""
        content = self.now.secret
        if content is None or content.older or set(self.now.bundles.values()) - {content.bundle}:
            return False
        return {process.certificate for process in self.processes} == {content.serving.certificate}

    def authority(self) -> str:
        assert self.now.secret
        return fingerprint(self.now.secret.authority.certificate)


def settled_world(*, hours_off: int = 0, entries: int = 2) -> tuple[World, Process, Process]:
    """Two replicas after the first issue; from here on it is watched."""
    world = World(entries=entries)
    first, second = world.process("first"), world.process("second", hours_off=hours_off)
    world.run(60, first, until=lambda: world.is_settled)
    world.run(SETTLE_SECONDS + 2, first)
    assert world.is_settled
    world.is_watched = True
    world.written.clear()
    return world, first, second
