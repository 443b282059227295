"""The annotation by which ``uninject`` knows what ``inject`` did to a pod template.

It is one line of JSON: for each container the names that were written and the entries that stood there before, each
with its index; and, in the first template of a document, how its text was changed, to give it back byte by byte. That
part holds only while the text of the document is as ``inject`` left it, which a hash of it tells.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec

from webhook.manifests import rendering
from webhook.manifests.edits import Edit
from webhook.manifests.env_script import Script, Slot

HASH_LENGTH: Final = 16


class Undo(msgspec.Struct, frozen=True):
    """How a document's text becomes what it was: at an offset, so many characters become a text.

    The offsets count from the beginning of the document's root, in the text without this annotation's own value.
    """

    hash: str
    edits: list[tuple[Annotated[int, msgspec.Meta(ge=0)], Annotated[int, msgspec.Meta(ge=0)], str]]


class ContainerRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was done to a container's env: the names that were written, and what stood at which index before."""

    set: list[str]
    was: list[tuple[Annotated[int, msgspec.Meta(ge=0)], dict[str, Any]]] = []


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was done to a template, by the names of its containers."""

    env: dict[str, ContainerRecord]
    undo: Undo | None = None

    def text(self) -> str:
        """The annotation's value."""
        return json.dumps(msgspec.to_builtins(self), separators=(",", ":"))


def parse_record(text: object) -> Record | None:
    """The record in an annotation's value; None where it holds none."""
    try:
        return msgspec.json.decode(text, type=Record) if isinstance(text, str) else None
    except (msgspec.DecodeError, RecursionError):
        return None


def container_record(env: Sequence[Any], script: Script) -> ContainerRecord:
    """What `script` does to `env`."""
    kept = {slot.old for slot in script if slot.entry is None}
    names = [str(slot.entry["name"]) for slot in script if slot.entry is not None]
    return ContainerRecord(set=names, was=[(index, entry) for index, entry in enumerate(env) if index not in kept])


def restoration(env: Sequence[Any], record: ContainerRecord) -> Script:
    """The script that gives `env` back what it was: exactly, unless somebody changed it meanwhile."""
    ours = {name: index for index, entry in enumerate(env) if (name := name_of(entry)) in record.set}
    slots = [Slot(old=index) for index in range(len(env)) if index not in ours.values()]
    for index, entry in sorted(record.was, key=lambda pair: pair[0]):
        slots.insert(index, Slot(old=ours.get(name_of(entry) or ""), entry=entry))
    return _in_order(slots)


def _in_order(slots: Sequence[Slot]) -> Script:
    """The slots, where an entry of ours that does not stand in its order is written anew."""
    ordered: list[Slot] = []
    last = -1
    for at, slot in enumerate(slots):
        following = next((item.old for item in slots[at:] if item.entry is None and item.old is not None), None)
        if slot.old is not None and (slot.old <= last or (following is not None and following < slot.old)):
            ordered.append(Slot(entry=slot.entry))
            continue
        last = last if slot.old is None else slot.old
        ordered.append(slot)
    return tuple(ordered)


def name_of(entry: object) -> str | None:
    """An entry's name, if it has one."""
    name = entry.get("name") if isinstance(entry, Mapping) else None
    return name if isinstance(name, str) else None


def with_undo(
    text: str,
    edits: Sequence[Edit],
    last: Edit,
    record: Record,
    extent: tuple[int, int],
    write: Callable[[Record], str] = Record.text,
) -> tuple[list[Edit], Record]:
    """The edits of a document, and its record with how they are taken back.

    Args:
        last: the edit that writes the record as `write` gives it.
        extent: where the document begins and ends.
    """
    before, quote, after = _around(last, write(record))
    blank = Edit(last.start, last.end, before + after)
    record = Record(env=record.env, undo=undoing(text, [*edits, blank], start=extent[0], end=extent[1]))
    return [*edits, Edit(last.start, last.end, before + quote(write(record)) + after)], record


def _around(edit: Edit, record: str) -> tuple[str, Callable[[str], str], str]:
    """What is before the record in the edit that writes it, how it is quoted, and what is after it."""
    for quote in (rendering.quoted, rendering.single_quoted):
        before, found, after = edit.text.partition(quote(record))
        if found:
            return before, quote, after
    raise LookupError(record)


def undoing(before: str, edits: Sequence[Edit], *, start: int, end: int) -> Undo:
    """How `edits` of the document from `start` to before `end` are taken back."""
    parts: list[str] = []
    inverse: list[tuple[int, int, str]] = []
    done, length = start, 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        parts += [before[done : edit.start], edit.text]
        length += edit.start - done
        inverse.append((length, len(edit.text), before[edit.start : edit.end]))
        length += len(edit.text)
        done = edit.end
    return Undo(hash=text_hash("".join([*parts, before[done:end]])), edits=inverse)


def text_hash(text: str) -> str:
    """A short hash of a text: hexadecimal, of :data:`HASH_LENGTH` digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_LENGTH]
