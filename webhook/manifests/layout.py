"""Where the parts of a YAML text begin and end: lines, columns, the dashes of a sequence, the contents of a node."""

from __future__ import annotations

import re
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from webhook.manifests.composer import AliasNode

_LINE_END: Final = re.compile(r"\r\n|\n|\r|\Z")
_COMMENT_OR_DASH: Final = re.compile(r"#[^\r\n]*|-(?=\s|\Z)")
_COMMENT_OR_COLON: Final = re.compile(r"#[^\r\n]*|:")
_KEPT_BREAKS: Final = re.compile(r"(?:[&!]\S*\s+)*[|>][0-9]?\+")
_PROPERTIES: Final = re.compile(r"(?:[&!][^\s,\[\]{}]*(?:[ \t]+|(?=[\r\n]|\Z)))+")


def start_of(node: Node) -> int:
    """The offset at which `node` begins, its anchor and tag included."""
    index: int = node.start_mark.index
    return index


def end_of(text: str, node: Node) -> int:
    """The offset after the last character of `node`; what follows it, such as comments, does not belong to it."""
    end: int = node.end_mark.index
    if isinstance(node, ScalarNode) and node.style in ("|", ">"):
        return _end_of_block_scalar(text, start_of(node), end)
    if isinstance(node, SequenceNode) and not node.flow_style:
        return end_of(text, node.value[-1])
    if isinstance(node, MappingNode) and not node.flow_style:
        return max(end_of(text, part) for part in node.value[-1])
    return end


def _end_of_block_scalar(text: str, start: int, end: int) -> int:
    """The end of its last line, which is an empty one only where ``+`` keeps those."""
    content = text[start:end]
    if _KEPT_BREAKS.match(content):
        return end - (2 if content.endswith("\r\n") else content.endswith(("\n", "\r")))
    return start + len(content.rstrip())


def after_properties(text: str, node: Node) -> int:
    """The offset at which `node` begins after its anchor and tag."""
    start = start_of(node)
    match = None if isinstance(node, AliasNode) else _PROPERTIES.match(text, start, node.end_mark.index)
    return match.end() if match else start


def line_start(text: str, index: int) -> int:
    """The offset at which the line of the character at `index` begins."""
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1


def line_end(text: str, index: int) -> int:
    """The offset at which the line after that of the character at `index` begins, or the end of the text."""
    match = _LINE_END.search(text, index)
    return match.end() if match else len(text)


def column(text: str, index: int) -> int:
    """Characters before `index` on its line, but for a byte order mark."""
    return len(text[line_start(text, index) : index].removeprefix("\ufeff"))


def begins_line(text: str, index: int) -> bool:
    """Whether nothing but blanks stands before `index` on its line."""
    return not text[line_start(text, index) : index].strip(" \t\ufeff")


def newline(text: str) -> str:
    """The line break that the text uses."""
    match = re.search(r"\r\n|\n|\r", text)
    return match[0] if match else "\n"


def dash(text: str, sequence: SequenceNode, index: int) -> int:
    """The offset of the dash of an item of a block sequence."""
    items = sequence.value
    start = end_of(text, items[index - 1]) if index else start_of(sequence)
    found = [
        match.start() for match in _COMMENT_OR_DASH.finditer(text, start, start_of(items[index])) if match[0] == "-"
    ]
    return found[-1]


def after_colon(text: str, key: Node, value: Node) -> int:
    """The offset after the colon between a key and its value."""
    for match in _COMMENT_OR_COLON.finditer(text, end_of(text, key), max(start_of(value), end_of(text, key) + 1)):
        if match[0] == ":":
            return match.end()
    return end_of(text, key)


def above_comments(text: str, index: int) -> int:
    """The start of the line of `index`, or of the first of the comment lines right above it."""
    start = line_start(text, index)
    while start:
        above = line_start(text, start - 2 if text[start - 2 : start] == "\r\n" else start - 1)
        if not text[above:start].lstrip().startswith("#"):
            break
        start = above
    return start
