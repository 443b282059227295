"""What an expression gives, as far as that can be read: its literal text, and the settings that it reads."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from webhook.manifests.lint.endpoints import HOLE, VARIABLES
from webhook.manifests.lint.python.names import MAX_STEPS, Names, Scope

ENVIRONMENT: Final = "os.environ"
READERS: Final = frozenset({"os.getenv", "os.environ.get", "os.environ.pop", "os.environ.setdefault"})
MAX_PIECES: Final = 200
MAX_LENGTH: Final = 10_000
"""Characters of a text that is put together; no address is nearly as long, but a few names can double to any length."""
_WRITERS: Final = frozenset({"setenv", "putenv", "delenv", "unsetenv", "setattr", "setitem", "V1EnvVar"})
_TRIMMERS: Final = frozenset({"strip", "lstrip", "rstrip", "lower"})
_PLACEHOLDER: Final = re.compile(r"%[-#0 +]*\d*(?:\.\d+)?[sdri]")
_RAYS: Final = re.compile(r"(?:^|_)ray(?:_|$)|^Ray", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """What an expression gives.

    Attributes:
        parts: its text in pieces: what is literal, and the expressions that are only known when the program runs.
        reads: the settings that it asks the environment for by itself.
        asked: whether it comes from the environment, and what is literal is a default.
        about_ray: whether something in it comes from a setting, or has a name that says so.
        origins: the constants that the literal pieces were bound to names by.
    """

    parts: tuple[str | ast.expr, ...] = ()
    reads: tuple[str, ...] = ()
    asked: bool = False
    about_ray: bool = False
    origins: tuple[ast.expr, ...] = ()

    @property
    def text(self) -> str:
        """The text, with a hole for each piece that is not known."""
        return "".join(part if isinstance(part, str) else HOLE for part in self.parts)

    @property
    def is_literal(self) -> bool:
        """Whether all of the text is known."""
        return bool(self.parts) and all(isinstance(part, str) for part in self.parts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A call or subscript that asks for a variable; `known` is whether it surely asks the environment for it."""

    variable: str
    default: ast.expr | None
    known: bool


class Values:
    """Reads the expressions of one program."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: dict[tuple[ast.expr, Scope, int], Value] = {}

    def literal(self, node: ast.expr | None, scope: Scope) -> str | None:
        """The whole text of `node`, or None where a part of it is not known."""
        value = self.of(node, scope) if node is not None else Value()
        return value.text if value.is_literal and not value.asked else None

    def reading(self, node: ast.expr, scope: Scope, steps: int = MAX_STEPS) -> Reading | None:
        """What `node` itself, not what is inside it, asks for."""
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            of_environment = self._names.dotted(node.value, scope) == ENVIRONMENT
            variable = self._key(node.slice, scope, steps) if of_environment else None
            return Reading(variable=variable, default=None, known=True) if variable else None
        if not isinstance(node, ast.Call) or not node.args:
            return None
        function = self._names.dotted(node.func, scope)
        variable = self._key(node.args[0], scope, steps)
        known = function in READERS
        default = node.args[1] if len(node.args) > 1 else keyword(node, "default")
        if variable is None or not (known or (default and variable in VARIABLES)):
            return None
        if function.rpartition(".")[2] in _WRITERS:
            return None
        return Reading(variable=variable, default=default, known=known)

    def _key(self, node: ast.expr, scope: Scope, steps: int) -> str | None:
        value = self.of(node, scope, steps - 1)
        return value.text if value.is_literal and not value.asked else None

    def of(self, node: ast.expr, scope: Scope, steps: int = MAX_STEPS) -> Value:
        """What `node` gives; an expression that cannot be read is one piece that is not known."""
        if isinstance(node, ast.Constant):
            return Value() if node.value is None else Value(parts=(str(node.value),))
        if steps <= 0:
            return Value(parts=(node,))
        pieces = _pieces(node)
        if pieces is not None:
            return self._joined(pieces, scope, steps - 1) or Value(parts=(node,))
        if isinstance(node, (ast.Name, ast.Attribute)):
            return self._named(node, scope, steps - 1)
        alternatives = _alternatives(node)
        if alternatives:
            return self._either(alternatives, scope, steps - 1)
        reading = self.reading(node, scope, steps)
        if reading is not None:
            default = self.of(reading.default, scope, steps - 1) if reading.default else Value()
            own = (reading.variable,) if reading.variable in VARIABLES else ()
            about_ray = bool(own) or default.about_ray
            reads = (*own, *default.reads)
            return Value(parts=default.parts, reads=reads, asked=True, about_ray=about_ray, origins=default.origins)
        inner = _trimmed(node)
        return self.of(inner, scope, steps - 1) if inner else Value(parts=(node,))

    def _named(self, node: ast.Name | ast.Attribute, scope: Scope, steps: int) -> Value:
        bound: ast.expr | None = None
        if isinstance(node, ast.Name):
            bound = scope.find(node.id)
        elif isinstance(node.value, ast.Name):
            bound = scope.attribute(node.value.id, node.attr)
        value = self._bound(bound, scope, steps) if bound is not None else Value()
        if value.is_literal and not value.asked and bound is not None:
            return Value(parts=value.parts, origins=(bound, *value.origins))
        name = node.id if isinstance(node, ast.Name) else node.attr
        return Value(parts=(node,), about_ray=value.about_ray or bool(_RAYS.search(name)))

    def _bound(self, bound: ast.expr, scope: Scope, steps: int) -> Value:
        """What a name's only value gives: read once, however often the name is used."""
        if (bound, scope, steps) not in self._known:
            self._known[bound, scope, steps] = self.of(bound, scope, steps)
        return self._known[bound, scope, steps]

    def _joined(self, pieces: Iterable[str | ast.expr], scope: Scope, steps: int) -> Value | None:
        """The text of the pieces one behind the other; None where it is longer than anything that matters."""
        parts: list[str | ast.expr] = []
        values: list[Value] = []
        length = 0
        for piece in pieces:
            value = Value(parts=(piece,)) if isinstance(piece, str) else self.of(piece, scope, steps)
            # A default inside a text does not make the text known.
            parts += value.parts if isinstance(piece, str) or (value.parts and not value.asked) else [piece]
            values.append(value)
            length += sum(len(part) for part in value.parts if isinstance(part, str))
            if len(parts) > MAX_PIECES or length > MAX_LENGTH:
                return None
        return _merged(tuple(parts), values)

    def _either(self, alternatives: list[ast.expr], scope: Scope, steps: int) -> Value:
        values = [self.of(alternative, scope, steps) for alternative in alternatives]
        known = [value for value in values if value.is_literal and value.text]
        return _merged((known or values)[-1].parts, values)


def _merged(parts: tuple[str | ast.expr, ...], values: list[Value]) -> Value:
    return Value(
        parts=parts,
        reads=tuple(dict.fromkeys(variable for value in values for variable in value.reads)),
        asked=any(value.asked for value in values),
        about_ray=any(value.about_ray for value in values),
        origins=tuple(dict.fromkeys(origin for value in values for origin in value.origins)),
    )


def keyword(call: ast.Call, *names: str) -> ast.expr | None:
    """The argument of `call` that is given by one of `names`."""
    return next((argument.value for argument in call.keywords if argument.arg in names), None)


def argument(call: ast.Call, position: int, *names: str) -> ast.expr | None:
    """The argument of `call` at `position`, or by one of `names`."""
    if len(call.args) > position and not any(isinstance(given, ast.Starred) for given in call.args[: position + 1]):
        return call.args[position]
    return keyword(call, *names)


def _alternatives(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        return node.values
    return [node.body, node.orelse] if isinstance(node, ast.IfExp) else []


def _trimmed(node: ast.expr) -> ast.expr | None:
    """The expression whose text `node` gives, but for blanks at the ends and the like."""
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute) and node.func.attr in _TRIMMERS:
        return node.func.value
    if isinstance(node.func, ast.Name) and node.func.id == "str" and len(node.args) == 1:
        return node.args[0]
    return None


def _pieces(node: ast.expr) -> list[str | ast.expr] | None:
    """The pieces of a text that `node` puts together: an f-string, a sum, ``%`` or ``format``; None for all else."""
    if isinstance(node, ast.JoinedStr):
        return [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return list(_summands(node))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        template = node.left.value if isinstance(node.left, ast.Constant) else None
        given = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        return list(_percent(template, given)) if isinstance(template, str) else None
    return _formatted(node)


def _summands(node: ast.BinOp) -> Iterator[ast.expr]:
    right: list[ast.expr] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Add):
        right.append(left.right)
        left = left.left
    return iter([left, *reversed(right)])


def _percent(template: str, given: list[ast.expr]) -> Iterator[str | ast.expr]:
    literals = _PLACEHOLDER.split(template)
    for number, literal in enumerate(literals):
        yield literal.replace("%%", "%")
        if number < len(literals) - 1:
            yield given[number] if number < len(given) else ast.Name(HOLE, ast.Load())


def _formatted(node: ast.expr) -> list[str | ast.expr] | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "format":
        return None
    template = node.func.value.value if isinstance(node.func.value, ast.Constant) else None
    if not isinstance(template, str):
        return None
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError:
        return None
    return list(_filled(fields, node))


def _filled(
    fields: Iterable[tuple[str, str | None, str | None, str | None]], call: ast.Call
) -> Iterator[str | ast.expr]:
    given = iter(call.args)
    for literal, name, _, _ in fields:
        yield literal
        if name is not None:
            unknown = ast.Name(HOLE, ast.Load())
            yield (keyword(call, name) or unknown) if name and not name.isdecimal() else next(given, unknown)
