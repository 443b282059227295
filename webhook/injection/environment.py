"""The env rules of one container: how wanted variables meet the entries that are there.

Entries that are not named are never rebuilt or moved, so nothing in them can be lost. A change is written as JSON Patch
operations in an order in which each index is right when its turn comes: replacements, removals from the highest index
down, insertions from the lowest up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from webhook.injection.review import EnvVar
from webhook.injection.variables import Accepts, Entry, Wanted, is_blank, is_direct_address, literal

Operation = dict[str, Any]
"""One JSON Patch operation (RFC 6902): op, path and, but for remove, value."""

# Kubernetes' expansion (k8s.io/kubernetes/third_party/forked/golang/expansion): `$$` is an escaped dollar.
REFERENCES: Final = re.compile(r"\$(?:\$|\(([^)]*)\))")


@dataclass(frozen=True, kw_only=True, slots=True)
class Conflict:
    """A declared entry that differs, where the pod says ``deny``; ``value`` is None for a valueFrom."""

    name: str
    value: str | None
    wanted: Entry | None


class Edit(msgspec.Struct, kw_only=True):
    """What happens to one container's env.

    Attributes:
        operations: JSON Patch operations, in order.
        written: the wanted variables whose entry is added or replaces another.
        removed: names that are gone afterwards.
        conflicts: why the pod is refused; the operations do not count then.
        blank: names whose empty value counted as absent.
        after_referrer: names that stand after an entry that refers to them.
        dangling: removed names to which an entry still refers.
        added: names that were not declared before.
    """

    operations: list[Operation] = msgspec.field(default_factory=list)
    written: list[Wanted] = msgspec.field(default_factory=list)
    removed: list[str] = msgspec.field(default_factory=list)
    conflicts: list[Conflict] = msgspec.field(default_factory=list)
    blank: list[str] = msgspec.field(default_factory=list)
    after_referrer: list[str] = msgspec.field(default_factory=list)
    dangling: list[str] = msgspec.field(default_factory=list)
    added: list[str] = msgspec.field(default_factory=list)


def references(value: str) -> set[str]:
    """The names that `value` refers to as ``$(NAME)``; ``$$(NAME)`` is no reference.

    >>> sorted(references("$(A)/$$(B)/$(C)"))
    ['A', 'C']
    """
    return {match[1] for match in REFERENCES.finditer(value) if match[1] is not None}


def last_declared(env: Sequence[EnvVar] | None) -> dict[str, EnvVar]:
    """The entries by name; of duplicates the last, which is the one that counts."""
    return {entry.name: entry for entry in env or ()}


def edit(env: Sequence[EnvVar] | None, wanted: Sequence[Wanted], path: str) -> Edit:
    """Bring `env`, which stands at the JSON pointer `path`, to what is `wanted`."""
    return _Editor(env or (), wanted, path).run()


class _Editor:
    def __init__(self, env: Sequence[EnvVar], wanted: Sequence[Wanted], path: str) -> None:
        self.env = env
        self.wanted = wanted
        self.path = path
        self.positions, self.referrers = _scan(env, {item.name for item in wanted})
        self.replaced: dict[int, Entry] = {}
        self.removed: list[int] = []
        self.inserted: list[Wanted] = []
        self.edit = Edit()

    def run(self) -> Edit:
        if not self.positions and not self.referrers:
            self.inserted = [item for item in self.wanted if item.add is not None]
            self._write_operations()
            return self.edit
        placed = [item for item in self.wanted if self._is_ours(item)]
        if self.referrers:
            ours = {item.name for item in placed if self._settles(item)}
            self.referrers = [(at, names) for at, names in self.referrers if self.env[at].name not in ours]
        for item in placed:
            self._place(item)
        self._write_operations()
        return self.edit

    def _is_ours(self, item: Wanted) -> bool:
        """Whether the variable is put right; if not, its entries stay, or there is nothing to add."""
        at = self.positions.get(item.name)
        if at is None:
            return item.add is not None
        last = self.env[at[-1]]
        if is_blank(item, last):
            self.edit.blank.append(item.name)
            return True
        if is_right(item, last):
            return item.accepts is not Accepts.ANYTHING
        if item.denies:
            value = None if last.value_from is not None else last.value or ""
            self.edit.conflicts.append(Conflict(name=item.name, value=value, wanted=item.mend))
        return not item.keeps and not item.denies

    def _settles(self, item: Wanted) -> bool:
        """Whether none of the variable's entries keeps its old value, so that what they refer to does not matter."""
        at = self.positions.get(item.name)
        return not item.keeps and (item.tidy or at is None or not is_right(item, self.env[at[-1]]))

    def _place(self, item: Wanted) -> None:
        at = self.positions.get(item.name)
        if at is None:
            self.inserted.append(item)
            return
        last = self.env[at[-1]]
        right = not is_blank(item, last) and is_right(item, last)
        if not right and item.mend is None:
            self.removed += at
            self.edit.removed.append(item.name)
            return
        target = self._target(item, at, right=right)
        self._write(item, target, last if right else None)
        self._tell_late(item.name, target)

    def _target(self, item: Wanted, at: list[int], *, right: bool) -> int:
        """The index where the variable is to stand; the other duplicates are removed."""
        if len(at) == 1 or item.keeps or (right and not item.tidy):
            return at[-1]
        between = any(at[0] < index < at[-1] and item.name in names for index, names in self.referrers)
        target = at[0] if between else at[-1]
        self.removed += [index for index in at if index != target]
        return target

    def _write(self, item: Wanted, target: int, right: EnvVar | None) -> None:
        entry = item.mend if right is None else literal(item.name, right.value or "")
        if entry is not None and not _same(self.env[target], entry):
            self.replaced[target] = entry
            self.edit.written.append(item)

    def _tell_late(self, name: str, target: int) -> None:
        if any(index < target and name in names for index, names in self.referrers):
            self.edit.after_referrer.append(name)

    def _write_operations(self) -> None:
        edit, path = self.edit, self.path
        edit.dangling += [name for name in edit.removed if any(name in names for _, names in self.referrers)]
        edit.written += self.inserted
        edit.added += [item.name for item in self.inserted]
        if not self.env and self.inserted:
            edit.operations.append({"op": "add", "path": path, "value": [item.add for item in self.inserted]})
            return
        self.removed.sort(reverse=True)
        edit.operations += [
            {"op": "replace", "path": f"{path}/{index}", "value": entry} for index, entry in self.replaced.items()
        ]
        edit.operations += [{"op": "remove", "path": f"{path}/{index}"} for index in self.removed]
        self._write_insertions()

    def _write_insertions(self) -> None:
        """Before the first entry that refers to the variable, else at the end."""
        if not self.referrers:
            self.edit.operations += [
                {"op": "add", "path": f"{self.path}/-", "value": item.add} for item in self.inserted
            ]
            return
        end = len(self.env)
        firsts = [
            (next((index for index, names in self.referrers if item.name in names), end), item)
            for item in self.inserted
        ]
        firsts.sort(key=lambda pair: pair[0])
        for earlier, (first, item) in enumerate(firsts):
            index = first - sum(at < first for at in self.removed) + earlier
            self.edit.operations.append({"op": "add", "path": f"{self.path}/{index}", "value": item.add})


def _scan(env: Sequence[EnvVar], names: set[str]) -> tuple[dict[str, list[int]], list[tuple[int, set[str]]]]:
    """Where the entries called one of `names` stand, and which entries refer to one of them."""
    positions: dict[str, list[int]] = {}
    referrers: list[tuple[int, set[str]]] = []
    for index, entry in enumerate(env):
        if entry.name in names:
            positions.setdefault(entry.name, []).append(index)
        value = entry.value
        if value is not None and "$(" in value and (referred := references(value) & names):
            referrers.append((index, referred))
    return positions, referrers


def is_right(item: Wanted, entry: EnvVar) -> bool:
    """Whether the declared `entry` is right as it is."""
    if item.accepts is Accepts.ANYTHING:
        return True
    if item.accepts is Accepts.DIRECT_ADDRESS:
        return is_direct_address(entry)
    return item.mend is not None and _same(entry, item.mend)


def _same(entry: EnvVar, other: Mapping[str, object]) -> bool:
    return entry.value_from is None and "value" in other and (entry.value or "") == other["value"]
