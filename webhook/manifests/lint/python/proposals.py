"""The code by ``ray_config`` that a program should have instead; it runs as it is proposed."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from webhook import contract
from webhook.errors import escape
from webhook.manifests.lint.endpoints import SERVICES, Service

_CONNECT: Final = "init_ray_with_smart_defaults"
_RESOLVE: Final = "resolve_ray_address"
_FUNCTIONS: Final = {
    Service.CLIENT: _RESOLVE,
    Service.DASHBOARD: "get_ray_dashboard_address",
    Service.SERVE: "get_ray_serve_address",
}
_OF_VARIABLES: Final = {contract.RAY_NAMESPACE: "get_ray_namespace", contract.SEEDCORE_RAY_ROLE: "get_ray_role"}
_LONGEST: Final = 160


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """An expression, the function of ``ray_config`` in it, and what is to be done before."""

    code: str
    function: str
    before: str = ""

    def __str__(self) -> str:
        """The fix, for people."""
        return f"{self.before}write `{escape(self.code)}`, after `from ray_config import {self.function}`"


def connecting(call: ast.Call, *, used: bool) -> Proposal:
    """For a ``ray.init``; an address and a namespace go, or they would win over the settings.

    Args:
        used: whether something is done with what the call gives.
    """
    kept = [given for given in call.keywords if given.arg not in {"address", "namespace", "conn_str"}]
    if any(given.arg == "allow_multiple" for given in kept):  # which the function refuses
        named = ast.keyword("address", ast.Name(f"{_RESOLVE}()", ast.Load()))
        return Proposal(code=_call("ray.init", [], [named, *kept]), function=_RESOLVE)
    code = _call(_CONNECT, [], kept)
    return Proposal(code=f"{code}.context" if used else code, function=_CONNECT)


def submitting(call: ast.Call, name: str) -> Proposal:
    """For the Jobs API's client, called as `name`."""
    function = _FUNCTIONS[Service.DASHBOARD]
    kept = [given for given in call.keywords if given.arg != "address"]
    return Proposal(code=_call(name, [ast.Name(f"{function}()", ast.Load())], kept), function=function)


def reading(variable: str, asked: ast.expr | None = None) -> Proposal:
    """For the value of a setting; `asked` is what the program would rather have, where it has a say."""
    service = SERVICES.get(variable)
    if service is not None:
        return reaching(service, asked=asked)
    function = _OF_VARIABLES[variable]
    takes_it = asked is not None and variable == contract.RAY_NAMESPACE
    return Proposal(code=_call(function, [asked] if asked and takes_it else [], []), function=function)


def reaching(service: Service, path: Iterable[str | ast.expr] = (), asked: ast.expr | None = None) -> Proposal:
    """For an address or a URL; `path` is what stands behind host and port, in pieces; `asked` as for a reading."""
    function = _FUNCTIONS[service]
    if asked is not None:
        by_name = [] if service is Service.CLIENT else [ast.keyword("address", asked)]
        return Proposal(code=_call(function, [] if by_name else [asked], by_name), function=function)
    pieces = [] if service is Service.CLIENT else list(path)
    if all(isinstance(piece, str) for piece in pieces):
        text = "".join(map(str, pieces))
        given: list[ast.expr] = [ast.Constant(text)] if text.strip("/") else []
    else:
        given = [ast.JoinedStr([_formatted(piece) for piece in pieces])]
    return Proposal(code=_call(function, given, []), function=function)


def default_factory(proposal: Proposal, field: str) -> Proposal:
    """For the default of a class's field, which must not be asked for before an object is made."""
    return Proposal(code=f"{field}(default_factory={proposal.function})", function=proposal.function)


def _formatted(piece: str | ast.expr) -> ast.expr:
    return ast.Constant(piece) if isinstance(piece, str) else ast.FormattedValue(piece, -1, None)


def _call(function: str, arguments: list[ast.expr], keywords: list[ast.keyword]) -> str:
    call = ast.Call(ast.Name(function, ast.Load()), arguments, keywords)
    try:
        code = ast.unparse(ast.fix_missing_locations(call))
    except (RecursionError, ValueError):  # an f-string that 3.11 cannot write back
        code = ""
    if code and len(code) <= _LONGEST and code.isascii() and code.isprintable():
        return code
    # Too much for a line of advice; what stays of it is seen in the program.
    short: list[ast.expr] = [given for given in arguments if isinstance(given, (ast.Name, ast.Constant))]
    return ast.unparse(ast.Call(ast.Name(function, ast.Load()), short, []))
