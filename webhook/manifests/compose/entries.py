"""A service's environment, or its labels, as entries, whether it is written as a list or as a mapping.

An entry is a name and the text that is written for it: ``{"name": ..., "value": ...}``, without a value where Compose
takes that from the shell. The rule book is asked about what Compose makes of the text: ``$$`` is a dollar, and what
follows a single one is replaced, so it cannot be read, like a valueFrom.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from webhook.manifests.compose.file import ShapeError, pairs_of, text_of
from webhook.manifests.composer import target

Entry = Mapping[str, Any]
# As github.com/compose-spec/compose-go v2.4.7 does (tried): a dollar before anything else stays as it is.
_DOLLARS: Final = re.compile(r"\$\$|\$(?=[A-Za-z_{])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entries:
    """Entries, and whether they are written as a list."""

    items: tuple[Entry, ...] = ()
    is_list: bool = False

    def rendered(self, items: Sequence[Entry]) -> Any:
        """`items` as a value of the same form."""
        return [line(item) for item in items] if self.is_list else {item["name"]: item.get("value") for item in items}


def read_entries(node: Node | None) -> Entries:
    """The entries of an environment or of labels; none where there is no node.

    Raises:
        ShapeError: it is neither a list of texts nor a mapping to texts.
    """
    node = None if node is None else target(node)
    if isinstance(node, MappingNode):
        return Entries(items=tuple(_entry(name, text_of(value)) for name, value in pairs_of(node).items()))
    if isinstance(node, SequenceNode):
        return Entries(items=tuple(_of_line(text_of(item) or "") for item in node.value), is_list=True)
    if node is None or (isinstance(node, ScalarNode) and text_of(node) is None):
        return Entries()
    raise ShapeError("a text where a list or a mapping is allowed")


def _of_line(text: str) -> Entry:
    name, equals, value = text.partition("=")
    return _entry(name, value if equals else None)


def _entry(name: str, value: str | None) -> Entry:
    return {"name": name} if value is None else {"name": name, "value": value}


def line(entry: Entry) -> str:
    """An entry as an item of a list."""
    return f"{entry['name']}={entry['value']}" if "value" in entry else str(entry["name"])


def env_var(entry: Entry) -> dict[str, Any]:
    """The EnvVar that an entry is to the rule book."""
    value = entry.get("value")
    if value is None or is_interpolated(value):
        return {"name": entry["name"], "valueFrom": {}}
    # $(NAME) is a reference in Kubernetes and nothing in Compose; escaped it is nothing in both.
    return {"name": entry["name"], "value": unescaped(value).replace("$(", "$$(")}


def entry_of(env_var: Mapping[str, Any]) -> Entry:
    """The entry that an EnvVar of the rule book becomes; one with valueFrom is taken from the shell."""
    value = env_var.get("value")
    return _entry(env_var["name"], None if value is None else value.replace("$", "$$"))


def is_interpolated(text: str) -> bool:
    """Whether Compose replaces a part of the text.

    >>> [is_interpolated(text) for text in ("${HOST:-ray}:1", "a$$b", "$(NAME)", "plain")]
    [True, False, False, False]
    """
    return any(match[0] == "$" for match in _DOLLARS.finditer(text))


def unescaped(text: str) -> str:
    """A text without interpolation, as the container gets it."""
    return text.replace("$$", "$")
