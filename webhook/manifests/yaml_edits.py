"""Edits of YAML text that keep what stands around them: its style, indentation, quoting, comments and line breaks.

Each function gives edits of one text, for :func:`webhook.manifests.edits.apply`. They are right for what people write;
whoever must not be wrong reads the result again and compares (as :mod:`webhook.manifests.inject` does).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from webhook.manifests import layout, rendering
from webhook.manifests.composer import AliasNode, target
from webhook.manifests.edits import Edit
from webhook.manifests.source import key_text


def replace_scalar(text: str, node: Node, value: str, *, in_flow: bool = True) -> Edit:
    """The scalar, or alias, `node` becomes the string `value`, in the quotes that it has.

    Args:
        in_flow: whether it stands in a flow, ``{}`` or ``[]``, where fewer texts do without quotes.
    """
    start, end = layout.after_properties(text, node), layout.end_of(text, node)
    style = node.style if isinstance(node, ScalarNode) else None
    if style == "'":
        written = rendering.single_quoted(value)
    elif not style:
        written = rendering.plain(value, in_flow=in_flow)
    else:
        written = rendering.quoted(value)
    is_glued = start == end and not text[start - 1 : start].isspace()
    return Edit(start, end, f" {written}" if is_glued else written)


def insert_items(text: str, sequence: SequenceNode, index: int, values: Sequence[Any], *, dash: int = 2) -> list[Edit]:
    """`values` go before the item at `index` of a sequence that has items, or at its end.

    Args:
        dash: how far sequences are indented in mappings; see :func:`dash_indent`.
    """
    if sequence.flow_style:
        return [_insert_in_flow(text, sequence, sequence.value, index, [_flow_item(text, sequence, v) for v in values])]
    column = layout.column(text, layout.dash(text, sequence, 0))
    lines = [line for value in values for line in _block_item(text, sequence, column, value, dash)]
    if index:
        return [_insert_lines(text, layout.end_of(text, sequence.value[index - 1]), lines)]
    return [_insert_lines_before(text, layout.dash(text, sequence, 0), lines, column)]


def remove_items(text: str, sequence: SequenceNode, indices: Collection[int]) -> list[Edit]:
    """The items at `indices` go; where none is left, nothing is, and the value becomes null."""
    if sequence.flow_style:
        spans = [(item, item) for item in sequence.value]
        return list(_remove_from_flow(text, sequence, spans, indices))
    starts = [layout.dash(text, sequence, index) for index in range(len(sequence.value))]
    ends = [layout.end_of(text, item) for item in sequence.value]
    return list(_remove_from_block(text, starts, ends, indices))


def insert_key(text: str, mapping: MappingNode, key: str, value: Any, *, dash: int = 2) -> list[Edit]:
    """`key` with `value` goes to the end of a mapping.

    Args:
        dash: how far sequences are indented in mappings; see :func:`dash_indent`.
    """
    pairs = mapping.value
    if mapping.flow_style:
        if not pairs:
            return [_fill(text, mapping, {key: value})]
        return [
            _insert_in_flow(
                text, mapping, [name for name, _ in pairs], len(pairs), [_flow_pair(text, mapping, key, value)]
            )
        ]
    column = layout.column(text, layout.start_of(pairs[0][0]))
    lines = rendering.block({key: value}, indent=column, dash=dash)
    return [_insert_lines(text, layout.end_of(text, mapping), lines)]


def remove_key(text: str, mapping: MappingNode, key: str) -> list[Edit]:
    """`key` goes from the mapping, with its value; where no other is left, nothing is.

    Raises:
        LookupError: the mapping itself has no such key.
    """
    return remove_keys(text, mapping, [key])


def remove_keys(text: str, mapping: MappingNode, keys: Collection[str]) -> list[Edit]:
    """All of `keys` go as :func:`remove_key` removes one.

    Raises:
        LookupError: the mapping itself lacks one of them.
    """
    indices = [_index(mapping, key) for key in keys]
    if mapping.flow_style:
        return list(_remove_from_flow(text, mapping, mapping.value, indices))
    starts = [layout.start_of(name) for name, _ in mapping.value]
    ends = [max(layout.end_of(text, part) for part in pair) for pair in mapping.value]
    return list(_remove_from_block(text, starts, ends, indices))


def replace_value(text: str, mapping: MappingNode, key: str, value: Any, *, dash: int = 2) -> list[Edit]:
    """The value of `key` becomes `value`, whatever stands there: nothing, ``[]``, an alias, a block.

    Raises:
        LookupError: the mapping itself has no such key.
    """
    name, old = mapping.value[_index(mapping, key)]
    start = layout.after_colon(text, name, old)
    if layout.line_start(text, start) == layout.line_start(text, layout.start_of(old)):
        start = max(start, layout.after_properties(text, old))
    end = max(start, layout.end_of(text, old))
    if mapping.flow_style or not isinstance(value, (dict, list)) or not value:
        as_json = is_json(text, mapping)
        written = rendering.flow(value, as_json=as_json)
        return [Edit(start, end, written if text[start - 1 : start].isspace() else f" {written}")]
    column = layout.column(text, layout.start_of(mapping.value[0][0]))
    lines = rendering.block(value, indent=column + (2 if isinstance(value, dict) else dash), dash=dash)
    if "\n" in text[start:end]:
        newline = layout.newline(text)
        return [Edit(start, end, newline + newline.join(lines))]
    return [Edit(len(text[:start].rstrip(" ")), end, ""), _insert_lines(text, end, lines)]


def dash_indent(text: str, root: Node) -> int:
    """How far the text indents sequences in mappings: 0 or more; 2 where there is none to see it by."""
    for key, value in _block_pairs(root):
        if isinstance(value, SequenceNode) and not value.flow_style and value.value:
            found = layout.column(text, layout.dash(text, value, 0)) - layout.column(text, layout.start_of(key))
            if found >= 0:
                return found
    return 2


def _block_pairs(node: Node) -> Iterator[tuple[Node, Node]]:
    if isinstance(node, MappingNode) and not node.flow_style:
        for key, value in node.value:
            yield key, value
            yield from _block_pairs(value)
    elif isinstance(node, SequenceNode) and not node.flow_style:
        for item in node.value:
            yield from _block_pairs(item)


def _index(mapping: MappingNode, key: str) -> int:
    for index, (name, _) in enumerate(mapping.value):
        if key_text(name) == key:
            return index
    raise LookupError(key)


def _insert_lines(text: str, after: int, lines: Sequence[str]) -> Edit:
    """Whole lines below the line of the character before `after`."""
    newline = layout.newline(text)
    at = layout.line_end(text, after)
    if at and text[at - 1] not in "\r\n":
        return Edit(at, at, newline + newline.join(lines))
    return Edit(at, at, newline.join(lines) + newline)


def _insert_lines_before(text: str, at: int, lines: Sequence[str], column: int) -> Edit:
    """Whole lines above the line of `at` and its comments; where it begins no line, between what is before and it."""
    newline = layout.newline(text)
    if layout.begins_line(text, at):
        at = layout.above_comments(text, at)
        return Edit(at, at, newline.join(lines) + newline)
    return Edit(at, at, newline.join(lines).lstrip(" ") + newline + " " * column)


def _block_item(text: str, sequence: SequenceNode, column: int, value: Any, indent: int) -> list[str]:
    """The lines of an item as its first sibling is written; sequences in it are indented by `indent`."""
    first = target(sequence.value[0])
    if isinstance(first, CollectionNode) and first.flow_style:
        return [" " * column + "- " + rendering.flow(value, as_json=is_json(text, first))]
    start = layout.start_of(sequence.value[0])
    dash = layout.dash(text, sequence, 0)
    is_beside = layout.line_start(text, start) == layout.line_start(text, dash)
    width = start - dash if is_beside else 2
    lead, *more = rendering.block(value, indent=column + width, dash=indent)
    return [" " * column + "-" + " " * (width - 1) + lead[column + width :], *more]


def _insert_in_flow(
    text: str, collection: CollectionNode, starts: Sequence[Node], index: int, written: Sequence[str]
) -> Edit:
    """Items of a flow collection, before that of `index` or at its end; on lines of their own if the first is."""
    first = layout.start_of(starts[0])
    separator = ", "
    if layout.begins_line(text, first):
        separator = "," + layout.newline(text) + text[layout.line_start(text, first) : first]
    if index < len(starts):
        at = layout.start_of(starts[index])
        return Edit(at, at, "".join(item + separator for item in written))
    last = collection.value[-1]
    at = max(layout.end_of(text, part) for part in (last if isinstance(last, tuple) else [last]))
    return Edit(at, at, "".join(separator + item for item in written))


def _flow_item(text: str, sequence: SequenceNode, value: Any) -> str:
    """An item as its first sibling is written: on one line, or as JSON over several."""
    first = target(sequence.value[0])
    if isinstance(first, MappingNode) and first.value and not isinstance(sequence.value[0], AliasNode):
        return _as_sibling(text, first, value)
    return rendering.flow(value, as_json=is_json(text, sequence))


def _as_sibling(text: str, sibling: MappingNode, value: Any) -> str:
    as_json = is_json(text, sibling)
    inner, close = layout.start_of(sibling.value[0][0]), layout.end_of(text, sibling) - 1
    if not as_json or not (layout.begins_line(text, inner) and layout.begins_line(text, close)):
        return rendering.flow(value, as_json=as_json)
    outer = text[layout.line_start(text, close) : close]
    step = text[layout.line_start(text, inner) : inner].removeprefix(outer)
    return rendering.pretty(value, outer=outer, step=step, newline=layout.newline(text))


def _flow_pair(text: str, mapping: MappingNode, key: str, value: Any) -> str:
    as_json = is_json(text, mapping)
    name = rendering.scalar(key, in_flow=True, as_json=as_json)
    first = layout.start_of(mapping.value[0][0])
    if as_json and layout.begins_line(text, first):
        outer = text[layout.line_start(text, first) : first]
        close = layout.end_of(text, mapping) - 1
        step = (
            outer.removeprefix(text[layout.line_start(text, close) : close])
            if layout.begins_line(text, close)
            else "  "
        )
        return f"{name}: {rendering.pretty(value, outer=outer, step=step or '  ', newline=layout.newline(text))}"
    return f"{name}: {rendering.flow(value, as_json=as_json)}"


def _fill(text: str, empty: MappingNode, value: Any) -> Edit:
    """An empty flow mapping becomes `value`."""
    start = layout.after_properties(text, empty)
    return Edit(start, layout.end_of(text, empty), rendering.flow(value, as_json=is_json(text, empty)))


def is_json(text: str, collection: CollectionNode) -> bool:
    """Whether keys are in double quotes here; in an empty collection, whether the text as a whole is like JSON."""
    if isinstance(collection, MappingNode) and collection.value:
        first = collection.value[0][0]
        return isinstance(first, ScalarNode) and first.style == '"'
    if isinstance(collection, SequenceNode) and collection.value:
        first_item = target(collection.value[0])
        if isinstance(first_item, CollectionNode):
            return is_json(text, first_item)
    return text.lstrip("\ufeff \t\r\n").startswith(("{", "["))


def _remove_from_flow(
    text: str, collection: CollectionNode, spans: Sequence[tuple[Node, Node]], indices: Collection[int]
) -> Iterator[Edit]:
    """Each run of items goes with the comma before it, or, at the beginning, the one after it."""
    for first, last in _runs(indices):
        if first:
            yield Edit(layout.end_of(text, spans[first - 1][1]), layout.end_of(text, spans[last][1]), "")
        elif last + 1 < len(spans):
            yield Edit(layout.start_of(spans[0][0]), layout.start_of(spans[last + 1][0]), "")
        else:
            yield Edit(layout.start_of(spans[0][0]), layout.end_of(text, collection) - 1, "")


def _remove_from_block(
    text: str, starts: Sequence[int], ends: Sequence[int], indices: Collection[int]
) -> Iterator[Edit]:
    """The lines of each item go; where one begins amid a line, what follows takes its place."""
    for first, last in _runs(indices):
        if not layout.begins_line(text, starts[first]):
            yield Edit(starts[first], starts[last + 1] if last + 1 < len(starts) else ends[last], "")
            continue
        spans = [
            (layout.line_start(text, starts[at]), layout.line_end(text, ends[at])) for at in range(first, last + 1)
        ]
        yield from (_remove_lines(text, start, end) for start, end in _joined(spans))


def _joined(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The spans, those that follow each other as one."""
    starts = [start for at, (start, _) in enumerate(spans) if not at or spans[at - 1][1] != start]
    ends = [end for at, (_, end) in enumerate(spans) if at + 1 == len(spans) or spans[at + 1][0] != end]
    yield from zip(starts, ends, strict=True)


def _remove_lines(text: str, start: int, end: int) -> Edit:
    """Whole lines go; of the last one of a text that ends without a line break, the break before it."""
    if end == len(text) and text[end - 1 : end] not in ("\n", "\r") and start:
        start -= 2 if text[start - 2 : start] == "\r\n" else 1
    return Edit(start, end, "")


def _runs(indices: Collection[int]) -> Iterator[tuple[int, int]]:
    """The first and last of each run of consecutive numbers."""
    ordered = sorted(indices)
    starts = [number for number in ordered if number - 1 not in indices]
    ends = [number for number in ordered if number + 1 not in indices]
    yield from zip(starts, ends, strict=True)
