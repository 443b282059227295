"""``ray-webhook lint --fix`` and ``--diff``: what would change, the change itself, and what is left to people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import click

from webhook.cli.lint_files import STANDARD_INPUT, Candidate
from webhook.cli.lint_report import Linted, Report, report_on
from webhook.cli.output import Style, read_input
from webhook.cli.staging import Staging
from webhook.errors import InputError, UsageError, WebhookError, escape
from webhook.manifests.fix.diff import counts, unified
from webhook.manifests.fix.fixing import Fix, fix
from webhook.manifests.fix.kustomization import named
from webhook.manifests.fix.texts import Texts
from webhook.manifests.fix.why import settings, told, unfixed
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import FileKind, Finding, Level

_DIFF_COLORS = {"+": "green", "-": "red", "@": "cyan"}
_HEADER_LINES = 2
_READ = frozenset({FileKind.YAML, FileKind.ENV, FileKind.COMPOSE})
"""What a fix looks at: Compose files for the env files that they read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fixed:
    """What a fix came to.

    Attributes:
        fix: with what changes.
        found: what there was to find before.
        report: what there is afterwards, each finding with the reason why it is left.
        failed: for each file that could not be written, why.
        written: whether the files were changed.
    """

    fix: Fix
    found: Report
    report: Report
    failed: Sequence[WebhookError]
    written: bool

    @property
    def changed(self) -> Iterator[tuple[str, str, str]]:
        """Each file that changes: its path, its text and the new one."""
        for path in self.fix.changed:
            yield path, self.fix.before.text(path), self.fix.texts.text(path)

    @property
    def exit_status(self) -> int:
        """As lint's; where nothing was written, what a fix would do away with counts, too."""
        report = self.report if self.written else self.found
        return InputError.exit_status if self.failed else report.exit_status


def fix_candidates(candidates: Sequence[Candidate], context: Context, *, write: bool) -> Fixed:
    """Fix what can be fixed; the files are only changed if `write`.

    Raises:
        UsageError: the standard input is among them.
    """
    if any(candidate.path == STANDARD_INPUT for candidate in candidates):
        raise UsageError("standard input cannot be fixed", allowed="files and folders", fix="write it into a file")
    texts = dict(_read(candidates))
    found = report_on(candidates, context, texts)
    around = _around(texts, {candidate.path for candidate in candidates}, context)
    frozen = dict.fromkeys(around, "is not among the files that were given")
    frozen |= {one.path: "is a link out of the folder that was given" for one in candidates if one.is_outside}
    done, failed = _planned({**texts, **around}, frozen, context, list(found.findings), write=write)
    after = {path: done.texts.text(path) for path in done.changed}
    report = report_on(candidates, context, {**texts, **after})
    linted = tuple(_with_reasons(one, done) for one in report.linted)
    return Fixed(fix=done, found=found, report=replace(report, linted=linted), failed=failed, written=write)


def _read(candidates: Sequence[Candidate]) -> Iterator[tuple[str, str]]:
    """The files that a fix may change; one that cannot be read is a finding already."""
    for candidate in candidates:
        if candidate.kind in _READ:
            try:
                yield candidate.path, read_input(candidate.path)
            except InputError:
                continue


def _around(texts: dict[str, str], given: set[str], context: Context) -> dict[str, str]:
    """The files that kustomizations name: those that were given are added to `texts`, the others are only looked at."""
    around: dict[str, str] = {}
    asked: set[str] = set()
    while missing := named(Texts({**texts, **around})) - asked:
        asked |= missing
        for path in missing:
            text = context.tree.read(path)
            if text is not None:
                (texts if path in given else around)[path] = text
    return around


def _planned(
    texts: Mapping[str, str], frozen: dict[str, str], context: Context, findings: Sequence[Finding], *, write: bool
) -> tuple[Fix, list[WebhookError]]:
    """The fix, made again without each file that cannot be written: what depends on it must not be done either."""
    failed: list[WebhookError] = []
    while True:
        done = fix(texts, context, findings=findings, frozen=frozen)
        with Staging() as staging:
            refused = dict(_staged(staging, texts, done)) if write else {}
            if not refused:
                staging.commit()
                return done, failed
        frozen |= dict.fromkeys(refused, "cannot be written")
        failed += refused.values()


def _staged(staging: Staging, texts: Mapping[str, str], done: Fix) -> Iterator[tuple[str, InputError]]:
    for path in done.changed:
        try:
            staging.stage(path, texts[path], done.texts.text(path))
        except InputError as error:
            yield path, error


def _with_reasons(linted: Linted, done: Fix) -> Linted:
    """The findings of a file, each but notes with the reason why it is left."""
    told = (
        finding
        if finding.level is Level.NOTE
        else replace(finding, fix=f"{finding.fix} (left by --fix, {why.code}: {why.text})")
        for finding, why in unfixed(linted.findings, done)
    )
    return replace(linted, findings=tuple(told))


def show_fix(fixed: Fixed, style: Style, *, diff: bool) -> None:
    """The diff on the standard output; what else there is to say about it, and what failed, on the standard error."""
    if diff:
        click.echo("".join(_diff_lines(fixed, style)), nl=False)
    for error in fixed.failed:
        click.echo(f"ray-webhook: {error}", err=True)
    click.echo("\n".join(_summary_lines(fixed)), err=True)


def _diff_lines(fixed: Fixed, style: Style) -> Iterator[str]:
    """The unified diff, in colours on a terminal."""
    for path, before, after in fixed.changed:
        for number, line in enumerate(unified(path, before, after)):
            is_header = number < _HEADER_LINES
            color = None if is_header else _DIFF_COLORS.get(line[0])
            shown = style.visible(line.removesuffix("\n"))
            yield (style(shown, color, bold=is_header) if color or is_header else shown) + "\n"


def _summary_lines(fixed: Fixed) -> Iterator[str]:
    """What changes, file by file, and what there is to say about it."""
    found = {path: counts(before, after) for path, before, after in fixed.changed}
    width = max((len(escape(path)) for path in found), default=0)
    for path, (added, removed) in found.items():
        yield f"{escape(path):<{width}}  +{added} -{removed}"
    for namespace, file, values in settings(fixed.fix):
        shown = ", ".join(f"{key}={value}" for key, value in values.items())
        yield escape(f"{file}: settings of namespace {namespace}: {shown}")
    for item in told(fixed.fix):
        yield escape(str(item))
    count = f"{len(found) or 'no'} file{'' if len(found) == 1 else 's'}"
    yield f"{count} {'changed' if fixed.written else 'would change'}"
