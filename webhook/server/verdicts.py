"""Verdicts that are kept: a workload's pods are alike to the rules, so all but the first are answered from here.

What is kept belongs to one snapshot, and goes with it when anything that is known changes. It is found by all that a
decision depends on beside that (:mod:`webhook.injection.excerpt`), and bounded in bytes, whatever senders invent.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from webhook.injection.snapshot import Snapshot
from webhook.server.answers import Verdict

MAX_KEPT: Final = 2 * 1024 * 1024
"""Bytes: of some 500 workloads, each with some 4 KB."""
MAX_EACH: Final = 64 * 1024
"""Bytes: one that is larger is of a pod that nobody creates by the hundred, and would drive out many."""
OVERHEAD: Final = 1024
"""Bytes that an entry takes beside its excerpt and its answer: objects, and what the console is told."""

Key = tuple[str, bytes]
"""The pod's namespace, and its excerpt."""


class Verdicts:
    """The verdicts of one admission path, those that were asked for last."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._snapshot: Snapshot | None = None
        self._kept: OrderedDict[Key, Verdict] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def find(self, key: Key, snapshot: Snapshot) -> Verdict | None:
        """The verdict for `key` by what is known in `snapshot`, if it is kept."""
        if snapshot is not self._snapshot:
            self._kept.clear()
            self._snapshot, self.size = snapshot, 0
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: Key, verdict: Verdict) -> None:
        """Keep the verdict that was not found for `key`."""
        size = _size(key, verdict)
        if size > MAX_EACH:
            return
        self._kept[key] = verdict
        self.size += size
        while self.size > MAX_KEPT:
            self.size -= _size(*self._kept.popitem(last=False))


def _size(key: Key, verdict: Verdict) -> int:
    return OVERHEAD + len(key[1]) + len(verdict.ending)
