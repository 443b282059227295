"""What is said of a file that is no YAML, and what can be told of a template that is none before it is rendered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from webhook.errors import InputError
from webhook.injection.findings import LintCode, ManifestCode
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import Declared, File, Finding, Level
from webhook.manifests.lint.judge import candidates

_PLACE: Final = re.compile(r":(\d+):(\d+) ")
_NAME: Final = re.compile(r"""(?m)^[ \t]*-[ \t]*\{?[ \t]*name:[ \t]*["']?([A-Za-z_]\w*)""")
_FOREIGN: Final = "has the tag "


def not_yaml(file: File, error: InputError) -> Finding:
    """The finding that `file` is not YAML; a note where it only has tags of an application's own, so is no manifest."""
    told = error.message.removesuffix(f"; {error.fix}").removeprefix(file.path)
    span = (0, 0)
    if match := _PLACE.match(told):
        told = told[match.end() :]
        start, end = file.line_span(int(match[1]))
        at = min(start + int(match[2]) - 1, end)
        span = (at, min(at + 1, len(file.text)))
    level = Level.NOTE if told.startswith(_FOREIGN) else Level.ERROR
    return file.finding(LintCode.NOT_YAML, level, span, told.strip(), fix=error.fix)


def template_lines(file: File, error: InputError, context: Context) -> Iterator[Finding]:
    """What the lines of a template tell: a note that it was not read as YAML, and the variables that it declares."""
    found = not_yaml(file, error)
    span = (found.start, found.end)
    yield file.finding(LintCode.TEMPLATED, Level.NOTE, span, f"this template {found.message}")
    names = candidates(context)
    for match in _NAME.finditer(file.text):
        if match[1] in names:
            message = f"{match[1]} is declared in a template, for a role that cannot be told"
            declared = Declared(name=match[1], value=None)
            yield file.finding(ManifestCode.DECLARED, Level.WARNING, match.span(1), message, declared=declared)
