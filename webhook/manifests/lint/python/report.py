"""What a rule says about a node, and what all rules are given."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

from webhook.injection.findings import LintCode
from webhook.manifests.lint.finding import Level
from webhook.manifests.lint.python.names import Names, Scope
from webhook.manifests.lint.python.proposals import Proposal
from webhook.manifests.lint.python.source import PythonSource
from webhook.manifests.lint.python.values import Values
from webhook.manifests.lint.python.walk import Where


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program, and what can be read of it."""

    source: PythonSource
    names: Names
    values: Values = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", Values(self.names))

    def function(self, call: ast.Call, scope: Scope) -> str:
        """The full name of what is called."""
        return self.names.dotted(call.func, scope)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a rule says about `node`.

    Attributes:
        fix: the code to write, or words; the code's advice where it is None.
        loopback: whether it is about the machine that the program runs on.
        claims: nodes of which, and of what is in them, nothing more is to be said.
        origins: constants, somewhere else in the program, whose findings this one tells as well.
    """

    node: ast.expr | ast.stmt
    code: LintCode
    message: str
    level: Level = Level.WARNING
    fix: Proposal | str | None = None
    loopback: bool = False
    claims: tuple[ast.AST, ...] = ()
    origins: tuple[ast.AST, ...] = ()


Rule = Callable[[ast.AST, Where, Program], Report | None]
