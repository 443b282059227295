"""YAML nodes as the plain values that kubectl makes of them: what JSON has, and every key a string.

kubectl reads with sigs.k8s.io/yaml, which turns YAML into JSON (its function convertToJSONableObject): a key that is a
bool or a number becomes its text, a date stays the text it is, and what JSON has not is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from webhook.errors import InputError, quote
from webhook.manifests.composer import MAX_DEPTH, AliasNode, target
from webhook.manifests.places import Text
from webhook.manifests.scalars import BOOL, FLOAT, INT, MERGE, NULL, STR, TAG, bool_of, float_of, int_of

SPARE_NODES: Final = 500_000
"""Nodes that aliases may add. A text without aliases has fewer nodes than characters, so only those can run out."""

_TEXTS: Final = frozenset({STR, MERGE, TAG + "timestamp", TAG + "value"})
_SCALARS: Final[dict[str, Callable[[str], Any]]] = {
    NULL: lambda _: None,
    BOOL: bool_of,
    INT: int_of,
    FLOAT: float_of,
}


class NodeReader:
    """Turns nodes into values; one for each text, since its budget of nodes is for all documents together."""

    def __init__(self, text: Text) -> None:
        """Read nodes of `text`."""
        self._text = text
        self._left = len(text.text) + SPARE_NODES

    def value(self, node: Node, depth: int = 0) -> Any:
        """The value of `node`, aliases expanded, so no two parts of it are one object.

        Raises:
            InputError: JSON has no such value or key, or it is nested too deep or grows too large; says where.
        """
        if isinstance(node, AliasNode):
            node = target(node)
        self._left -= 1
        if self._left < 0:
            raise self._error(node, f"more than {SPARE_NODES} values by its aliases", "write them out")
        if depth > MAX_DEPTH:
            raise self._error(node, f"more than {MAX_DEPTH} levels of nesting", "nest less")
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if isinstance(node, SequenceNode) and node.tag == TAG + "seq":
            return [self.value(item, depth + 1) for item in node.value]
        if isinstance(node, MappingNode) and node.tag == TAG + "map":
            return self._mapping(node, depth)
        raise self._error(node, f"the tag {quote(str(node.tag))}", "leave it out")

    def _mapping(self, node: MappingNode, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == MERGE:
                for other, item in self._merged(value, depth):
                    merged.setdefault(other, item)
                continue
            name = self.key(key)
            if name in own:
                raise self._error(key, f"the key {quote(name)} twice", "keep one")
            own[name] = self.value(value, depth + 1)
        return {**merged, **own}

    def _merged(self, node: Node, depth: int) -> Iterator[tuple[str, Any]]:
        value = self.value(node, depth + 1)
        for mapping in value if isinstance(value, list) else [value]:
            if not isinstance(mapping, dict):
                raise self._error(node, "a merge of what is no mapping", "merge mappings")
            yield from mapping.items()

    def key(self, node: Node) -> str:
        """The text of a mapping's key.

        Raises:
            InputError: it has none.
        """
        value = self.value(node, MAX_DEPTH) if isinstance(target(node), ScalarNode) else None
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, float):
            return f"{value:g}"
        if isinstance(value, (str, int)):
            return str(value)
        raise self._error(node, "a key that is no text", "give it a name")

    def _scalar(self, node: ScalarNode) -> Any:
        if node.tag in _TEXTS:
            return self._string(node)
        construct = _SCALARS.get(str(node.tag))
        if construct is None:
            raise self._error(node, f"the tag {quote(str(node.tag))}", "leave it out")
        try:
            return construct(node.value)
        except (ArithmeticError, ValueError):
            kind = str(node.tag).removeprefix(TAG)
            raise self._error(node, f"{quote(node.value)}, which is no {kind} in JSON", "mend it") from None

    def _string(self, node: ScalarNode) -> str:
        text: str = node.value
        if text.isascii():
            return text
        try:
            # JSON escapes what is beyond 16 bits as a pair of surrogates, and JSON is read as YAML here.
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise self._error(node, "half a surrogate pair", "write the whole character") from None

    def _error(self, node: Node, problem: str, fix: str) -> InputError:
        return self._text.error(node.start_mark.index, f"has {problem}", fix=fix)
