"""Comments on lines that go, which stay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from yaml.nodes import CollectionNode, Node, ScalarNode

from webhook.manifests import layout
from webhook.manifests.composer import AliasNode
from webhook.manifests.edits import Edit

_COMMENT: Final = re.compile(r"(?:(?<=[\s,\[\]{}])|(?<=\A))#[^\r\n]*")


def keep_comments(text: str, root: Node, edits: Sequence[Edit]) -> list[Edit] | None:
    """`edits` that take something away, with the comments in it kept on lines of their own; None where they cannot be.

    Where only comments are left between whole lines, they stay where they were.
    """
    scalars = sorted(_scalars(root))
    kept: list[Edit] = []
    for edit in edits:
        found = [match for match in _COMMENT.finditer(text, edit.start, edit.end) if not _inside(match, scalars)]
        if not found:
            kept.append(edit)
        elif edit.text or not _is_whole_lines(text, edit):
            return None
        else:
            kept.append(replace(edit, text=_own_lines(text, edit, found)))
    return kept


def _scalars(node: Node) -> Iterator[tuple[int, int]]:
    if isinstance(node, AliasNode):
        return
    if isinstance(node, ScalarNode):
        yield node.start_mark.index, node.end_mark.index
    elif isinstance(node, CollectionNode):
        for part in node.value:
            for child in part if isinstance(part, tuple) else (part,):
                yield from _scalars(child)


def _inside(match: re.Match[str], scalars: Sequence[tuple[int, int]]) -> bool:
    return any(start <= match.start() < end for start, end in scalars)


def _is_whole_lines(text: str, edit: Edit) -> bool:
    return edit.start == layout.line_start(text, edit.start) and (
        edit.end == len(text) or edit.end == layout.line_start(text, edit.end)
    )


def _own_lines(text: str, edit: Edit, found: Sequence[re.Match[str]]) -> str:
    first = text[edit.start : edit.end]
    indent = first[: len(first) - len(first.lstrip(" "))]
    newline = layout.newline(text)
    return "".join(f"{indent}{match[0].rstrip()}{newline}" for match in found)
