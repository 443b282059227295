"""The family: what is said about one Dockerfile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from webhook.manifests.lint.context import Context
from webhook.manifests.lint.dockerfile.image import Stages, about_variable, assignments
from webhook.manifests.lint.dockerfile.instructions import Dockerfile, Instruction
from webhook.manifests.lint.finding import Family, File, Finding, Level
from webhook.manifests.lint.shell import heredocs
from webhook.manifests.lint.shell.family import find_in, finding_of
from webhook.manifests.lint.shell.heredocs import Document
from webhook.manifests.lint.shell.rules import Command, Report, about_command
from webhook.manifests.lint.shell.script import Word

_COMMANDS: Final = frozenset({"CMD", "ENTRYPOINT", "HEALTHCHECK", "RUN"})
_HEALTH: Final = re.compile(r".*?\bCMD\b", re.DOTALL)
_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_LONE_HEREDOC: Final = re.compile(r"(?:\s*--\S+)*\s*<<-?[\"']?\w+[\"']?\s*")


def dockerfile_family(inner: Family) -> Family:
    """The family of Dockerfiles; `inner` finds what is wrong in files that stand in them."""

    def find(file: File, context: Context) -> Iterator[Finding]:
        dockerfile = Dockerfile(file.text)
        yield from _brought(dockerfile, file)
        shown = replace(file, text=dockerfile.text)
        for instruction in dockerfile.instructions:
            if instruction.name in _COMMANDS:
                yield from _run(shown, instruction, context, inner)
            elif instruction.heredocs:
                yield from _written(shown, instruction, context, inner)

    return find


def _brought(dockerfile: Dockerfile, file: File) -> Iterator[Finding]:
    """About the variables; those of stages that are not part of the image are notes."""
    known: dict[str, str] = {}
    stages = Stages()
    found: list[tuple[int, Report]] = []
    for instruction in dockerfile.instructions:
        if instruction.name == "FROM":
            stages.enter(dockerfile.text[instruction.start : instruction.end])
        if instruction.name not in {"ARG", "ENV"}:
            continue
        for name, word in assignments(dockerfile.text, instruction, known):
            report = about_variable(name, word) if instruction.name == "ENV" else None
            if report is not None:
                found.append((stages.current, report))
    of_image = stages.of_image()
    for stage, report in found:
        yield finding_of(file, report if stage in of_image else replace(report, level=Level.NOTE))


def _run(file: File, instruction: Instruction, context: Context, inner: Family) -> Iterator[Finding]:
    start, end = instruction.start, instruction.end
    arguments = file.text[start:end]
    if instruction.name == "HEALTHCHECK" and (match := _HEALTH.match(arguments)):
        start += match.end()
        arguments = file.text[start:end]
    if _LONE_HEREDOC.fullmatch(arguments):
        for heredoc in instruction.heredocs:
            yield from find_in(file, context, (heredoc.start, heredoc.end), inner)
    elif arguments.lstrip().startswith("["):
        yield from _executed(file, (start, end), context, inner)
    else:
        yield from find_in(file, context, (start, end), inner)
        yield from _written(file, instruction, context, inner)


def _executed(file: File, span: tuple[int, int], context: Context, inner: Family) -> Iterator[Finding]:
    """About a command in exec form, a list of strings."""
    words = [
        Word(text=match[1], start=match.start() + 1, end=match.end() - 1)
        for match in _STRING.finditer(file.text, *span)
    ]
    command = Command(words=words)
    script = command.script()
    if script is not None:
        yield from find_in(file, context, script.span, inner)
    else:
        yield from (finding_of(file, report) for report in about_command(command, context.settings_names))


def _written(file: File, instruction: Instruction, context: Context, inner: Family) -> Iterator[Finding]:
    """About the here-documents that a command gets, or that become files."""
    line = file.text[instruction.start : instruction.end]
    for heredoc in instruction.heredocs:
        span = (heredoc.start, heredoc.end)
        kind = heredocs.kind_of(line, file.text[slice(*span)])
        if kind is not None:
            document = Document(span=span, kind=kind, tabs=heredoc.tabs, literal=heredoc.literal)
            yield from heredocs.document_findings(file, context, document, inner)
