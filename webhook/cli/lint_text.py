"""Findings for people: code, level, place, the line with a caret, the fix."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.cli.lint_report import Report
from webhook.cli.output import Style
from webhook.errors import escape
from webhook.injection.findings import LintCode
from webhook.manifests.lint.finding import File, Finding, Level

_COLORS = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: "cyan"}
_WIDTH = 100
_BEFORE = 30


def as_text(report: Report, style: Style) -> Iterator[str]:
    """The lines of the whole report, the summary last."""
    for linted in report.linted:
        for finding in linted.findings:
            yield from _lines(finding, linted.file, style)
            yield ""
    yield _summary(report, style)


def _lines(finding: Finding, file: File, style: Style) -> Iterator[str]:
    level = style(f"{finding.level} {finding.code}", _COLORS[finding.level], bold=True)
    yield f"{level}: {style(escape(finding.message), bold=True)}"
    number = str(finding.line)
    gutter = " " * len(number)
    yield f"{gutter}{style('-->', 'blue')} {escape(finding.path)}:{finding.line}:{finding.column}"
    if file.text and finding.code is not LintCode.TOKEN_WRITTEN:  # its line is a secret
        bar = style("|", "blue")
        shown, mark = _excerpt(finding, file)
        yield f"{gutter} {bar}"
        yield f"{style(number, 'blue')} {bar} {shown}"
        yield f"{gutter} {bar} {style(mark, _COLORS[finding.level], bold=True)}"
    yield f"{gutter} {style('=', 'blue')} fix: {escape(finding.fix)}"


def _excerpt(finding: Finding, file: File) -> tuple[str, str]:
    """The line, in printable ASCII and cut around what is meant, and the carets below it."""
    line = file.line(finding.line)
    end = finding.end_column - 1 if finding.end_line == finding.line else len(line)
    before, meant, after = line[: finding.column - 1], line[finding.column - 1 : end], line[end:]
    before, meant, after = (escape(part) for part in (before, meant, after))
    if len(before) + len(meant) + len(after) > _WIDTH:
        before = f"...{before[-_BEFORE:]}" if len(before) > _BEFORE else before
        meant = meant if len(meant) <= _WIDTH else f"{meant[:_WIDTH]}..."
        room = max(_WIDTH - len(before) - len(meant), 0)
        after = after if len(after) <= room else f"{after[:room]}..."
    return f"{before}{meant}{after}", " " * len(before) + "^" * max(len(meant), 1)


def _summary(report: Report, style: Style) -> str:
    counts = report.counts
    told = [f"{counts[level]} {level}{'s' if counts[level] != 1 else ''}" for level in Level if counts[level]]
    files = f"{report.files} file{'s' if report.files != 1 else ''}"
    if not told:
        return style(f"{files} checked, all good", "green")
    worst = next(level for level in Level if counts[level])
    return f"{style(', '.join(told), _COLORS[worst], bold=True)} in {len(report.linted)} of {files}"
