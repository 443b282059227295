"""Rules about what connects: ``ray.init``, the Jobs API's client, and ``ray start`` as a child process."""

from __future__ import annotations

import ast
import re
from typing import Final

from webhook import contract
from webhook.errors import quote
from webhook.injection.findings import LintCode
from webhook.manifests.lint.endpoints import HOLE, endpoint_of, is_derived, is_on_loopback, is_setting
from webhook.manifests.lint.finding import Level
from webhook.manifests.lint.python import proposals
from webhook.manifests.lint.python.proposals import Proposal
from webhook.manifests.lint.python.report import Program, Report
from webhook.manifests.lint.python.values import Value, argument
from webhook.manifests.lint.python.walk import Where

_CONNECTS: Final = {"ray.init": "address", "ray.client": "address", "ray.util.connect": "conn_str"}
_JOBS_CLIENT: Final = "JobSubmissionClient"
_STARTS: Final = re.compile(
    "popen|call|check_call|check_output|create_subprocess_(exec|shell)|getoutput|run|system", re.IGNORECASE
)
_RAY_COMMAND: Final = re.compile(r"\bray\s+(start|status|memory|health-check)\b[^;|&\n]*--address[=\s]+['\"]?ray://")


def connects(node: ast.AST, where: Where, program: Program) -> Report | None:
    """``ray.init`` and its like with an address that stands in the code, or that is read by hand."""
    function = program.function(node, where.scope) if isinstance(node, ast.Call) else ""
    if not isinstance(node, ast.Call) or function not in _CONNECTS:
        return None
    given = argument(node, 0, _CONNECTS[function])
    if given is None:
        return None
    value = program.values.of(given, where.scope)
    fix = proposals.connecting(node, used=where.used and function == "ray.init")
    if value.is_literal and function == "ray.init" and value.text.startswith(("http://", "https://")):
        message = f"ray.init is given {quote(value.text)}, which is for the Jobs API; it refuses it"
        return _report(node, given, value, LintCode.ADDRESS_REFUSED, message, fix)
    return _judge(node, given, value, f"{function} is given", fix, program)


def submits(node: ast.AST, where: Where, program: Program) -> Report | None:
    """The Jobs API's client with an address that stands in the code, or that is read by hand."""
    function = program.function(node, where.scope) if isinstance(node, ast.Call) else ""
    if not isinstance(node, ast.Call) or function.rpartition(".")[2] != _JOBS_CLIENT:
        return None
    given = argument(node, 0, "address")
    if given is None:
        return None
    value = program.values.of(given, where.scope)
    fix = proposals.submitting(node, program.source.code(node.func))
    return _judge(node, given, value, f"{_JOBS_CLIENT} is given", fix, program)


def _judge(
    node: ast.Call, given: ast.expr, value: Value, subject: str, fix: Proposal, program: Program
) -> Report | None:
    text = value.text
    if value.is_literal and is_setting(contract.RAY_ADDRESS, text):
        if value.reads:
            message = f"{value.reads[0]} has the default {quote(text)}"
            return _report(node, given, value, LintCode.DEFAULT_IN_CODE, message, fix)
        code = LintCode.URL_IN_CODE if text.startswith("http") else LintCode.ADDRESS_IN_CODE
        return _report(node, given, value, code, f"{subject} {quote(text)}", fix)
    endpoint = endpoint_of(text, about_ray=True)
    if (endpoint and endpoint.derived) or is_derived(contract.RAY_ADDRESS, text):
        message = f"{subject} what is put together by hand, {program.source.shown(given)}"
        return _report(node, given, value, LintCode.ADDRESS_DERIVED, message, fix)
    if value.reads:
        return _report(node, given, value, LintCode.READ_BY_HAND, f"{subject} {value.reads[0]}, read by hand", fix)
    return None


def _report(node: ast.Call, given: ast.expr, value: Value, code: LintCode, message: str, fix: Proposal) -> Report:
    levels = {LintCode.ADDRESS_REFUSED: Level.ERROR, LintCode.READ_BY_HAND: Level.NOTE}
    return Report(
        node=node,
        code=code,
        level=levels.get(code, Level.WARNING),
        message=message,
        fix=fix,
        loopback=code is not LintCode.ADDRESS_REFUSED and is_on_loopback(value.text),
        claims=(given,),
        origins=value.origins,
    )


def starts(node: ast.AST, where: Where, program: Program) -> Report | None:
    """Ray's own commands, as a child process, with a client's address."""
    if not _STARTS.fullmatch(where.label) or not isinstance(node, (ast.List, ast.Tuple, ast.Constant, ast.JoinedStr)):
        return None
    words = node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node]
    command = " ".join(program.values.of(word, where.scope).text for word in words)
    match = _RAY_COMMAND.search(command)
    if match is None:
        return None
    message = f"ray {match[1]} is given {quote(match[0].replace(HOLE, '...'))}, a client's address, which it refuses"
    return Report(node=node, code=LintCode.ADDRESS_REFUSED, level=Level.ERROR, message=message, claims=(node,))
