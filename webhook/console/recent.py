"""The last decisions of this process, and how many there were by reason in each of the last minutes.

This is called for each admission, so it keeps references to what was made for the log line anyway, and the names of
variables. It keeps neither the decision nor a part of the pod, which may have 3 MB: a hostile one costs no more than a
few cut texts, and all of it together is bounded in bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
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
    written: Sequence[str]
    removed: Sequence[str]


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
    containers: Sequence[Container]
    more: int
    warnings: Sequence[DecisionWarning]

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
        self._minutes: deque[tuple[int, dict[ReasonCode, int]]] = deque(maxlen=MINUTES)
        self._minute, self._counts = -1, dict[ReasonCode, int]()

    def add(self, fields: Mapping[str, Any], decision: Decision) -> None:
        """Take note of a decision; `fields` are those of its log line, and nobody changes them any more."""
        now = self._clock()
        recorded, weight = _recorded(now, fields, decision)
        self._decisions.append((recorded, weight))
        self._bytes += weight
        while len(self._decisions) > MOST or self._bytes > MOST_BYTES:
            self._bytes -= self._decisions.popleft()[1]
        minute = int(now // 60)
        if minute != self._minute:
            self._minute, self._counts = minute, {}
            self._minutes.append((minute, self._counts))
        counts = self._counts
        for code in fields["codes"]:
            counts[code] = counts.get(code, 0) + 1

    def decisions(self) -> list[Recorded]:
        """The last ones, the newest first."""
        return [recorded for recorded, _ in reversed(self._decisions.copy())]

    def minutes(self) -> list[tuple[float, Mapping[ReasonCode, int]]]:
        """For each of the last minutes, the present one last, when it began and how often each code was met in it."""
        latest = int(self._clock() // 60)
        found = {minute: counts.copy() for minute, counts in self._minutes.copy()}
        return [(minute * 60.0, found.get(minute, {})) for minute in range(latest - MINUTES + 1, latest + 1)]


def _recorded(now: float, fields: Mapping[str, Any], decision: Decision) -> tuple[Recorded, int]:
    """What is kept, and about how many bytes it holds that no other shares."""
    warnings, heavy = _warnings(decision.warnings) if decision.warnings else ((), 0)
    weight = _OVERHEAD + heavy
    if isinstance(decision, Deny):
        message = decision.message[:MAX_TEXT]
        recorded = Recorded(now, fields, decision.code, message, None, None, (), 0, warnings)
        return recorded, weight + len(message)
    treated = decision.treated if isinstance(decision, Inject) else ()
    containers = []
    for item in treated[:MAX_CONTAINERS]:
        edit, name = item.edit, item.selected.container.name[:MAX_NAME]
        containers.append(Container(name, [wanted.name for wanted in edit.written], edit.removed))
        weight += len(name) + _POINTER * (len(edit.written) + len(edit.removed))
    more = max(len(treated) - MAX_CONTAINERS, 0)
    source, role_source = decision.source, decision.role_source
    return Recorded(now, fields, decision.code, None, source, role_source, containers, more, warnings), weight


def _warnings(warnings: Sequence[DecisionWarning]) -> tuple[Sequence[DecisionWarning], int]:
    """The first ones, cut, and their weight with that of all their codes, which the log line names."""
    kept = [
        warning if len(warning.text) <= MAX_TEXT else DecisionWarning(warning.code, warning.text[:MAX_TEXT])
        for warning in warnings[:MAX_WARNINGS]
    ]
    return kept, sum(len(warning.text) for warning in kept) + _POINTER * len(warnings)
