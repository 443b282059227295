"""The family: what is said about one file of Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Final

from webhook.errors import quote
from webhook.injection.findings import LintCode
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import File, Finding, Level
from webhook.manifests.lint.noise import is_test, settled
from webhook.manifests.lint.python import connecting, literals, reading, writing
from webhook.manifests.lint.python.names import Names
from webhook.manifests.lint.python.report import Program, Report, Rule
from webhook.manifests.lint.python.source import NotPythonError, PythonSource
from webhook.manifests.lint.python.walk import Walk

_KEYED: Final[tuple[Rule, ...]] = (writing.holds,)
_RULES: Final[Mapping[type[ast.AST], tuple[Rule, ...]]] = {
    ast.Call: (
        connecting.connects,
        connecting.submits,
        writing.removes,
        writing.sets,
        reading.offers,
        reading.reads,
        literals.derives,
    ),
    ast.Subscript: (reading.reads,),
    ast.BoolOp: (reading.chooses,),
    ast.IfExp: (reading.chooses,),
    ast.Assign: (writing.assigns,),
    ast.Delete: (writing.removes,),
    ast.Dict: (writing.declares,),
    ast.List: (connecting.starts,),
    ast.Tuple: (connecting.starts,),
    ast.BinOp: (literals.derives,),
    ast.JoinedStr: (connecting.starts, literals.derives),
    ast.Constant: (connecting.starts, literals.stands),
}
"""By the kind of node, in this order: the first that has something to say about a node says it."""

_OF_RAY: Final = re.compile("(?<![A-Za-z])(?:RAY|Ray|ray)|JobSubmissionClient|8265")
"""What every finding has in it. A file without it is not parsed: nothing could be found, whatever it is."""


def python_findings(file: File, context: Context) -> Iterator[Finding]:  # noqa: ARG001  a family's interface
    """Connections that a program has in its code, with what to write instead; Python is proposed, never rewritten."""
    if not _OF_RAY.search(file.text):
        return
    try:
        source = PythonSource.parse(file.text)
    except NotPythonError as error:
        message = f"cannot be read as Python ({quote(error.problem)})"
        yield file.finding(LintCode.NOT_PYTHON, Level.WARNING, (error.offset, error.offset), message)
        return
    test = is_test(file)
    for report in _reports(source):
        if test and report.code is LintCode.READ_BY_HAND:
            continue
        fix = str(report.fix) if report.fix else None
        code, level = settled(report.code, report.level, loopback=report.loopback, test=test)
        yield file.finding(code, level, source.span(report.node), report.message, fix=fix)


def _reports(source: PythonSource) -> list[Report]:
    names = Names(source.tree)
    program = Program(source=source, names=names)
    walk = Walk(source.tree, names)
    reports: list[Report] = []
    for node, where in walk:
        rules = (_KEYED if where.keyed else ()) + _RULES.get(type(node), ())
        report = next(filter(None, (rule(node, where, program) for rule in rules)), None)
        if report is not None:
            reports.append(report)
            walk.claimed.update(report.claims, report.origins)
    told = {origin for report in reports for origin in report.origins}
    return [report for report in reports if report.node not in told]
