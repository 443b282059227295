"""Env files: copies of the connection in them, and settings files, by the service's parser."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from webhook.injection.envfile import parse_env_file
from webhook.injection.findings import FindingCode
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.data import Data, are_settings, data_findings
from webhook.manifests.lint.finding import File, Finding, Level
from webhook.manifests.lint.parts import Span
from webhook.manifests.workloads import Path

_LINE: Final = re.compile(r"(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*(.*?)[ \t]*$")
_QUOTES: Final = "\"'"


def env_file_findings(file: File, context: Context) -> Iterator[Finding]:
    """What is wrong in the env file `file`."""
    entries = {match[1]: match for match in _LINE.finditer(file.text.replace("\r", " "))}
    made = file.path in context.index.settings_files(context.settings_names)
    if made or (are_settings(frozenset(entries)) and not posixpath.basename(file.path).startswith(".")):
        yield from _settings_findings(file)
        return
    data = {name: _unquoted(match[2]) for name, match in entries.items()}

    def locate(name: str) -> tuple[Span, Path]:
        return entries[name].span(2) if entries[name][2] else entries[name].span(1), ()

    yield from data_findings(Data(file=file, values=data, locate=locate, where="in this env file"), context)


def env_values(text: str) -> dict[str, str]:
    """The variables of an env file."""
    return {match[1]: _unquoted(match[2]) for match in _LINE.finditer(text.replace("\r", " "))}


def _settings_findings(file: File) -> Iterator[Finding]:
    parsed = parse_env_file(file.text, source=file.path)
    for code, level, told in (
        (FindingCode.BROKEN_SETTINGS, Level.ERROR, parsed.faults),
        (FindingCode.IGNORED_SETTING, Level.WARNING, parsed.ignored),
    ):
        for text in told:
            yield file.finding(code, level, file.line_span(text.line), text)


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in _QUOTES
    return value[1:-1] if quoted else value
