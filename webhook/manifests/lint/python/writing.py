"""Rules about settings that a program gives to its own environment, or to what it starts."""

from __future__ import annotations

import ast
from typing import Final

from webhook import contract
from webhook.errors import quote
from webhook.injection.findings import LintCode
from webhook.manifests.lint.endpoints import VARIABLES, endpoint_of, is_derived, is_on_loopback, is_setting
from webhook.manifests.lint.finding import Level
from webhook.manifests.lint.python.report import Program, Report
from webhook.manifests.lint.python.values import ENVIRONMENT, argument
from webhook.manifests.lint.python.walk import Where, name_of

_SETTERS: Final = {"setenv": 0, "putenv": 0, "setitem": 1}
"""What sets a variable, to the position of its name; the value comes next."""
_OF_PODS: Final = frozenset({"EnvVar", "V1EnvVar"})
_ENVIRONMENTS: Final = frozenset({"dict", "patch", "update"})
_NAMES: Final = VARIABLES | {contract.RAY_AUTH_TOKEN}
_RUNTIME_ENV: Final = "env_vars"


def assigns(node: ast.AST, where: Where, program: Program) -> Report | None:
    """``os.environ["RAY_ADDRESS"] = ...``, and of any other mapping."""
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Subscript):
        return None
    target = node.targets[0]
    name = program.values.literal(target.slice, where.scope)
    report = _given(name, node.value, node, where, program)
    if report is not None or name not in VARIABLES or not _is_environment(target.value, where, program):
        return report
    harmless = program.values.literal(node.value, where.scope) is not None  # as "auto"
    return None if harmless else _meddles("sets", name, node)


def removes(node: ast.AST, where: Where, program: Program) -> Report | None:
    """``del os.environ[...]`` and ``os.unsetenv``."""
    removed: ast.expr | None = None
    if isinstance(node, ast.Delete) and isinstance(target := node.targets[0], ast.Subscript):
        removed = target.slice if _is_environment(target.value, where, program) else None
    elif isinstance(node, ast.Call) and program.function(node, where.scope) == "os.unsetenv":
        removed = argument(node, 0)
    name = program.values.literal(removed, where.scope)
    return _meddles("removes", name, node) if name in VARIABLES and isinstance(node, (ast.Delete, ast.Call)) else None


def _is_environment(node: ast.expr, where: Where, program: Program) -> bool:
    return program.names.dotted(node, where.scope) == ENVIRONMENT


def _meddles(verb: str, name: str, node: ast.stmt | ast.expr) -> Report:
    message = f"{verb} {name}, which the webhook has given the pod"
    return Report(node=node, code=LintCode.ENVIRONMENT_WRITTEN, level=Level.NOTE, message=message)


def sets(node: ast.AST, where: Where, program: Program) -> Report | None:
    """``putenv``, ``setenv`` and their like; an EnvVar of Kubernetes' client."""
    if not isinstance(node, ast.Call):
        return None
    function = name_of(node.func)
    position = 0 if function in _OF_PODS else _SETTERS.get(function)
    if position is None:
        return None
    name = program.values.literal(argument(node, position, "name", "key"), where.scope)
    code = LintCode.SCRIPT_DECLARES if function in _OF_PODS else LintCode.ENVIRONMENT_WRITTEN
    return _given(name, argument(node, position + 1, "value"), node, where, program, code)


def declares(node: ast.AST, where: Where, program: Program) -> Report | None:
    """An item of a container's env."""
    if not isinstance(node, ast.Dict):
        return None
    item = {
        key.value: value for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant)
    }
    if "name" not in item or "value" not in item:
        return None
    name = program.values.literal(item["name"], where.scope)
    return _given(name, item["value"], node, where, program, LintCode.SCRIPT_DECLARES)


def holds(node: ast.AST, where: Where, program: Program) -> Report | None:
    """A setting's value in a mapping, or as an argument that is called as the variable."""
    if not isinstance(node, ast.expr) or where.label not in _NAMES:
        return None
    holder = where.holder.lower()
    in_runtime_env = where.holder.startswith(_RUNTIME_ENV)
    sure = in_runtime_env or "env" in holder or holder.endswith("**") or holder in _ENVIRONMENTS
    if not sure and endpoint_of(program.values.of(node, where.scope).text, about_ray=True) is None:
        return None
    code = LintCode.DECLARED_IN_RUNTIME_ENV if in_runtime_env else LintCode.ENVIRONMENT_WRITTEN
    return _given(where.label, node, node, where, program, code)


def _given(
    name: str | None,
    given: ast.expr | None,
    node: ast.expr | ast.stmt,
    where: Where,
    program: Program,
    code: LintCode = LintCode.ENVIRONMENT_WRITTEN,
) -> Report | None:
    """What is to be said where the variable `name` gets the value of `given`."""
    if name is None or given is None:
        return None
    value = program.values.of(given, where.scope)
    if name == contract.RAY_AUTH_TOKEN and value.is_literal and value.text and not value.asked:
        message = f"{name} is written out"
        return Report(node=node, code=LintCode.TOKEN_WRITTEN, level=Level.ERROR, message=message, claims=(given,))
    if not (value.is_literal and is_setting(name, value.text)) and not is_derived(name, value.text):
        return None
    misleads = code is LintCode.DECLARED_IN_RUNTIME_ENV and name == contract.RAY_ADDRESS and "://" in value.text
    written = quote(value.text) if value.is_literal else program.source.shown(given)
    return Report(
        node=node,
        code=code,
        level=Level.ERROR if misleads else Level.WARNING,
        message=f"{_SUBJECTS.get(code, 'sets')} {name} to {written}",
        loopback=not misleads and is_on_loopback(value.text),
        claims=(given,),
        origins=value.origins,
    )


_SUBJECTS: Final = {
    LintCode.DECLARED_IN_RUNTIME_ENV: "a runtime_env sets",
    LintCode.SCRIPT_DECLARES: "a container's env sets",
}
