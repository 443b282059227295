"""Environments of services, changed on text and proven: what is read again is what was meant, or nothing changes.

An environment that services share by an anchor is changed where it stands if all that share it change alike. Else it is
written out for those that use it, and last of all for those that do not change but would.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from webhook import contract
from webhook.errors import InputError
from webhook.manifests import env_script, layout, yaml_edits
from webhook.manifests.compose.entries import Entries, Entry, line
from webhook.manifests.compose.file import SERVICES, ComposeFile, ShapeError, written
from webhook.manifests.compose.service import Service
from webhook.manifests.composer import AliasNode, target
from webhook.manifests.edits import Edit, OverlapError, apply
from webhook.manifests.env_script import Script
from webhook.manifests.records import ContainerRecord, Record, with_undo
from webhook.manifests.source import key_text, node_at, step_to

_ENVIRONMENT = "environment"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewritten:
    """The new text, and the services that could not be changed."""

    text: str
    refused: frozenset[str] = frozenset()


def rewrite(file: ComposeFile, changes: Mapping[str, Script], done: Mapping[str, ContainerRecord]) -> Rewritten:
    """Change services, all that can be, and record what was `done`; without that a record that is there is taken out.

    Args:
        changes: what becomes of each service's environment.
    """
    if not changes and contract.COMPOSE_RECORD not in file.value:
        return Rewritten(text=file.text)
    text = _attempt(file, changes, done)
    if text is not None:
        return Rewritten(text=text)
    if not done:
        return Rewritten(text=file.text, refused=frozenset(changes))
    kept = _possible(file, changes, done, [], list(changes))
    text = _attempt(file, {name: changes[name] for name in kept}, done) or file.text
    return Rewritten(text=text, refused=frozenset(changes) - frozenset(kept))


def _possible(
    file: ComposeFile,
    changes: Mapping[str, Script],
    done: Mapping[str, ContainerRecord],
    kept: list[str],
    names: list[str],
) -> list[str]:
    """Those of the services `names` that can be changed after those that are `kept`, and these."""
    if _attempt(file, {name: changes[name] for name in (*kept, *names)}, done) is not None:
        return [*kept, *names]
    if len(names) == 1:
        return kept
    half = len(names) // 2
    return _possible(file, changes, done, _possible(file, changes, done, kept, names[:half]), names[half:])


def _attempt(file: ComposeFile, changes: Mapping[str, Script], done: Mapping[str, ContainerRecord]) -> str | None:
    """The text with all changes; None where they cannot be carried out."""
    apart = _apart(file, changes)
    borrowing = frozenset(name for name in changes if _is_borrowed(file, name))
    while True:
        text, wrong = _try(file, changes, done, apart)
        if not wrong:
            return text
        more = (borrowing - apart) or (wrong - apart)  # rather those that change than those that do not
        if not more:
            return None
        apart |= more


def _apart(file: ComposeFile, changes: Mapping[str, Script]) -> frozenset[str]:
    """Those that have their environment from where it stands for others too, which do not change alike."""
    sharing: defaultdict[int, list[str]] = defaultdict(list)
    for name in file.services:
        try:
            sharing[id(node_at(file.root, [SERVICES, name, _ENVIRONMENT]))].append(name)
        except LookupError:
            continue
    return frozenset(
        name
        for names in sharing.values()
        if any(changes.get(name) != changes.get(names[0]) for name in names)
        for name in names
        if name in changes and _is_borrowed(file, name)
    )


def _is_borrowed(file: ComposeFile, name: str) -> bool:
    """Whether the service has its environment by an alias or a merge."""
    own = _own(file, name)
    try:
        node = step_to(own, _ENVIRONMENT)
    except LookupError:
        return False
    return isinstance(node, AliasNode) or not any(value is node for _, value in own.value)


def _own(file: ComposeFile, name: str) -> MappingNode:
    node = node_at(file.root, [SERVICES, name])
    if isinstance(node, MappingNode):
        return node
    raise LookupError(name)


def _try(
    file: ComposeFile, changes: Mapping[str, Script], done: Mapping[str, ContainerRecord], apart: Collection[str]
) -> tuple[str, frozenset[str]]:
    """The text, where the services `apart` have their environments written out, and those that are wrong in it."""
    try:
        found = (_edits(file, name, changes.get(name), is_apart=name in apart) for name in file.services)
        known = list(dict.fromkeys(edit for edits in found for edit in edits))
        record = Record(env={name: done[name] for name in changes if name in done})
        text = apply(file.text, known + _record_edits(file, known, record))
        return text, differing(file, changes, text)
    except (InputError, OverlapError, LookupError, ShapeError):
        return file.text, frozenset(file.services)


def differing(file: ComposeFile, changes: Mapping[str, Script], text: str) -> frozenset[str]:
    """The services that are not in `text` as they are in the file after the changes.

    Raises:
        InputError, LookupError, ShapeError: the text is no such file, or differs in what is no service.
    """
    found = ComposeFile.read(text, name=file.name)
    if found is None or _beside(found) != _beside(file) or set(found.services) != set(file.services):
        raise LookupError(file.name)
    return frozenset(name for name in file.services if _content(found, name, None) != _content(file, name, changes))


def _beside(file: ComposeFile) -> dict[str, Any]:
    """What beside the services counts; fields that Compose ignores may hold what services share."""
    return {key: value for key, value in file.value.items() if key != SERVICES and not key.startswith("x-")}


def _content(file: ComposeFile, name: str, changes: Mapping[str, Script] | None) -> Any:
    rest = {key: value for key, value in file.value[SERVICES][name].items() if key != _ENVIRONMENT}
    try:
        environment = Service.of(file, name).environment
    except ShapeError:
        return file.value[SERVICES][name]
    script = changes.get(name) if changes else None
    items = environment.items if script is None else _result(environment, script)
    return rest, environment.rendered(items) or None


def _result(environment: Entries, script: Script) -> list[Entry]:
    return env_script.result(environment.items, script)


def _edits(file: ComposeFile, name: str, script: Script | None, *, is_apart: bool) -> Iterator[Edit]:
    """The edits of a service; of one that does not change only where it is to be written out."""
    if script is None and not is_apart:
        return
    service, own = Service.of(file, name), _own(file, name)
    items = list(service.environment.items) if script is None else _result(service.environment, script)
    value = service.environment.rendered(items)
    dash = yaml_edits.dash_indent(file.text, file.root)
    has_key = any(key_text(key) == _ENVIRONMENT for key, _ in own.value)
    if not has_key and (is_apart or not service.environment.items):
        yield from yaml_edits.insert_key(file.text, own, _ENVIRONMENT, value, dash=dash)
    elif is_apart:
        yield from yaml_edits.replace_value(file.text, own, _ENVIRONMENT, value, dash=dash)
    elif script is not None:
        yield from _in_place(file, own, service.environment, script, value)


def _in_place(file: ComposeFile, own: MappingNode, environment: Entries, script: Script, value: Any) -> Iterator[Edit]:
    node = node_at(own, [_ENVIRONMENT])
    kept = [slot for slot in script if slot.old is not None]
    if not value:
        yield from yaml_edits.remove_key(file.text, own, _ENVIRONMENT)
    elif not kept or not isinstance(node, (MappingNode, SequenceNode)):
        dash = yaml_edits.dash_indent(file.text, file.root)
        yield from yaml_edits.replace_value(file.text, own, _ENVIRONMENT, value, dash=dash)
    elif isinstance(node, SequenceNode):
        change = partial(_item_edits, file.text, node)
        yield from env_script.sequence_edits(file.text, node, script, change=change, item=line)
    else:
        yield from _key_edits(file.text, node, environment, script)


def _item_edits(text: str, sequence: SequenceNode, index: int, entry: Entry) -> Iterator[Edit]:
    yield yaml_edits.replace_scalar(text, sequence.value[index], line(entry), in_flow=bool(sequence.flow_style))


def _key_edits(text: str, mapping: MappingNode, environment: Entries, script: Script) -> Iterator[Edit]:
    own = {key_text(key): value for key, value in mapping.value}
    kept = {slot.old for slot in script}
    gone = [str(item["name"]) for index, item in enumerate(environment.items) if index not in kept]
    if gone:
        yield from yaml_edits.remove_keys(text, mapping, gone)
    for slot in script:
        if slot.entry is None:
            continue
        name, value = str(slot.entry["name"]), slot.entry.get("value")
        if slot.old is None or name not in own:
            yield from yaml_edits.insert_key(text, mapping, name, value)
        elif isinstance(value, str) and _is_scalar(own[name]):
            yield yaml_edits.replace_scalar(text, own[name], value, in_flow=bool(mapping.flow_style))
        else:
            yield from yaml_edits.replace_value(text, mapping, name, value)


def _is_scalar(node: Node) -> bool:
    return isinstance(target(node), ScalarNode)


def _record_edits(file: ComposeFile, known: list[Edit], record: Record) -> list[Edit]:
    """The edit that records what was done; or that takes the record out where nothing was."""
    has_record = contract.COMPOSE_RECORD in file.value
    if not record.env:
        return yaml_edits.remove_key(file.text, file.root, contract.COMPOSE_RECORD) if has_record else []
    put = yaml_edits.replace_value if has_record else yaml_edits.insert_key
    (last,) = put(file.text, file.root, contract.COMPOSE_RECORD, written(record))
    return with_undo(file.text, known, last, record, extent(file), written)[0][-1:]


def extent(file: ComposeFile) -> tuple[int, int]:
    """Where the document begins and ends."""
    return layout.start_of(file.root), layout.line_end(file.text, layout.end_of(file.text, file.root))
