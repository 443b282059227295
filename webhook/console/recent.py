"""The last decisions of this process, and how many there were by reason in each of the last minutes.

This is called for each admission, so it keeps references to what was made for the log line anyway, and to what is made
of a decision once for all pods that are alike to the rules. It keeps neither the decision nor a part of the pod, which
may have 3 MB: a hostile one costs no more than a few cut texts, and all of it together is bounded in bytes.
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
_CODES: Final[Mapping[str, ReasonCode]] = {code.value: code for code in Code}


class Container(msgspec.Struct, frozen=True):
    """One container of a decision: its name, and the names of the variables that were written and removed."""

    name: str
    written: Sequence[str]
    removed: Sequence[str]


class Told(msgspec.Struct, frozen=True):
    """What is kept of a decision; pods that are alike to the rules share it.

    Attributes:
        message: of a denial.
        source: the level that gave the connection.
        containers: the first of those that were changed; `more` is how many there are beside them.
        warnings: the first ones.
        weight: about how many bytes that is.
    """

    code: Code
    message: str | None
    source: str | None
    role_source: str | None
    containers: Sequence[Container]
    more: int
    warnings: Sequence[DecisionWarning]
    weight: int = _OVERHEAD


class Recorded(msgspec.Struct, frozen=True):
    """A decision about one pod.

    Attributes:
        at: seconds since 1970.
        fields: those of the log line.
        told: what came of it.
    """

    at: float
    fields: Mapping[str, Any]
    told: Told

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
        return [_CODES[code] for code in self.fields["codes"]]


class Recent:
    """See the module; written by one thread, read by any."""

    def __init__(self, *, clock: Callable[[], float] = time) -> None:
        """Have seen nothing."""
        self._clock = clock
        self._decisions: deque[Recorded] = deque()
        self._bytes = 0
        self._minutes: deque[tuple[int, dict[str, int]]] = deque(maxlen=MINUTES)
        self._minute, self._counts = -1, dict[str, int]()

    def add(self, fields: Mapping[str, Any], told: Told) -> None:
        """Take note of a decision; `fields` are those of its log line, and nobody changes them any more."""
        now = self._clock()
        self._decisions.append(Recorded(now, fields, told))
        self._bytes += told.weight
        while len(self._decisions) > MOST or self._bytes > MOST_BYTES:
            self._bytes -= self._decisions.popleft().told.weight
        minute = int(now // 60)
        if minute != self._minute:
            self._minute, self._counts = minute, {}
            self._minutes.append((minute, self._counts))
        counts = self._counts
        for code in fields["codes"]:
            counts[code] = counts.get(code, 0) + 1

    def decisions(self) -> list[Recorded]:
        """The last ones, the newest first."""
        return list(reversed(self._decisions.copy()))

    def minutes(self) -> list[tuple[float, Mapping[ReasonCode, int]]]:
        """For each of the last minutes, the present one last, when it began and how often each code was met in it."""
        latest = int(self._clock() // 60)
        seen = self._minutes.copy()
        found: dict[int, Mapping[ReasonCode, int]] = {
            minute: {_CODES[code]: count for code, count in counts.copy().items()} for minute, counts in seen
        }
        return [(minute * 60.0, found.get(minute, {})) for minute in range(latest - MINUTES + 1, latest + 1)]


def tell(decision: Decision) -> Told:
    """What is kept of `decision`."""
    denial, other = (decision, None) if isinstance(decision, Deny) else (None, decision)
    treated = decision.treated if isinstance(decision, Inject) else ()
    told = Told(
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
            for item in treated[:MAX_CONTAINERS]
        ),
        max(len(treated) - MAX_CONTAINERS, 0),
        tuple(
            warning if len(warning.text) <= MAX_TEXT else DecisionWarning(warning.code, warning.text[:MAX_TEXT])
            for warning in decision.warnings[:MAX_WARNINGS]
        ),
    )
    return msgspec.structs.replace(told, weight=_weight(told, 1 + len(decision.warnings)))


def _weight(told: Told, codes: int) -> int:
    """About how many bytes a decision with so many codes holds that no other shares."""
    weight = _OVERHEAD + len(told.message or "") + _POINTER * codes
    for container in told.containers:
        weight += len(container.name) + _POINTER * (len(container.written) + len(container.removed))
    for warning in told.warnings:
        weight += len(warning.text)
    return weight
