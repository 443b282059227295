"""A shell script's syntax tree, and the words in it. What is broken is read around; nothing is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from webhook.manifests.lint.endpoints import HOLE

_BASH: Final = Language(tree_sitter_bash.language())
MAX_EXPANDED: Final = 20_000
"""Characters that known variables may add to a script; what goes beyond is a hole."""
_STRANGE: Final = re.compile(r"[^\x01-\x7f]")
_REDIRECTS: Final = frozenset({"file_redirect", "heredoc_redirect", "herestring_redirect"})
_UNKNOWN: Final = frozenset(
    {"arithmetic_expansion", "brace_expression", "command_substitution", "process_substitution"}
)
_EXPANSIONS: Final = frozenset({"expansion", "simple_expansion"})
_DEFAULTS: Final = frozenset({":-", "-", ":=", "="})
_ESCAPED: Final = re.compile(r"\\(\n|.)", re.DOTALL)
_ESCAPED_IN_QUOTES: Final = re.compile(r'\\([\n"$`\\])')


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A word as a command gets it, its quotes removed and with holes for expansions, and its place in the text."""

    text: str
    start: int
    end: int

    @property
    def span(self) -> tuple[int, int]:
        """The first character, and the one behind the last."""
        return self.start, self.end


class Script:
    """A script, or a part of a text that is one."""

    def __init__(
        self, text: str, start: int = 0, end: int | None = None, *, known: Mapping[str, str] | None = None
    ) -> None:
        """Read what stands from `start` to before `end`; all places are of `text`.

        Args:
            known: variables that are put in where they are expanded, as are defaults then; without it these are holes.
        """
        self._known = known
        self._spare = MAX_EXPANDED
        self._text = text[start:end]
        self._start = start
        # In ASCII bytes are characters; and other characters, or a NUL, can crash the scanner of tree-sitter-bash 0.25.
        self.root = Parser(_BASH).parse(_STRANGE.sub("x", self._text).encode()).root_node

    def span(self, node: Node) -> tuple[int, int]:
        """The characters of `node`."""
        return self._start + node.start_byte, self._start + node.end_byte

    def character(self, offset: int) -> str:
        """The character at `offset`."""
        return self._text[offset - self._start]

    def code(self, node: Node) -> str:
        """How `node` is written."""
        return self._text[node.start_byte : node.end_byte]

    def word(self, node: Node) -> Word:
        """The word that `node` is."""
        start, end = self.span(node)
        return Word(text=self._value(node), start=start, end=end)

    def words(self, command: Node) -> list[Word]:
        """The words of a command or declaration, redirections and assignments before it left out."""
        kept = (child for child in command.children if child.type not in _REDIRECTS | {"variable_assignment"})
        return [self.word(child) for child in kept if child.start_byte < child.end_byte]

    def _value(self, node: Node) -> str:
        code = self.code(node)
        match node.type:
            case "expansion" | "simple_expansion":
                return self._expanded(node)
            case kind if kind in _UNKNOWN:
                return HOLE
            case "raw_string":
                return code[1:-1]
            case "ansi_c_string":
                return code[2:-1]
            case "string" | "translated_string":
                return "".join(self._inside_quotes(node))
            case "concatenation" | "command_name":
                return "".join(map(self._value, node.children))
            case _:
                return _ESCAPED.sub(_unescape, code)

    def _inside_quotes(self, node: Node) -> Iterator[str]:
        known = [child for child in node.children if child.type in _UNKNOWN | _EXPANSIONS]
        opening = self.code(node).index('"') + 1
        position = node.start_byte + opening
        for child in known:
            yield _ESCAPED_IN_QUOTES.sub(_unescape, self._text[position : child.start_byte])
            yield self._value(child)
            position = child.end_byte
        yield _ESCAPED_IN_QUOTES.sub(_unescape, self._text[position : node.end_byte - 1])

    def _expanded(self, node: Node) -> str:
        if self._known is None:
            return HOLE
        name = next((self.code(child) for child in node.children if child.type == "variable_name"), "")
        value = self._known.get(name) or self._default(node)
        self._spare -= len(value)
        return value if value and self._spare >= 0 else HOLE

    def _default(self, expansion: Node) -> str:
        """What ``${NAME:-...}`` gives where the variable is missing; "" where it says nothing of it."""
        children = expansion.children
        operator = next((number for number, child in enumerate(children) if child.type in _DEFAULTS), len(children))
        return "".join(map(self._value, children[operator + 1 : -1]))

    def nodes(self) -> Iterator[tuple[Node, set[int]]]:
        """Every node, as it is written; those whose ids are put into the set are not gone into."""
        told: set[int] = set()
        pending = [self.root]
        while pending:
            node = pending.pop()
            yield node, told
            if node.id not in told:
                pending += reversed(node.children)

    def expansion(self, node: Node) -> tuple[str, Word]:
        """The variable of an ``expansion`` and, as a word at its place, its default."""
        name = next((child for child in node.children if child.type == "variable_name"), None)
        start, end = self.span(node)
        return self.code(name) if name else "", Word(text=self._default(node), start=start, end=end)

    def assignment(self, node: Node) -> tuple[str, Word]:
        """Name and value of a ``variable_assignment``, at the place of the whole."""
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        start, end = self.span(node)
        return self.code(name) if name else "", Word(text=self._value(value) if value else "", start=start, end=end)


def _unescape(match: re.Match[str]) -> str:
    return "" if match[1] == "\n" else match[1]
