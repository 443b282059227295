"""What a check is, and what it says: values, so that whoever prints them decides how."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from webhook.injection.codes import ReasonCode

if TYPE_CHECKING:
    from webhook.cluster.checks.context import Context


class Group(StrEnum):
    """What belongs together; groups are run and shown in this order."""

    BEFORE = "before"
    CLUSTER = "cluster"
    CONFIGURATION = "configuration"
    CERTIFICATES = "certificates"
    REPLICAS = "replicas"
    SETTINGS = "settings"
    ADMISSION = "admission"
    POLICIES = "policies"
    RAY = "ray"
    NETWORK = "network"


class State(StrEnum):
    """How a check went."""

    PASSED = "passed"
    SKIPPED = "skipped"
    WARNED = "warned"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Passed:
    """All is right; `detail` says what was seen, where that is worth a word."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """It was not looked at, and why."""

    detail: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something works that may not be meant so.

    Attributes:
        hint: what mends it, a command where there is one.
    """

    code: ReasonCode
    detail: str
    hint: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Something does not work; the attributes are those of :class:`Warned`."""

    code: ReasonCode
    detail: str
    hint: str


Outcome = Passed | Skipped | Warned | Failed
_STATES: Final[dict[type[Outcome], State]] = {
    Passed: State.PASSED,
    Skipped: State.SKIPPED,
    Warned: State.WARNED,
    Failed: State.FAILED,
}
_WORST_FIRST: Final = (State.FAILED, State.WARNED, State.SKIPPED, State.PASSED)


def state_of(outcome: Outcome) -> State:
    """The state that an outcome is of."""
    return _STATES[type(outcome)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing to look at.

    Attributes:
        name: for scripts, unique and stable.
        title: for people: what is so where it passes.
        run: gives an outcome for each thing that there is to say; none means that all is right.
        needs: names of checks without which this one says nothing; those that did not run do not count.
    """

    group: Group
    name: str
    title: str
    run: Callable[[Context], Iterable[Outcome]]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a check said."""

    check: Check
    outcomes: tuple[Outcome, ...]

    @property
    def state(self) -> State:
        """The worst of all that was said."""
        states = {state_of(outcome) for outcome in self.outcomes}
        return next((state for state in _WORST_FIRST if state in states), State.PASSED)
