"""The way through a program: each node with what the code around says about it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from webhook.manifests.lint.python.names import Names, Scope

_QUIET_CALLS: Final = re.compile(
    "critical|debug|echo|error|exception|fail|info|log|print|secho|skip|skipif|warn|warning|write"  # they tell
    "|count|(end|start)swith|r?find|r?index|r?partition|remove(pre|suf)fix|replace|r?split"  # they look at something
    "|compile|find(all|iter)|(full)?match|raises|search|subn?|url(parse|split)"
)
_QUIET_LABELS: Final = frozenset({"description", "doc", "epilog", "example", "examples", "help", "metavar", "title"})
_FIELDS: Final = frozenset({"field", "Field"})
_MODELS: Final = frozenset({"BaseModel", "BaseSettings"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """What the code around a node says about it.

    Attributes:
        label: the nearest name that it is given to: a variable's, a parameter's, a key, a function that is called.
        bound: whether it is the very value of that variable or parameter.
        parameter: whether it is a default.
        keyed: whether it is the very value of a mapping's key or of an argument that is given by name.
        holder: what a mapping with that key is given to, or the function; ends with ``**`` where other mappings go in.
        field: what makes a field where it is the default of one, ``field`` of dataclasses or ``Field`` of pydantic.
        quiet: whether a text here is only told, compared or looked at.
        used: whether something is done with its value.
    """

    scope: Scope
    label: str = ""
    bound: bool = False
    parameter: bool = False
    keyed: bool = False
    holder: str = ""
    field: str | None = None
    quiet: bool = False
    used: bool = True


class Walk:
    """Goes through a program as it is written, but past what has been `claimed`; without recursion."""

    def __init__(self, tree: ast.Module, names: Names) -> None:
        self.claimed: set[ast.AST] = set()
        self._tree = tree
        self._names = names

    def __iter__(self) -> Iterator[tuple[ast.AST, Where]]:
        pending: list[tuple[ast.AST, Where]] = [(self._tree, Where(scope=self._names.scopes[self._tree]))]
        while pending:
            node, where = pending.pop()
            if node in self.claimed:
                continue
            yield node, where
            if node not in self.claimed:
                pending += reversed(list(self._children(node, where)))

    def _children(self, node: ast.AST, where: Where) -> Iterator[tuple[ast.AST, Where]]:
        scope = self._names.scopes.get(node, where.scope)
        inner = replace(where, scope=scope, bound=False, parameter=False, keyed=False, field=None, used=True)
        if isinstance(node, ast.stmt):
            inner = replace(inner, label="", quiet=isinstance(node, (ast.Raise, ast.Assert)))
        return _inside(node, inner)


def _inside(node: ast.AST, inner: Where) -> Iterator[tuple[ast.AST, Where]]:
    match node:
        case ast.Expr(value=value):  # a docstring as a rule
            text = isinstance(value, (ast.Constant, ast.JoinedStr))
            return iter([(value, replace(inner, used=False, quiet=text))])
        case ast.Assign() | ast.AnnAssign():
            return _in_assignment(node, inner)
        case ast.arguments():
            return _in_parameters(node, inner)
        case ast.Call():
            return _in_call(node, inner)
        case ast.Dict():
            return _in_mapping(node, inner)
        case ast.Compare() | ast.MatchValue():
            return _in_comparison(node, inner)
        case _:
            return ((child, inner) for child in ast.iter_child_nodes(node))


def _in_assignment(node: ast.Assign | ast.AnnAssign, inner: Where) -> Iterator[tuple[ast.AST, Where]]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    yield from ((target, inner) for target in targets)
    if node.value is not None:
        field = _field_of(inner.scope.owner) if isinstance(node, ast.AnnAssign) else None
        yield node.value, replace(inner, label=name_of(targets[0]), bound=True, field=field)


def _field_of(owner: ast.AST) -> str | None:
    """What makes a field of the class `owner`."""
    if not isinstance(owner, ast.ClassDef):
        return None
    if any(name_of(base) in _MODELS for base in owner.bases):
        return "Field"
    decorators = (each.func if isinstance(each, ast.Call) else each for each in owner.decorator_list)
    return "field" if any(name_of(each) == "dataclass" for each in decorators) else None


def _in_parameters(node: ast.arguments, inner: Where) -> Iterator[tuple[ast.AST, Where]]:
    positional = [*node.posonlyargs, *node.args]
    pairs = [
        *zip(positional[len(positional) - len(node.defaults) :], node.defaults, strict=True),
        *zip(node.kwonlyargs, node.kw_defaults, strict=True),
    ]
    for parameter, default in pairs:
        if default is not None:
            yield default, replace(inner, label=parameter.arg, bound=True, parameter=True)


def _in_call(node: ast.Call, inner: Where) -> Iterator[tuple[ast.AST, Where]]:
    function = name_of(node.func)
    inner = replace(inner, quiet=inner.quiet or _QUIET_CALLS.fullmatch(function) is not None)
    yield node.func, inner  # quiet as well: "ray://...".startswith
    field = function if function in _FIELDS else None
    for number, given in enumerate(node.args):
        yield given, replace(inner, label=function, field=None if number else field)
    for named in node.keywords:
        label = named.arg or function
        default = label == "default"
        yield (
            named.value,
            replace(
                inner,
                label=label,
                parameter=default,
                keyed=named.arg is not None,
                holder=function,
                field=field if default else None,
                quiet=inner.quiet or label in _QUIET_LABELS,
            ),
        )


def _in_mapping(node: ast.Dict, inner: Where) -> Iterator[tuple[ast.AST, Where]]:
    holder = inner.label + ("**" if None in node.keys else "")
    for key, value in zip(node.keys, node.values, strict=True):
        if key is not None:
            yield key, inner
        bound = inner.scope.find(key.id) if isinstance(key, ast.Name) else key
        name = bound.value if isinstance(bound, ast.Constant) and isinstance(bound.value, str) else None
        label = name or (name_of(key) if key else "") or inner.label
        quiet = inner.quiet or label in _QUIET_LABELS
        yield value, replace(inner, label=label, keyed=key is not None, holder=holder, quiet=quiet)


def _in_comparison(node: ast.Compare | ast.MatchValue, inner: Where) -> Iterator[tuple[ast.AST, Where]]:
    for child in ast.iter_child_nodes(node):
        looked_at = isinstance(child, (ast.Constant, ast.JoinedStr, ast.List, ast.Set, ast.Tuple))
        yield child, replace(inner, quiet=inner.quiet or looked_at)


def name_of(node: ast.AST) -> str:
    """The last name of `node`: of ``a.b["c"]`` it is c; "" where it has none."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    name = getattr(node, "attr", None) or getattr(node, "id", None)
    return name if isinstance(name, str) else ""
