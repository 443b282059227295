"""What ``inject`` recorded in a Compose file is taken back: byte by byte where nobody changed it, else by parts."""

from __future__ import annotations

from collections.abc import Mapping

from webhook import contract
from webhook.errors import InputError
from webhook.manifests import layout
from webhook.manifests.compose.file import ComposeFile, ShapeError
from webhook.manifests.compose.rewrite import Rewritten, differing, extent, rewrite
from webhook.manifests.compose.service import Service
from webhook.manifests.edits import Edit, OverlapError, apply
from webhook.manifests.env_script import Script
from webhook.manifests.records import Record, Undo, restoration, text_hash
from webhook.manifests.source import node_at


def restored(file: ComposeFile) -> Rewritten:
    """The text without what ``inject`` recorded."""
    record = file.record
    if record is None:
        return Rewritten(text=file.text)
    changes = _by_parts(file, record)
    text = _undone(file, record.undo) if record.undo else None
    if text is not None and _is_restored(file, changes, text):
        return Rewritten(text=text)
    return rewrite(file, changes, {})


def _by_parts(file: ComposeFile, record: Record) -> dict[str, Script]:
    changes: dict[str, Script] = {}
    for name in file.services:
        done = record.env.get(name)
        if done is None:
            continue
        try:
            changes[name] = restoration(Service.of(file, name).environment.items, done)
        except ShapeError:
            continue
    return changes


def _undone(file: ComposeFile, undo: Undo) -> str | None:
    """The text as it was, if it is as ``inject`` left it."""
    start, end = extent(file)
    text, node = file.text, node_at(file.root, [contract.COMPOSE_RECORD])
    blank = text[start : layout.after_properties(text, node)] + text[layout.end_of(text, node) : end]
    if text_hash(blank) != undo.hash:
        return None
    try:
        was = apply(blank, [Edit(at, at + length, old) for at, length, old in undo.edits])
    except OverlapError:
        return None
    return text[:start] + was + text[end:]


def _is_restored(file: ComposeFile, changes: Mapping[str, Script], text: str) -> bool:
    """Whether `text` is the file without what is recorded: a record may have been written by anybody."""
    try:
        return not differing(file, changes, text)
    except (InputError, LookupError, ShapeError):
        return False
