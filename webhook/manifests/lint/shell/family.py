"""The family: what is said about one shell script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import Family, File, Finding
from webhook.manifests.lint.noise import is_test, settled
from webhook.manifests.lint.shell import heredocs
from webhook.manifests.lint.shell.heredocs import Document
from webhook.manifests.lint.shell.rules import Command, Report, about_assignment, about_command, about_default
from webhook.manifests.lint.shell.script import Script

MAX_DEPTH: Final = 5
"""Scripts in scripts: ``sh -c`` in an ``eval`` and so on."""


def shell_family(inner: Family) -> Family:
    """The family of shell scripts; `inner` finds what is wrong in files that stand in them."""

    def find(file: File, context: Context) -> Iterator[Finding]:
        return find_in(file, context, (0, len(file.text)), inner)

    return find


def find_in(
    file: File, context: Context, span: tuple[int, int], inner: Family, depth: int = MAX_DEPTH
) -> Iterator[Finding]:
    """What is wrong in the part of `file` that is a script, and in the files that stand in that."""
    script = Script(file.text, *span)
    redirected: set[int] = set()
    for node, told in script.nodes():
        if _is_redirected(node):
            redirected.update(child.id for child in node.children)
        document = _document(script, node) if node.type == "heredoc_body" else None
        if document is not None:
            told.add(node.id)
            yield from heredocs.document_findings(file, context, document, inner)
        nested = _nested(script, node) if node.type == "command" else None
        if nested is not None and depth:
            told.add(node.id)
            yield from find_in(file, context, nested, inner, depth - 1)
            continue
        yield from (finding_of(file, report) for report in _reports(script, node, context, node.id in redirected))


def finding_of(file: File, report: Report) -> Finding:
    """The finding that a report is in `file`."""
    code, level = settled(report.code, report.level, loopback=report.loopback, test=is_test(file))
    return file.finding(code, level, report.span, report.message, fix=report.fix)


def _reports(script: Script, node: Node, context: Context, redirected: bool) -> Iterator[Report]:
    if node.type == "variable_assignment":
        yield from about_assignment(*script.assignment(node))
    elif node.type == "expansion":
        yield from about_default(*script.expansion(node))
    elif node.type == "command":
        command = Command(words=script.words(node), redirected=redirected)
        yield from about_command(command, context.settings_names)


def _is_redirected(statement: Node) -> bool:
    """Whether what the commands in it say goes into a file."""
    if statement.type != "redirected_statement":
        return False
    redirects = (child for child in statement.children if child.type == "file_redirect")
    return any(child.children and child.children[0].type in {">", ">>"} for child in redirects)


def _nested(script: Script, command: Node) -> tuple[int, int] | None:
    """The characters, without quotes, of a script that the command is given."""
    word = Command(words=script.words(command)).script()
    if word is None:
        return None
    quoted = script.character(word.start) in "'\""
    return (word.start + 1, word.end - 1) if quoted else word.span


def _document(script: Script, body: Node) -> Document | None:
    """The here-document `body` as a file, or None where it is nothing that is linted."""
    redirect = body.parent
    statement = redirect.parent if redirect else None
    if redirect is None or statement is None:
        return None
    kind = heredocs.kind_of(script.code(statement).partition("\n")[0], script.code(body))
    start = next((child for child in redirect.children if child.type == "heredoc_start"), None)
    literal = start is not None and any(mark in script.code(start) for mark in "'\"\\")
    tabs = any(child.type == "<<-" for child in redirect.children)
    return Document(span=script.span(body), kind=kind, tabs=tabs, literal=literal) if kind else None
