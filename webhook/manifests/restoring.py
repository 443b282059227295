"""What ``inject`` recorded is taken back: byte by byte where nobody changed the document since, else part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import groupby
from typing import Any, Final

from webhook import contract
from webhook.errors import InputError
from webhook.manifests import layout
from webhook.manifests.edits import Edit, OverlapError, apply
from webhook.manifests.outcomes import templates
from webhook.manifests.records import Record, Undo, name_of, parse_record, restoration, text_hash
from webhook.manifests.rewrite import EnvChange, Rewritten, TemplateChange, changed_value, extent, rewrite
from webhook.manifests.source import Source, node_at
from webhook.manifests.workloads import Path, Workload, value_at

_RECORD: Final = ("metadata", "annotations", contract.INJECTED)
_CONTAINERS: Final = ("initContainers", "containers")


def restored(source: Source) -> Rewritten:
    """The text without what ``inject`` recorded."""
    source = source.reread(apply(source.text, list(_undo_edits(source))))
    return rewrite(source, [_by_parts(*found) for found in recorded(source)])


def recorded(source: Source) -> Iterator[tuple[int, Workload, Record]]:
    """Each template that has a record, with the index of its document."""
    for at, workload in templates(source):
        record = parse_record(value_at(workload.pod, _RECORD))
        if record is not None:
            yield at, workload, record


def _undo_edits(source: Source) -> Iterator[Edit]:
    """Each document that is as ``inject`` left it becomes what it was."""
    values: dict[int, dict[int, Any]] = {}
    for at, document in enumerate(source.documents):
        values.setdefault(document.number, {})[at] = document.value
    for number, found in groupby(recorded(source), key=lambda found: source.documents[found[0]].number):
        (at, workload, record), *others = found
        edit = _undo_edit(source, at, (*workload.path, *_RECORD), record.undo) if record.undo else None
        changes = [_by_parts(at, workload, record), *(_by_parts(*other) for other in others)]
        if edit is not None and _is_restored(values[number], edit.text, changes):
            yield edit


def _undo_edit(source: Source, at: int, path: Path, undo: Undo) -> Edit | None:
    text, document = source.text, source.documents[at]
    start, end = extent(text, document)
    node = node_at(document.root, path)
    blank = text[start : layout.after_properties(text, node)] + text[layout.end_of(text, node) : end]
    if text_hash(blank) != undo.hash:
        return None
    try:
        return Edit(start, end, apply(blank, [Edit(at, at + length, old) for at, length, old in undo.edits]))
    except OverlapError:
        return None


def _is_restored(values: Mapping[int, Any], text: str, changes: Sequence[TemplateChange]) -> bool:
    """Whether `text` reads as the `values` without what is recorded: a record may have been written by anybody."""
    values = dict(values)
    for change in changes:
        values[change.document] = changed_value(values[change.document], change)
    try:
        found = dict(zip(values, (item.value for item in Source.parse(text, name="").documents), strict=True))
    except (InputError, ValueError):
        return False
    for change in changes:
        found[change.document] = _tidied(found[change.document], change)
    return found == values


def _tidied(value: Any, change: TemplateChange) -> Any:
    """The value without what is empty and might as well be missing."""
    value = deepcopy(value)
    template = value_at(value, change.template)
    metadata = value_at(template, ("metadata",))
    for holder, key in (
        *((value_at(value, env.container), "env") for env in change.envs),
        (metadata, "annotations"),
        (template, "metadata"),
    ):
        if isinstance(holder, dict) and not holder.get(key):
            holder.pop(key, None)
    return value


def _by_parts(at: int, workload: Workload, record: Record) -> TemplateChange:
    envs = []
    for path, container in _containers(workload):
        done = record.env.get(name_of(container) or "")
        env = container.get("env") or []
        if done is not None and isinstance(env, list):
            envs.append(EnvChange(container=path, script=restoration(env, done)))
    return TemplateChange(document=at, template=workload.path, envs=tuple(envs), record=None)


def _containers(workload: Workload) -> Iterator[tuple[Path, Any]]:
    for field in _CONTAINERS:
        containers = value_at(workload.pod, ("spec", field))
        for index, container in enumerate(containers if isinstance(containers, list) else []):
            if isinstance(container, dict):
                yield (*workload.path, "spec", field, index), container
