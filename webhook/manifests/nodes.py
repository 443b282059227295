"""YAML nodes as the plain values that kubectl makes of them: what JSON has, and every key a string.

kubectl reads with sigs.k8s.io/yaml, which turns YAML into JSON (its function convertToJSONableObject): a key that is a
bool or a number becomes its text, a date stays the text it is, and what JSON has not is an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import StreamMark
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from webhook.errors import InputError, quote

MAX_DEPTH: Final = 100
"""Levels of nesting: several times what any API type has, and within what each later step bears."""

SPARE_NODES: Final = 500_000
"""Nodes that aliases may add. A text without aliases has fewer nodes than characters, so only those can run out."""

_TAG: Final = "tag:yaml.org,2002:"
_TEXTS: Final = frozenset({_TAG + "str", _TAG + "timestamp", _TAG + "value"})
_INTEGERS: Final = range(-(2**63), 2**64)


class NodeReader:
    """Turns nodes into values; one for each text, since its budget of nodes is for all documents together."""

    def __init__(self, constructor: SafeConstructor, *, source: str, characters: int) -> None:
        """Read nodes of the input `source`, a text of so many `characters`; the constructor knows scalars."""
        self._source = source
        self._left = characters + SPARE_NODES
        self._scalars: dict[str, Callable[[ScalarNode], Any]] = {
            _TAG + "null": lambda _: None,
            _TAG + "bool": constructor.construct_yaml_bool,
            _TAG + "int": lambda node: self._integer(node, constructor),
            _TAG + "float": self._float,
        }

    def value(self, node: Node, depth: int = 0) -> Any:
        """The value of `node`, aliases expanded, so no two parts of it are one object.

        Raises:
            InputError: JSON has no such value or key, or it is nested too deep or grows too large; says where.
        """
        self._left -= 1
        if self._left < 0:
            raise self._error(node, f"more than {SPARE_NODES} values by its aliases", "write them out")
        if depth > MAX_DEPTH:
            raise self._error(node, f"more than {MAX_DEPTH} levels of nesting", "nest less")
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
            return [self.value(item, depth + 1) for item in node.value]
        if isinstance(node, MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, depth)
        raise self._error(node, f"the tag {quote(str(node.tag))}", "leave it out")

    def _mapping(self, node: MappingNode, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == _TAG + "merge":
                for other, item in self._merged(value, depth):
                    merged.setdefault(other, item)
                continue
            name = self._key(key)
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

    def _key(self, node: Node) -> str:
        value = self.value(node, MAX_DEPTH) if isinstance(node, ScalarNode) else None
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, float):
            return f"{value:g}"
        if isinstance(value, (str, int)):
            return str(value)
        raise self._error(node, "a key that is no text", "give it a name")

    def _scalar(self, node: ScalarNode) -> Any:
        if node.tag in _TEXTS:
            return self._text(node)
        construct = self._scalars.get(str(node.tag))
        if construct is None:
            raise self._error(node, f"the tag {quote(str(node.tag))}", "leave it out")
        try:
            return construct(node)
        except (ArithmeticError, LookupError, ValueError):
            kind = str(node.tag).removeprefix(_TAG)
            raise self._error(node, f"{quote(node.value)}, which is no {kind} in JSON", "mend it") from None

    def _text(self, node: ScalarNode) -> str:
        text: str = node.value
        if text.isascii():
            return text
        try:
            # JSON escapes what is beyond 16 bits as a pair of surrogates, and JSON is read as YAML here.
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise self._error(node, "half a surrogate pair", "write the whole character") from None

    def _integer(self, node: ScalarNode, constructor: SafeConstructor) -> int | float | str:
        if ":" in node.value:
            return self._text(node)  # base 60, which kubectl's reader has not
        number: int = constructor.construct_yaml_int(node)
        return number if number in _INTEGERS else self._float(node)

    def _float(self, node: ScalarNode) -> float | str:
        if ":" in node.value:
            return self._text(node)
        number = float(node.value.replace("_", ""))  # not ruamel's, which prints a warning for 1e3
        if not math.isfinite(number):
            raise ValueError(node.value)
        return number

    def _error(self, node: Node, problem: str, fix: str) -> InputError:
        mark: StreamMark = node.start_mark
        return InputError(f"{self._source}:{mark.line + 1}:{mark.column + 1} has {problem}", fix=fix)
