"""What the names in a program stand for: imported modules and functions, and constants that are bound once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Owner: TypeAlias = ast.Module | ast.ClassDef | Function
OWNERS: Final = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)

MAX_STEPS: Final = 20
"""Names and parts that one is followed through; real programs need two or three, and a cycle ends."""


class Scope:
    """The names that a module, class or function binds.

    Attributes:
        bound: each name's only value, or None where it has several, or one that is no expression.
        classes: the scopes of the classes in it.
    """

    def __init__(self, owner: Owner, parent: Scope | None) -> None:
        self.owner = owner
        self.parent = parent
        self.bound: dict[str, ast.expr | None] = {}
        self.classes: dict[str, Scope] = {}

    def bind(self, name: str, value: ast.expr | None) -> None:
        """Note that `name` gets `value` here."""
        self.bound[name] = None if name in self.bound else value

    def find(self, name: str) -> ast.expr | None:
        """The value that `name` has for code that stands in this scope; class scopes are not seen from inside."""
        for scope in self._outwards():
            if name in scope.bound and (scope is self or not isinstance(scope.owner, ast.ClassDef)):
                return scope.bound[name]
        return None

    def attribute(self, owner: str, name: str) -> ast.expr | None:
        """The value of the class attribute ``owner.name``; `owner` is a class's name, ``self`` or ``cls``."""
        for scope in self._outwards():
            if owner in {"self", "cls"} and isinstance(scope.owner, ast.ClassDef):
                return scope.bound.get(name)
            if owner in scope.classes:
                return scope.classes[owner].bound.get(name)
        return None

    def _outwards(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


class Names:
    """The scopes of a program, by the nodes that open them, and what its imports bring."""

    def __init__(self, tree: ast.Module) -> None:
        self._imports: dict[str, str] = {}
        self._targets: set[ast.AST] = set()
        self.scopes: dict[ast.AST, Scope] = {tree: Scope(tree, None)}
        pending: list[tuple[ast.AST, Scope]] = [(tree, self.scopes[tree])]
        while pending:
            node, scope = pending.pop()
            pending += [(child, self._enter(child, scope)) for child in ast.iter_child_nodes(node)]

    def _enter(self, node: ast.AST, scope: Scope) -> Scope:
        """Note what `node` binds in `scope`, and give the scope of what is inside it."""
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._import(node)
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
            self._bind_targets(node, scope)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) and node not in self._targets:
            scope.bound[node.id] = None  # a loop's, a with's, a del's, a tuple's
        elif isinstance(node, OWNERS):
            return self._open(node, scope)
        return scope

    def _bind_targets(self, node: ast.Assign | ast.AnnAssign | ast.NamedExpr, scope: Scope) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        self._targets.update(targets)
        for target in targets:
            if isinstance(target, ast.Name) and node.value is not None:
                scope.bind(target.id, node.value)

    def _open(self, node: ast.ClassDef | Function, scope: Scope) -> Scope:
        inner = self.scopes[node] = Scope(node, scope)
        if isinstance(node, ast.ClassDef):
            scope.classes[node.name] = inner
            return inner
        arguments = node.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            inner.bound[argument.arg] = None
        return inner

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                self._imports[alias.asname or alias.name] = f"{node.module or ''}.{alias.name}"
            elif alias.asname:
                self._imports[alias.asname] = alias.name
            else:
                self._imports[alias.name.partition(".")[0]] = alias.name.partition(".")[0]

    def dotted(self, node: ast.expr, scope: Scope) -> str:
        """The full name of what `node` stands for, as ``os.environ.get``; "" where it is no name."""
        attributes: list[str] = []
        for _ in range(MAX_STEPS):
            if isinstance(node, ast.Attribute):
                attributes.append(node.attr)
                node = node.value
            elif isinstance(node, ast.Name) and isinstance(value := scope.find(node.id), (ast.Name, ast.Attribute)):
                node = value
            else:
                break
        if isinstance(node, ast.Name):
            attributes.append(self._imports.get(node.id, node.id))
        elif attributes:
            attributes.append("")
        return ".".join(reversed(attributes))
