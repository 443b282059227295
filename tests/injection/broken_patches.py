"""Ways to break a list of JSON Patch operations, so that it may apply no more or write a value of a wrong type."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from tests.injection.case import JsonDict


def mutate(operations: list[JsonDict], where: int, how: int) -> None:
    """Break `operations`, which are not empty, in place; the numbers pick the way and the place."""
    _MUTATIONS[how % len(_MUTATIONS)](operations, where, how // len(_MUTATIONS))


_WRONG_VALUES: Sequence[Any] = (
    *(None, 5, "text", [], {}, [{"name": "A", "value": 1}], {"name": "A"}, {"value": "x"}, {"name": 1, "value": "x"}),
    *({"name": "A", "value": "x", "valueFrom": {}}, {"name": "A", "valueFrom": "x"}, {"a": 1}, [None], {"a": None}),
)
_WRONG_PARTS = ("-", "01", "\u0663", "99", "0", "1", "-1", "", "~", "1e0", "+1", "containers", "env", "annotations")


def _mutate_value(operations: list[JsonDict], where: int, how: int) -> None:
    operations[where % len(operations)]["value"] = _WRONG_VALUES[how % len(_WRONG_VALUES)]


def _mutate_kind(operations: list[JsonDict], where: int, how: int) -> None:
    operation = operations[where % len(operations)]
    operation["op"] = ("add", "replace", "remove")[how % 3]
    operation.setdefault("value", {"name": "A", "value": "x"})


def _mutate_path(operations: list[JsonDict], where: int, how: int) -> None:
    operation = operations[where % len(operations)]
    parts = operation["path"].split("/")
    parts[-1 - how % (len(parts) - 1)] = _WRONG_PARTS[where % len(_WRONG_PARTS)]
    operation["path"] = "/".join(parts)


def _lengthen_path(operations: list[JsonDict], where: int, how: int) -> None:
    operations[where % len(operations)]["path"] += ("/0", "/name", "/-", "/", "~2")[how % 5]


def _add_entry(operations: list[JsonDict], where: int, how: int) -> None:
    place = ("containers/0", "containers/1", "initContainers/0", "ephemeralContainers/0")[how % 4]
    last = ("-", "0", "1", "2", "9")[where % 5]
    entry = {"op": "add", "path": f"/spec/{place}/env/{last}", "value": {"name": "A", "value": "x"}}
    operations.insert(where % (len(operations) + 1), entry)


def _drop(operations: list[JsonDict], where: int, how: int) -> None:
    if len(operations) > 1:
        del operations[where % len(operations)]


def _double(operations: list[JsonDict], where: int, how: int) -> None:
    operations.insert(how % len(operations), copy.deepcopy(operations[where % len(operations)]))


def _swap(operations: list[JsonDict], where: int, how: int) -> None:
    first, second = where % len(operations), how % len(operations)
    operations[first], operations[second] = operations[second], operations[first]


_MUTATIONS: Sequence[Callable[[list[JsonDict], int, int], None]] = (
    *(_mutate_value, _mutate_kind, _mutate_path, _mutate_path, _lengthen_path, _drop, _double, _swap),
    *(_add_entry, _add_entry),
)
