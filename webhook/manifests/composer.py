"""YAML text as nodes with their places.

libyaml's parser gives the events. They are composed here, since PyYAML's own composer bears no deep nesting, resolves
scalars otherwise than kubectl, and forgets where an alias stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar, Final

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from webhook.errors import InputError, quote
from webhook.manifests.places import Text
from webhook.manifests.scalars import STR, TAG, implicit_tag

MAX_DEPTH: Final = 100
"""Levels of nesting: several times what any API type has, and within what each later step bears."""

_PURE: Final[Any] = yaml.SafeLoader
_FAST: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_HALF_CHARACTER: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]")
_INDENTATION: Final = re.compile(r"^[ \t]+", re.MULTILINE)
_BYTE_ORDER_MARK: Final = "\ufeff"


class AliasNode(Node):
    """An alias where it stands; ``value`` is the node that it means."""

    id: ClassVar[str] = "alias"


def target(node: Node) -> Node:
    """`node`, or what it means if it is an alias."""
    return node.value if isinstance(node, AliasNode) else node


def compose(text: Text) -> Iterator[Node]:
    """The root node of each document; marks count characters of the text.

    Raises:
        InputError: it is not YAML, or nested too deep; says where.
    """
    try:
        yield from _Composer(text).documents()
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(text, error) from None
    except yaml.reader.ReaderError:
        raise _not_a_character(text) from None
    except (
        yaml.YAMLError,
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        # The parser written in Python meets some broken texts with an error of Python's.
        raise InputError(f"{text.name} is not YAML ({type(error).__name__})", fix="mend it") from None


def _not_yaml(text: Text, error: yaml.MarkedYAMLError) -> InputError:
    mark = error.problem_mark or error.context_mark
    where = text.where(mark.index) if mark else text.name
    return InputError(f"{where} is not YAML ({quote(error.problem or error.context or 'unreadable')})", fix="mend it")


def _not_a_character(text: Text) -> InputError:
    """The error that the text has a character that no YAML has: libyaml does not tell its place in characters."""
    found = yaml.reader.Reader.NON_PRINTABLE.search(text.text)
    if found is None:
        return InputError(f"{text.name} is not YAML (unreadable)", fix="mend it")
    problem = f"is not YAML (the character {quote(found[0])} is not allowed)"
    return text.error(found.start(), problem, fix="leave it out, or write it escaped in double quotes")


class _Composer:
    def __init__(self, text: Text) -> None:
        self._text = text
        # Marks do not count a byte order mark, and JSON may write one character as two halves, which libyaml refuses.
        readable = re.sub(f"^{_BYTE_ORDER_MARK}", "\n", text.text)
        loader = _FAST
        if _HALF_CHARACTER.search(readable):
            loader, readable = _PURE, _without_tabs(readable)
        self._events: Iterator[Any] = yaml.parse(readable, Loader=loader)
        self._anchors: dict[str, Node] = {}

    def documents(self) -> Iterator[Node]:
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                self._anchors = {}
                yield self._node(next(self._events), 0)

    def _node(self, event: Any, depth: int) -> Node:
        if isinstance(event, AliasEvent):
            return self._alias(event)
        if depth > MAX_DEPTH:
            raise self._text.error(
                event.start_mark.index, f"has more than {MAX_DEPTH} levels of nesting", fix="nest less"
            )
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        return self._sequence(event, depth) if isinstance(event, SequenceStartEvent) else self._mapping(event, depth)

    def _alias(self, event: Any) -> Node:
        name: str = event.anchor
        if name not in self._anchors:
            raise self._text.error(
                event.start_mark.index, f"is not YAML (no anchor {quote(name)} before it)", fix="mend it"
            )
        return AliasNode("", self._anchors[name], event.start_mark, event.end_mark)

    def _scalar(self, event: Any) -> Node:
        tag = event.tag
        if tag is None or tag == "!":
            is_plain = event.implicit[0] and tag is None
            tag = implicit_tag(event.value) if is_plain else STR
        node = ScalarNode(tag, event.value, event.start_mark, event.end_mark, event.style)
        return self._anchored(event, node)

    def _sequence(self, event: Any, depth: int) -> Node:
        items: list[Node] = []
        node = SequenceNode(
            _tag(event.tag) or TAG + "seq", items, event.start_mark, event.end_mark, flow_style=event.flow_style
        )
        self._anchored(event, node)
        while not isinstance(following := next(self._events), CollectionEndEvent):
            items.append(self._node(following, depth + 1))
        node.end_mark = following.end_mark
        return node

    def _mapping(self, event: Any, depth: int) -> Node:
        pairs: list[tuple[Node, Node]] = []
        node = MappingNode(
            _tag(event.tag) or TAG + "map", pairs, event.start_mark, event.end_mark, flow_style=event.flow_style
        )
        self._anchored(event, node)
        while not isinstance(following := next(self._events), CollectionEndEvent):
            pairs.append((self._node(following, depth + 1), self._node(next(self._events), depth + 1)))
        node.end_mark = following.end_mark
        return node

    def _anchored(self, event: Any, node: Node) -> Node:
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node


def _without_tabs(text: str) -> str:
    """JSON with spaces where it is indented by tabs, at which PyYAML's own parser stops."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    return _INDENTATION.sub(lambda match: " " * len(match[0]), text)


def _tag(written: str | None) -> str | None:
    """The tag that stands there; ``!`` is none."""
    return None if written == "!" else written
