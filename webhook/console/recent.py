"""The last decisions of this process, and how many there were by reason in each of the last minutes.

This is called for each admission, so it keeps references to what was made for the log line anyway, and the names of
variables. It keeps neither the decision nor a part of the pod, which may have 3 MB: a hostile one costs no more than a
few cut texts, and all of it together is bounded in bytes.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from time import time
from typing import Any, Final

import msgspec

from webhook.injection.codes import ReasonCode
from webhook.injection.decision import Decision, Deny, Inject
from webhook.injection.reasons import Code, DecisionWarning

MOST: Final = 500
"""Decisions."""
MOST_BYTES: Final = 2 * 1024 * 1024
"""Of all that is kept of them, roughly: a usual one takes about 1 KB."""
MINUTES: Final = 60
MAX_TEXT: Final = 1024
"""Characters of a message."""
MAX_NAME: Final = 253
MAX_CONTAINERS: Final = 20
MAX_WARNINGS: Final = 20
_OVERHEAD: Final = 1000
"""Bytes of a decision without texts: the fields of its log line."""
_POINTER: Final = 8


class Container(msgspec.Struct, frozen=True):
    """One container of a decision: its name, and the names of the variables that were written and removed."""

    name: str
    written: tuple[str, ...]
    removed: tuple[str, ...]


class Recorded(msgspec.Struct, frozen=True):
    """What is kept of a decision.

    Attributes:
        at: seconds since 1970.
        fields: those of the log line.
        message: of a denial.
        source: the level that gave the connection.
        containers: the first of those that were changed; `more` is how many there are beside them.
        warnings: the first ones.
    """

    at: float
    fields: Mapping[str, Any]
    code: Code
    message: str | None
    source: str | None
    role_source: str | None
    containers: tuple[Container, ...]
    more: int
    warnings: tuple[DecisionWarning, ...]

    @property
    def namespace(self) -> str:
        """The pod's."""
        return str(self.fields["namespace"])

    @property
    def name(self) -> str:
        """What the pod is called: by its owner, which people know, where it has one."""
        return str(self.fields.get("owner") or self.fields.get("name") or "")

    @property
    def role(self) -> str:
        """The role that holds; empty where none was found."""
        return str(self.fields["role"] or "")

    @property
    def codes(self) -> Sequence[ReasonCode]:
        """The primary code, and those of the warnings."""
        codes: Sequence[ReasonCode] = self.fields["codes"]
        return codes


class Recent:
    """See the module; written by one thread, read by any."""

    def __init__(self, *, clock: Callable[[], float] = time) -> None:
        """Have seen nothing."""
        self._clock = clock
        self._decisions: deque[tuple[Recorded, int]] = deque()
        self._bytes = 0
        self._minutes: deque[tuple[int, Counter[ReasonCode]]] = deque(maxlen=MINUTES)
        self._minute = -1

    def add(self, fields: Mapping[str, Any], decision: Decision) -> None:
        """Take note of a decision; `fields` are those of its log line, and nobody changes them any more."""
        now = self._clock()
        recorded = _recorded(now, fields, decision)
        weight = _weight(recorded)
        self._decisions.append((recorded, weight))
        self._bytes += weight
        while len(self._decisions) > MOST or self._bytes > MOST_BYTES:
            self._bytes -= self._decisions.popleft()[1]
        if int(now // 60) != self._minute:
            self._minute = int(now // 60)
            self._minutes.append((self._minute, Counter()))
        self._minutes[-1][1].update(fields["codes"])

    def decisions(self) -> list[Recorded]:
        """The last ones, the newest first."""
        return [recorded for recorded, _ in reversed(self._decisions.copy())]

    def minutes(self) -> list[tuple[float, Mapping[ReasonCode, int]]]:
        """For each of the last minutes, the present one last, when it began and how often each code was met in it."""
        latest = int(self._clock() // 60)
        found = {minute: counts.copy() for minute, counts in self._minutes.copy()}
        return [(minute * 60.0, found.get(minute, {})) for minute in range(latest - MINUTES + 1, latest + 1)]


def _recorded(now: float, fields: Mapping[str, Any], decision: Decision) -> Recorded:
    denial, other = (decision, None) if isinstance(decision, Deny) else (None, decision)
    treated = decision.treated if isinstance(decision, Inject) else ()
    return Recorded(
        now,
        fields,
        decision.code,
        denial.message[:MAX_TEXT] if denial else None,
        other.source if other else None,
        other.role_source if other else None,
        tuple(
            Container(
                item.selected.container.name[:MAX_NAME],
                tuple([wanted.name for wanted in item.edit.written]),
                tuple(item.edit.removed),
            )
            for item in islice(treated, MAX_CONTAINERS)
        ),
        max(len(treated) - MAX_CONTAINERS, 0),
        tuple(
            warning if len(warning.text) <= MAX_TEXT else DecisionWarning(warning.code, warning.text[:MAX_TEXT])
            for warning in decision.warnings[:MAX_WARNINGS]
        ),
    )


def _weight(recorded: Recorded) -> int:
    """About how many bytes a decision holds that no other shares."""
    weight = _OVERHEAD + len(recorded.message or "") + _POINTER * len(recorded.codes)
    for container in recorded.containers:
        weight += len(container.name) + _POINTER * (len(container.written) + len(container.removed))
    for warning in recorded.warnings:
        weight += len(warning.text)
    return weight
