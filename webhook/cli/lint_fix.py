"""``ray-webhook lint --fix`` and ``--diff``: what would change, the change itself, and what is left to people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from webhook.cli.output import Style
from webhook.cli.staging import Staging
from webhook.errors import InputError, escape
from webhook.manifests.fix.diff import counts, unified
from webhook.manifests.fix.fixing import Fix, Why, fix
from webhook.manifests.fix.why import Told, settings, told, unfixed
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import Finding

Lint = Callable[[Mapping[str, str]], Sequence[Finding]]
"""The findings in files, by their paths."""

_DIFF_COLORS = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fixed:
    """What a fix came to.

    Attributes:
        before, after: the texts that change, by path.
        left: the findings that are left, at their places afterwards, each with why it is.
        failed: the files that could not be written.
    """

    before: Mapping[str, str]
    after: Mapping[str, str]
    left: Sequence[Finding]
    failed: Sequence[InputError]
    fix: Fix


def fix_files(texts: Mapping[str, str], context: Context, lint: Lint, *, write: bool) -> Fixed:
    """Fix what can be fixed in `texts`, by their paths; files are only changed if `write`."""
    findings = lint(texts)
    done, failed = _planned(texts, context, findings, write=write)
    after = {path: done.texts.text(path) for path in done.edits}
    before = {path: texts[path] for path in done.edits}
    stay = list(unfixed(findings, done))
    return Fixed(
        before=before,
        after=after,
        left=[_with_reason(finding, stay) for finding in lint({**texts, **after})],
        failed=failed,
        fix=done,
    )


def _planned(
    texts: Mapping[str, str], context: Context, findings: Sequence[Finding], *, write: bool
) -> tuple[Fix, list[InputError]]:
    """The fix, made again without each file that cannot be written: what depends on it must not be done either."""
    frozen: dict[str, str] = {}
    failed: list[InputError] = []
    while True:
        done = fix(texts, context, findings=findings, frozen=frozen)
        staging = Staging()
        refused = dict(_staged(staging, texts, done)) if write else {}
        if not refused:
            staging.commit()
            return done, failed
        staging.discard()
        frozen |= dict.fromkeys(refused, "cannot be written")
        failed += refused.values()


def _staged(staging: Staging, texts: Mapping[str, str], done: Fix) -> Iterator[tuple[str, InputError]]:
    for path in done.edits:
        try:
            staging.stage(path, texts[path], done.texts.text(path))
        except InputError as error:
            yield path, error


def _with_reason(finding: Finding, stay: list[tuple[Finding, Why]]) -> Finding:
    """A finding afterwards, with the reason why the same one before was not fixed."""
    for index, (old, why) in enumerate(stay):
        if (old.path, old.code, old.message) == (finding.path, finding.code, finding.message):
            del stay[index]
            return replace(finding, fix=f"{finding.fix} --fix leaves it, {why.code}: {why.text}.")
    return finding


def diff_lines(fixed: Fixed, style: Style) -> Iterator[str]:
    """The unified diff, in colours on a terminal."""
    for path, after in fixed.after.items():
        for number, line in enumerate(unified(path, fixed.before[path], after)):
            color = None if number < len(_HEADER) else _DIFF_COLORS.get(line[0])
            yield style(line.rstrip("\n"), color, bold=number < len(_HEADER)) + "\n"


_HEADER = ("---", "+++")


def summary_lines(fixed: Fixed, style: Style, *, written: bool) -> Iterator[str]:
    """What changed, file by file, and what there is to say about it."""
    found = {path: counts(fixed.before[path], after) for path, after in fixed.after.items()}
    width = max(map(len, found), default=0)
    for path, (added, removed) in found.items():
        yield f"{escape(path):<{width}}  {style(f'+{added}', 'green')} {style(f'-{removed}', 'red')}"
    for namespace, file, values in settings(fixed.fix):
        shown = ", ".join(f"{key}={value}" for key, value in values.items())
        yield escape(f"{file}: the settings of namespace {namespace}: {shown}")
    yield from (_told_line(item, style) for item in told(fixed.fix))
    yield f"{_files(len(found))} {'changed' if written else 'would be changed'}"


def _told_line(item: Told, style: Style) -> str:
    return f"{escape(item.where)}: {style(item.code, 'yellow')} {escape(item.text)}"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count or 'no'} files"
