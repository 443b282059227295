"""A manifest's text with its documents: plain values for the rules, and nodes that say where each part stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from webhook.errors import InputError
from webhook.manifests.composer import compose, target
from webhook.manifests.nodes import NodeReader
from webhook.manifests.places import Text
from webhook.manifests.scalars import MERGE, STR

Path = Sequence[str | int]
"""The way from a document's root to a part: keys of mappings and indices of sequences."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One object of a text: of an item of a List it is the item.

    Attributes:
        root: its node; two items of a List that are aliases of one anchor have the same.
        value: what kubectl reads there.
        number: which document of the text it stands in, from 0; the items of a List share theirs.
        top: the root of that document.
    """

    root: Node
    value: Any
    number: int
    top: Node


@dataclass(frozen=True, kw_only=True)
class Source(Text):
    """A text of documents in YAML or JSON.

    Attributes:
        documents: its objects, the items of Lists among them.
    """

    documents: tuple[Document, ...] = ()

    @classmethod
    def parse(cls, text: str, *, name: str) -> Source:
        """Read Kubernetes objects; empty documents do not count.

        Raises:
            InputError: it is not YAML, has values that JSON has not, or a document is no Kubernetes object; says where.
        """
        plain = cls.parse_any(text, name=name)
        objects = tuple(item for document in plain.documents for item in _objects(document, plain))
        return cls(name=name, text=text, documents=objects)

    def reread(self, text: str) -> Source:
        """The source after a change to `text`.

        Raises:
            InputError: as :meth:`parse` does.
        """
        return self if text == self.text else Source.parse(text, name=self.name)

    @classmethod
    def parse_any(cls, text: str, *, name: str) -> Source:
        """Read documents of any shape, such as a Compose file; empty ones do not count.

        Raises:
            InputError: it is not YAML, or has values that JSON has not; says where.
        """
        given = Text(name=name, text=text)
        reader = NodeReader(given)
        found = [(number, root, reader.value(root)) for number, root in enumerate(compose(given))]
        documents = [
            Document(root=target(root), value=value, number=number, top=root)
            for number, root, value in found
            if value is not None
        ]
        return cls(name=name, text=text, documents=tuple(documents))


def _objects(document: Document, text: Text) -> Iterator[Document]:
    value = document.value
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        raise InputError(
            f"{text.name} has a document that is no Kubernetes object", allowed="objects with a kind", fix="mend it"
        )
    items = value.get("items")
    if value["kind"].endswith("List") and isinstance(items, list):
        for index, item in enumerate(items):
            yield from _objects(replace(document, root=node_at(document.root, ["items", index]), value=item), text)
    else:
        yield document


def node_at(root: Node, path: Path) -> Node:
    """The node at `path`: through aliases, and through merges where a mapping has no such key itself.

    Raises:
        LookupError: there is none.
    """
    node = target(root)
    for step in path:
        node = target(step_to(node, step))
    return node


def step_to(node: Node, step: str | int) -> Node:
    """The child of `node` at the key or index `step`, which may be an alias.

    Raises:
        LookupError: there is none.
    """
    if isinstance(step, int):
        items: list[Node] = node.value if isinstance(node, SequenceNode) else []
        return items[step]
    return _pair(node, step)[1]


def key_at(root: Node, path: Path) -> Node:
    """The node of the key that `path` ends with.

    Raises:
        LookupError: there is none.
    """
    *parents, key = path
    return target(_pair(node_at(root, parents), str(key))[0])


def _pair(node: Node, key: str) -> tuple[Node, Node]:
    if isinstance(node, MappingNode):
        for pair in node.value:
            if pair[0].tag != MERGE and key_text(pair[0]) == key:
                found: tuple[Node, Node] = pair
                return found
        for mapping in _merged(node):
            try:
                return _pair(mapping, key)
            except LookupError:
                continue
    raise LookupError(key)


def _merged(node: MappingNode) -> Iterator[Node]:
    for key, value in node.value:
        if key.tag == MERGE:
            given = target(value)
            yield from map(target, given.value) if isinstance(given, SequenceNode) else [given]


def key_text(node: Node) -> str | None:
    """The text of a mapping's key; None for one that a document cannot have."""
    if node.tag == STR and isinstance(node, ScalarNode) and node.value.isascii():
        text: str = node.value
        return text
    try:
        return NodeReader(Text(name="", text="")).key(node)
    except InputError:
        return None
