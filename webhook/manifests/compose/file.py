"""A Compose file: its text, its one document, and its services."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from webhook import contract
from webhook.errors import InputError
from webhook.manifests.composer import compose, target
from webhook.manifests.nodes import NodeReader
from webhook.manifests.places import Text
from webhook.manifests.records import Record, parse_record
from webhook.manifests.scalars import STR, TAG
from webhook.manifests.source import Source

SERVICES: Final = "services"
_MENTION: Final = re.compile(r"""\bservices["']?\s*:""")
_MERGE_TAGS: Final = frozenset({"!reset", "!override"})
"""Compose's own, which say how a file is merged with others."""
_KINDS: Final = {MappingNode: TAG + "map", SequenceNode: TAG + "seq", ScalarNode: STR}


@dataclass(frozen=True, kw_only=True)
class ComposeFile(Source):
    """A Compose file; it has no Kubernetes objects.

    Attributes:
        root: the node of its document.
        value: its content, scalars as kubectl reads them: good enough to compare, not to be written anew.
    """

    root: MappingNode
    value: dict[str, Any]

    @classmethod
    def read(cls, text: str, *, name: str) -> ComposeFile | None:
        """The Compose file that `text` is, or None where it is none.

        Raises:
            InputError: it is not YAML, or has several documents, of which one is a Compose file's; says where.
        """
        given = Text(name=name, text=text)
        reader = NodeReader(given)
        roots = [_without_merge_tags(root) for root in compose(given)]
        found = [(root, value) for root in roots if (value := reader.value(root)) is not None]
        if not any(is_compose(value) for _, value in found):
            return None
        if len(found) > 1:
            raise InputError(
                f"{name} has {len(found)} documents", allowed="one document in a Compose file", fix="split it"
            )
        ((root, value),) = found
        return cls(name=name, text=text, root=root, value=value) if isinstance(root, MappingNode) else None

    @property
    def services(self) -> Iterator[str]:
        """The names of its services; what is no mapping is none."""
        return (name for name, service in self.value[SERVICES].items() if isinstance(service, dict))

    @property
    def record(self) -> Record | None:
        """What ``inject`` recorded in the file."""
        text = self.value.get(contract.COMPOSE_RECORD)
        return parse_record(text.replace("$$", "$")) if isinstance(text, str) else None


def read_manifests(text: str, *, name: str) -> Source:
    """What `text` holds: Kubernetes objects, or a Compose file.

    Raises:
        InputError: it is neither; says why and where.
    """
    found = ComposeFile.read(text, name=name) if _MENTION.search(text) else None
    return found or Source.parse(text, name=name)


def is_compose(value: object) -> bool:
    """Whether a document is a Compose file's: it has services and no kind."""
    return isinstance(value, dict) and isinstance(value.get(SERVICES), dict) and "kind" not in value


def written(record: Record) -> str:
    """The record as a value in the file, in which Compose replaces what follows a single dollar."""
    return record.text().replace("$", "$$")


def _without_merge_tags(node: Node) -> Node:
    """The node, on which Compose's own tags gave way to those that are usual."""
    if node.tag in _MERGE_TAGS:
        node.tag = _KINDS[type(node)]
    if isinstance(node, MappingNode):
        for pair in node.value:
            for part in pair:
                _without_merge_tags(part)
    elif isinstance(node, SequenceNode):
        for item in node.value:
            _without_merge_tags(item)
    return node


def pairs_of(node: Node) -> dict[str, Node]:
    """The keys of a mapping as they are written, with the nodes of their values, those that are merged among them."""
    own: dict[str, Node] = {}
    merged: dict[str, Node] = {}
    for key, value in target(node).value:
        if is_merge(key):
            for mapping in _merged(target(value)):
                for name, item in pairs_of(mapping).items():
                    merged.setdefault(name, item)
        else:
            own[text_of(key) or ""] = value
    return {**merged, **own}


def is_merge(key: Node) -> bool:
    """Whether a key merges other mappings in."""
    return key.tag == TAG + "merge"


def _merged(node: Node) -> list[Node]:
    return node.value if isinstance(node, SequenceNode) else [node]


def text_of(node: Node) -> str | None:
    """A scalar as it is written, which is how Compose hands it on; None for null.

    Raises:
        ShapeError: it is no scalar.
    """
    scalar = target(node)
    if not isinstance(scalar, ScalarNode):
        raise ShapeError("a mapping or a list where a text is allowed")
    if scalar.tag == TAG + "null":
        return None
    text: str = scalar.value
    # JSON may write one character as two halves.
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16")


class ShapeError(ValueError):
    """Some part of a service has not the shape that Compose allows; the text says what it has."""
