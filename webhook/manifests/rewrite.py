"""Changes of pod templates, carried out on text and proven: what is read again is what was meant, or nothing changes.

Parts that are shared by an alias or a merge are changed where they stand, if all that share them change alike; else
they are written out where they are used; and where that does not do either, the template is left as it is and told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Final

from yaml.nodes import MappingNode, Node

from webhook import contract
from webhook.errors import InputError
from webhook.manifests import env_script, layout, yaml_edits
from webhook.manifests.composer import AliasNode, target
from webhook.manifests.edits import Edit, OverlapError, apply
from webhook.manifests.env_script import Script
from webhook.manifests.records import Record, with_undo
from webhook.manifests.source import Document, Source, node_at, step_to
from webhook.manifests.workloads import Path, value_at

_ANNOTATIONS: Final = ("metadata", "annotations")


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvChange:
    """What becomes of the env of the container at the path `container` of a document."""

    container: Path
    script: Script


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateChange:
    """What becomes of a pod template.

    Attributes:
        document: its index in the source.
        template: its path in the document.
        record: what is recorded of it afterwards; None takes a record that is there out.
    """

    document: int
    template: Path
    envs: tuple[EnvChange, ...]
    record: Record | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewritten:
    """The new text, and those of the changes that could not be carried out."""

    text: str
    refused: tuple[TemplateChange, ...] = ()


def rewrite(source: Source, changes: Sequence[TemplateChange]) -> Rewritten:
    """Carry `changes` out, all that can be."""
    if not changes:
        return Rewritten(text=source.text)
    for write_out in (False, True):
        text = _attempt(source, changes, write_out=write_out)
        if text is not None:
            return Rewritten(text=text)
    done = _possible(source, [], changes)
    text = _attempt(source, done, write_out=True) or source.text
    return Rewritten(text=text, refused=tuple(change for change in changes if change not in done))


def _possible(
    source: Source, done: Sequence[TemplateChange], changes: Sequence[TemplateChange]
) -> list[TemplateChange]:
    """Those of `changes` that can be carried out after those that are `done`, and these."""
    if _attempt(source, [*done, *changes], write_out=True) is not None:
        return [*done, *changes]
    if len(changes) == 1:
        return [*done]
    half = len(changes) // 2
    return _possible(source, _possible(source, done, changes[:half]), changes[half:])


def _attempt(source: Source, changes: Sequence[TemplateChange], *, write_out: bool) -> str | None:
    """The text with all changes, if they can be carried out and what is read again is what was meant."""
    try:
        edits = [list(_edits(source, change, write_out=write_out)) for change in changes]
        text, recorded = _with_undo(source, changes, edits)
        found = [document.value for document in Source.parse(text, name=source.name).documents]
    except (InputError, OverlapError, LookupError):
        return None
    return text if found == _expected(source, recorded) else None


def _expected(source: Source, changes: Sequence[TemplateChange]) -> list[Any]:
    values = [document.value for document in source.documents]
    for change in changes:
        values[change.document] = changed_value(values[change.document], change)
    return values


def changed_value(value: Any, change: TemplateChange) -> Any:
    """The value of a document after `change`."""
    value = deepcopy(value)
    for env in change.envs:
        container = value_at(value, env.container)
        container["env"] = env_script.result(container.get("env") or [], env.script)
        if not container["env"] and change.record is None:
            del container["env"]
    template = value_at(value, change.template)
    if change.record is not None:
        _put(template, change.record.text())
    elif contract.INJECTED in (value_at(template, _ANNOTATIONS) or {}):
        _take(template)
    return value


def _put(template: dict[str, Any], record: str) -> None:
    metadata = template["metadata"] = template.get("metadata") or {}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), contract.INJECTED: record}


def _take(template: dict[str, Any]) -> None:
    metadata = template["metadata"]
    del metadata["annotations"][contract.INJECTED]
    if not metadata["annotations"]:
        del metadata["annotations"]
    if not metadata:
        del template["metadata"]


def _edits(source: Source, change: TemplateChange, *, write_out: bool) -> Iterator[Edit]:
    """The edits of a change; that of the record is the last."""
    document = source.documents[change.document]
    for env in change.envs:
        container = _mapping(document.root, env.container)
        old = value_at(document.value, (*env.container, "env")) or []
        if not env.script and change.record is None:
            yield from yaml_edits.remove_key(source.text, container, "env")
        else:
            yield from env_script.edits(source.text, container, old, env.script, write_out=write_out)
    template = _mapping(document.root, change.template)
    if change.record is not None:
        written = _written_record(value_at(document.value, change.template), change.record.text())
        yield from _put_edits(source.text, template, written, write_out=write_out)
    elif contract.INJECTED in (value_at(document.value, (*change.template, *_ANNOTATIONS)) or {}):
        yield from _take_edits(source.text, template)


def _mapping(root: Node, path: Path) -> MappingNode:
    node = node_at(root, path)
    if isinstance(node, MappingNode):
        return node
    raise LookupError(path)


def _written_record(template: Any, record: str) -> list[tuple[str, Any]]:
    """The way to the annotations: each key with the whole value that it is to have, should it be missing."""
    annotations = {**(value_at(template, _ANNOTATIONS) or {}), contract.INJECTED: record}
    metadata = {**(value_at(template, ("metadata",)) or {}), "annotations": annotations}
    return [("metadata", metadata), ("annotations", annotations), (contract.INJECTED, record)]


def _put_edits(
    text: str, mapping: MappingNode, written: Sequence[tuple[str, Any]], *, write_out: bool
) -> Iterator[Edit]:
    """Put the record in: below `mapping`, as deep as there are mappings."""
    dash = yaml_edits.dash_indent(text, mapping)
    for key, value in written:
        try:
            node = step_to(mapping, key)
        except LookupError:
            yield from yaml_edits.insert_key(text, mapping, key, value, dash=dash)
            return
        inner = target(node)
        is_own = any(item is node for _, item in mapping.value)
        if write_out and not is_own:
            yield from yaml_edits.insert_key(text, mapping, key, value, dash=dash)
            return
        if not isinstance(inner, MappingNode) or (write_out and isinstance(node, AliasNode)):
            yield from yaml_edits.replace_value(text, mapping, key, value, dash=dash)
            return
        mapping = inner


def _take_edits(text: str, template: MappingNode) -> Iterator[Edit]:
    """Take the record out, and what is empty without it."""
    metadata = _mapping(template, ("metadata",))
    annotations = _mapping(metadata, ("annotations",))
    if len(annotations.value) > 1:
        yield from yaml_edits.remove_key(text, annotations, contract.INJECTED)
    elif len(metadata.value) > 1:
        yield from yaml_edits.remove_key(text, metadata, "annotations")
    else:
        yield from yaml_edits.remove_key(text, template, "metadata")


def _with_undo(
    source: Source, changes: Sequence[TemplateChange], edits: Sequence[Sequence[Edit]]
) -> tuple[str, list[TemplateChange]]:
    """The text with the edits; in each document the first record gets to know how they are taken back."""
    by_number: dict[int, list[tuple[TemplateChange, list[Edit]]]] = {}
    for change, found in zip(changes, edits, strict=True):
        by_number.setdefault(source.documents[change.document].number, []).append((change, list(found)))
    final: list[Edit] = []
    recorded: list[TemplateChange] = []
    for own in by_number.values():
        made, first = _document_edits(source, own)
        final += made
        recorded += [first, *(change for change, _ in own[1:])]
    return apply(source.text, final), recorded


def _document_edits(
    source: Source, own: Sequence[tuple[TemplateChange, list[Edit]]]
) -> tuple[list[Edit], TemplateChange]:
    """The edits of one document, each once, and its first change, with the undo in its record."""
    change, edits = own[0]
    others = [edit for _, found in own[1:] for edit in found]
    if change.record is None:
        return list(dict.fromkeys([*edits, *others])), change
    known = list(dict.fromkeys([*edits[:-1], *others]))
    extended = extent(source.text, source.documents[change.document])
    made, record = with_undo(source.text, known, edits[-1], change.record, extended)
    return made, replace(change, record=record)


def extent(text: str, document: Document) -> tuple[int, int]:
    """Where the text of a whole document begins and ends."""
    return layout.start_of(document.top), layout.line_end(text, layout.end_of(text, document.top))
