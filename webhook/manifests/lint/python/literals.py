"""Rules about addresses and URLs that stand in the code, wherever they go to."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Final

from webhook.errors import quote
from webhook.injection.findings import LintCode
from webhook.manifests.lint.endpoints import (
    HOLE,
    VARIABLES,
    Endpoint,
    Service,
    endpoint_of,
    is_on_loopback,
    is_setting,
)
from webhook.manifests.lint.finding import Level
from webhook.manifests.lint.python import proposals
from webhook.manifests.lint.python.proposals import Proposal
from webhook.manifests.lint.python.report import Program, Report
from webhook.manifests.lint.python.values import Value
from webhook.manifests.lint.python.walk import Where

_THINGS: Final = {
    Service.CLIENT: "an address of Ray",
    Service.DASHBOARD: "a URL of Ray's dashboard",
    Service.SERVE: "a URL of Ray Serve",
}


def derives(node: ast.AST, where: Where, program: Program) -> Report | None:
    """An address or URL that is put together: an f-string, a sum, ``%`` or ``format``."""
    if where.quiet or not isinstance(node, (ast.JoinedStr, ast.BinOp, ast.Call)):
        return None
    value = program.values.of(node, where.scope)
    endpoint = endpoint_of(value.text, about_ray=value.about_ray) if len(value.parts) > 1 else None
    if endpoint is None or (value.asked and value.is_literal):
        return None
    if not endpoint.derived:
        return _written(node, value, endpoint, where)
    thing = _THINGS[endpoint.service]
    return Report(
        node=node,
        code=LintCode.ADDRESS_DERIVED,
        level=Level.WARNING if endpoint.has_port else Level.NOTE,  # a whole authority is what somebody else derived
        message=f"{thing} is put together by hand, {program.source.shown(node)}",
        fix=_proposal(value, endpoint, where),
        claims=(node,),
        origins=value.origins,
    )


def stands(node: ast.AST, where: Where, program: Program) -> Report | None:  # noqa: ARG001  a rule's interface
    """An address or URL as a whole text; a variable, parameter or field of a setting's name with any value."""
    if where.quiet or not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return None
    value = Value(parts=(node.value,))
    endpoint = endpoint_of(node.value)
    if endpoint is not None:
        return _written(node, value, endpoint, where)
    variable = where.label.upper()
    if not where.bound or variable not in VARIABLES or not is_setting(variable, node.value):
        return None
    fix = _where_asked(proposals.reading(variable, _asked(where)), where)
    return _report(node, value, where, fix, is_on_loopback(node.value))


def _written(node: ast.expr, value: Value, endpoint: Endpoint, where: Where) -> Report:
    return _report(node, value, where, _proposal(value, endpoint, where), endpoint.loopback, endpoint.service)


def _report(
    node: ast.expr, value: Value, where: Where, fix: Proposal, loopback: bool, service: Service = Service.CLIENT
) -> Report:
    code = LintCode.ADDRESS_IN_CODE if service is Service.CLIENT else LintCode.URL_IN_CODE
    named = f"{where.label} is" if where.bound and where.label else f"{_THINGS[service]} is in the code,"
    if where.parameter:
        code, named = LintCode.DEFAULT_IN_CODE, f"{where.label} has the default" if where.bound else "the default is"
    elif where.field:
        code = LintCode.DEFAULT_IN_CODE
    return Report(
        node=node,
        code=code,
        message=f"{named} {quote(value.text)}",
        fix=proposals.default_factory(fix, where.field) if where.field else fix,
        loopback=loopback,
        claims=(node,),
        origins=value.origins,
    )


def _proposal(value: Value, endpoint: Endpoint, where: Where) -> Proposal:
    return _where_asked(proposals.reaching(endpoint.service, _path(value, endpoint), _asked(where)), where)


def _where_asked(proposal: Proposal, where: Where) -> Proposal:
    return replace(proposal, before="make None the default, and ") if _asked(where) else proposal


def _asked(where: Where) -> ast.expr | None:
    """The parameter that has the default, which is to be None then: what a caller gives still wins."""
    return ast.Name(where.label, ast.Load()) if where.parameter and where.bound else None


def _path(value: Value, endpoint: Endpoint) -> list[str | ast.expr]:
    """The pieces of the endpoint's path; each hole in it is one of the value's last."""
    literals = endpoint.path.split(HOLE)
    unknown = [part for part in value.parts if not isinstance(part, str)]
    last = iter(unknown[len(unknown) - len(literals) + 1 :])
    pieces: list[str | ast.expr] = [literals[0]]
    for literal in literals[1:]:
        pieces += [next(last), literal]
    return [piece for piece in pieces if piece != ""]
