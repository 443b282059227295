"""Rules about settings that a program asks its environment for, and what it has where they are missing."""

from __future__ import annotations

import ast
from typing import Final

from webhook.errors import quote
from webhook.injection.findings import LintCode
from webhook.manifests.lint.endpoints import VARIABLES, endpoint_of, is_derived, is_on_loopback, is_setting
from webhook.manifests.lint.finding import Level
from webhook.manifests.lint.python import proposals
from webhook.manifests.lint.python.report import Program, Report
from webhook.manifests.lint.python.values import Value, argument, keyword
from webhook.manifests.lint.python.walk import Where, name_of

_GETTERS: Final = frozenset({"config", "env", "get", "get_env", "getenv", "getvar", "pop", "setdefault", "str"})
_REMOVERS: Final = {"os.environ.pop": "removes", "os.environ.setdefault": "sets"}
_OPTION_KEYWORDS: Final = ("envvar", "env", "env_var", "validation_alias", "alias")


def reads(node: ast.AST, where: Where, program: Program) -> Report | None:
    """``os.getenv`` and its like, and whatever else has a setting's name and a default for it."""
    if not isinstance(node, (ast.Call, ast.Subscript)):
        return None
    reading = program.values.reading(node, where.scope)
    if reading is None or reading.variable not in VARIABLES:
        return None
    value = program.values.of(node, where.scope)
    report = _default(node, value, where, program)
    if report is not None:
        sure = reading.known or (isinstance(node, ast.Call) and name_of(node.func) in _GETTERS)
        return report if sure or endpoint_of(value.text) else None
    return _by_hand(node, value, where, program) if reading.known else None


def chooses(node: ast.AST, where: Where, program: Program) -> Report | None:
    """``A or B``, ``A if ... else B`` where one of them asks for a setting."""
    if not isinstance(node, (ast.BoolOp, ast.IfExp)):
        return None
    alternatives = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
    if not any(program.values.of(each, where.scope).reads for each in alternatives):
        return None
    value = program.values.of(node, where.scope)
    if not value.reads:
        return None
    first = alternatives[0]
    asked = first if isinstance(node, ast.BoolOp) and isinstance(first, (ast.Name, ast.Attribute)) else None
    return _default(node, value, where, program, asked) or _by_hand(node, value, where, program)


def _default(
    node: ast.expr, value: Value, where: Where, program: Program, asked: ast.expr | None = None
) -> Report | None:
    variable, text = value.reads[0], value.text
    fix = proposals.reading(variable, asked)
    if value.is_literal and (is_setting(variable, text) or endpoint_of(text)):
        return Report(
            node=node,
            code=LintCode.DEFAULT_IN_CODE,
            message=f"{variable} has the default {quote(text)}",
            fix=fix,
            loopback=is_on_loopback(text),
            claims=(node,),
            origins=value.origins,
        )
    endpoint = endpoint_of(text, about_ray=True)
    if not where.quiet and ((endpoint and endpoint.derived) or is_derived(variable, text)):
        message = f"an address is put together by hand, {program.source.shown(node)}"
        return Report(node=node, code=LintCode.ADDRESS_DERIVED, message=message, fix=fix, claims=(node,))
    return None


def _by_hand(node: ast.expr, value: Value, where: Where, program: Program) -> Report | None:
    if where.quiet:
        return None  # what is only shown or compared needs nobody's help
    variable = value.reads[0]
    verb = _REMOVERS.get(program.function(node, where.scope)) if isinstance(node, ast.Call) else None
    if verb:
        message = f"{verb} {variable}, which the webhook has given the pod"
        code, fix = LintCode.ENVIRONMENT_WRITTEN, None
    else:
        message, code, fix = f"{variable} is read by hand", LintCode.READ_BY_HAND, proposals.reading(variable)
    return Report(node=node, code=code, level=Level.NOTE, message=message, fix=fix, claims=(node,))


def offers(node: ast.AST, where: Where, program: Program) -> Report | None:
    """An option of a command line, or a field, that has a default beside a variable's name."""
    if not isinstance(node, ast.Call):
        return None
    named = keyword(node, *_OPTION_KEYWORDS)
    if isinstance(named, (ast.List, ast.Tuple)) and named.elts:
        named = named.elts[0]
    variable = program.values.literal(named, where.scope)
    default = keyword(node, "default") or (argument(node, 0) if name_of(node.func) == "Field" else None)
    if variable is None or variable.upper() not in VARIABLES or default is None:
        return None
    value = program.values.of(default, where.scope)
    if not value.is_literal or not is_setting(variable.upper(), value.text):
        return None
    fix = proposals.reading(variable.upper())
    return Report(
        node=default,
        code=LintCode.DEFAULT_IN_CODE,
        message=f"{variable} has the default {quote(value.text)}",
        fix=proposals.default_factory(fix, "Field") if name_of(node.func) == "Field" else fix,
        loopback=is_on_loopback(value.text),
        claims=(default,),
        origins=value.origins,
    )
