"""What becomes of a container's env, entry by entry, as a script that is carried out on a value or on text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from webhook.injection.environment import Operation
from webhook.manifests import layout, rendering, yaml_edits
from webhook.manifests.composer import AliasNode, target
from webhook.manifests.edits import Edit
from webhook.manifests.source import step_to


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """A place in the new env: the entry that was at `old`, a new `entry`, or, with both, what `old` becomes."""

    old: int | None = None
    entry: Mapping[str, Any] | None = None


Script = tuple[Slot, ...]
"""The new env; the old entries in it stand in their order."""


def script_of(operations: Sequence[Operation], path: str, length: int, kept: int) -> Script:
    """The script of the JSON Patch `operations` on the env at the pointer `path`.

    Args:
        length: how many entries the env has that the operations are meant for.
        kept: how many of them, the first ones, the manifest has.
    """
    slots = [Slot(old=index) for index in range(length)]
    for operation in operations:
        if operation["path"] == path:
            slots = [Slot(entry=entry) for entry in operation["value"]]
        elif operation["path"].rpartition("/")[0] == path:
            _carry_out(slots, operation)
    return tuple(slot for slot in slots if slot.old is None or slot.old < kept)


def _carry_out(slots: list[Slot], operation: Operation) -> None:
    token = operation["path"].rpartition("/")[2]
    index = len(slots) if token == "-" else int(token)  # noqa: S105  a JSON pointer's last part
    if operation["op"] == "remove":
        del slots[index]
    elif operation["op"] == "replace":
        slots[index] = Slot(old=slots[index].old, entry=operation["value"])
    else:
        slots.insert(index, Slot(entry=operation["value"]))


def changed(script: Script, length: int) -> bool:
    """Whether the script does anything to an env of `length` entries."""
    return script != tuple(Slot(old=index) for index in range(length))


def result(env: Sequence[Any], script: Script) -> list[Any]:
    """The new env."""
    return [dict(slot.entry) if slot.entry is not None else env[slot.old or 0] for slot in script]


def edits(text: str, container: MappingNode, env: Sequence[Any], script: Script, *, write_out: bool) -> list[Edit]:
    """The edits of `text` that carry the script out on the container's `env`.

    Args:
        write_out: write an env that is an alias, or that comes by a merge, out where it is used, instead of changing
            it where it stands.
    """
    dash = yaml_edits.dash_indent(text, container)
    try:
        node = step_to(container, "env")
    except LookupError:
        return yaml_edits.insert_key(text, container, "env", result(env, script), dash=dash)
    is_own = any(value is node for _, value in container.value)
    if write_out and not is_own:
        return yaml_edits.insert_key(text, container, "env", result(env, script), dash=dash)
    sequence = target(node)
    is_kept = any(slot.old is not None for slot in script)
    if not isinstance(sequence, SequenceNode) or not is_kept or (write_out and isinstance(node, AliasNode)):
        return yaml_edits.replace_value(text, container, "env", result(env, script), dash=dash)
    change = partial(_entry_edits, text, sequence, env)
    return list(sequence_edits(text, sequence, script, change=change, item=lambda entry: entry))


def sequence_edits(
    text: str,
    sequence: SequenceNode,
    script: Script,
    *,
    change: Callable[[int, Mapping[str, Any]], Iterable[Edit]],
    item: Callable[[Mapping[str, Any]], Any],
) -> Iterator[Edit]:
    """The edits of a sequence where it stands.

    Args:
        change: the edits by which the item at an index becomes an entry.
        item: the value of an item for an entry.
    """
    length = len(sequence.value)
    gone = set(range(length)) - {slot.old for slot in script}
    if gone:
        yield from yaml_edits.remove_items(text, sequence, gone)
    added: list[Any] = []
    for slot in (*script, Slot(old=length)):
        if slot.old is None:
            added.append(item(slot.entry or {}))
            continue
        if added:
            yield from yaml_edits.insert_items(text, sequence, slot.old, added)
            added = []
        if slot.entry is not None:
            yield from change(slot.old, slot.entry)


def _entry_edits(
    text: str, sequence: SequenceNode, env: Sequence[Any], index: int, after: Mapping[str, Any]
) -> Iterator[Edit]:
    """One entry becomes another: only what differs of it, if both are of the usual shape, else all of it."""
    node, before = sequence.value[index], env[index]
    is_usual = isinstance(node, MappingNode) and _is_usual(node) and isinstance(before, dict)
    if not is_usual:
        start = layout.start_of(node)
        yield Edit(start, layout.end_of(text, node), rendering.flow(after, as_json=yaml_edits.is_json(text, sequence)))
        return
    for key in after:
        if key not in before:
            yield from yaml_edits.insert_key(text, node, key, after[key])
        elif after[key] != before[key]:
            yield _value_edit(text, node, key, after[key])
    for key in before:
        if key not in after:
            yield from yaml_edits.remove_key(text, node, key)


def _is_usual(node: MappingNode) -> bool:
    """A name, and a value or a valueFrom, all written here."""
    keys = {key.value for key, _ in node.value if isinstance(key, ScalarNode)}
    return len(node.value) <= len({"name", "value"}) and "name" in keys and keys <= {"name", "value", "valueFrom"}


def _value_edit(text: str, node: MappingNode, key: str, value: Any) -> Edit:
    found: Node = step_to(node, key)
    if isinstance(value, str) and isinstance(found, (ScalarNode, AliasNode)):
        return yaml_edits.replace_scalar(text, found, value, in_flow=bool(node.flow_style))
    (edit,) = yaml_edits.replace_value(text, node, key, value)
    return edit
