"""What ``inject`` and ``uninject`` share: manifests in, manifests out, and a report of each workload on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from webhook.cli.given import given_options, read_given
from webhook.cli.output import Style, describe_input, no_color_option, option, read_input
from webhook.cli.staging import Staging, leads_out
from webhook.errors import InputError, UsageError, WebhookError, escape
from webhook.manifests.compose.file import ComposeFile, read_manifests
from webhook.manifests.outcomes import Given, Outcome, Result
from webhook.manifests.source import Source

_Command = TypeVar("_Command", bound=Callable[..., Any])
Rewrite = Callable[[Source, Given], Result]
RewriteServices = Callable[[ComposeFile, Given], Result]

_ENDINGS: Final = {".yaml", ".yml", ".json"}
_KUSTOMIZATIONS: Final = {"kustomization.yaml", "kustomization.yml"}
"""Kustomize's own files have no pods, and often no kind either."""


def rewriting_options(command: _Command) -> _Command:
    """Which manifests, where to, and what is known beside them."""
    for decorate in (
        no_color_option,
        given_options,
        option("--in-place", "-w", is_flag=True, help="Write the files themselves instead of to standard output."),
        option("--file", "-f", "more", multiple=True, help="The same as FILE; may be given several times."),
        click.argument("files", metavar="[FILE|DIR|-]...", nargs=-1),
    ):
        command = decorate(command)
    return command


def run(rewrite: Rewrite, rewrite_services: RewriteServices, names: Sequence[str], flags: Mapping[str, Any]) -> int:
    """Rewrite the manifests that are named; the exit status: 2 if one cannot be read, 1 if a workload failed.

    Args:
        rewrite_services: does it for Compose files.

    Raises:
        UsageError: none is named, or standard input is to be written in place.
    """
    if not names:
        raise UsageError("nothing is given", allowed="FILE, DIR or - for standard input", fix="give a manifest")
    if flags["in_place"] and "-" in names:
        raise UsageError("--in-place is given with standard input", fix="leave one of them out")
    reported = Style(no_color=flags["no_color"], err=True)
    sources, status = _sources(names)
    given = read_given(flags, [document.value for _, source in sources for document in source.documents])
    written = []
    with Staging() as staging:
        for name, source in sources:
            result = rewrite_services(source, given) if isinstance(source, ComposeFile) else rewrite(source, given)
            status = max(status, _report(name, result, reported))
            if not flags["in_place"]:
                written.append(result.text)
            elif result.text != source.text:
                status = max(status, _stage(staging, name, names, source.text, result.text))
        staging.commit()
    click.echo(joined(written).encode(), nl=False)
    return status


def _sources(names: Sequence[str]) -> tuple[list[tuple[str, Source]], int]:
    """What can be read, by name; and 2 if something cannot, which is told."""
    found, status = list[tuple[str, Source]](), 0
    for given in names:
        try:
            files = _files(given)
        except InputError as error:
            files, status = [], _fail(error)
        for file in files:
            try:
                found.append((file, read_manifests(read_input(file), name=describe_input(file))))
            except InputError as error:
                status = _fail(error)
    return found, status


def _fail(error: WebhookError) -> int:
    click.echo(f"ray-webhook: {error}", err=True)
    return error.exit_status


def _files(name: str) -> list[str]:
    """The file `name`, or the manifests in the directory, not below it, as kubectl takes them.

    Raises:
        InputError: the directory cannot be read, or has none.
    """
    folder = Path(name)
    try:
        if name == "-" or not folder.is_dir():
            return [name]
        found = [str(path) for path in sorted(folder.iterdir()) if _is_manifest(path)]
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{describe_input(name)} cannot be read ({reason})", fix="give a readable one") from None
    if not found:
        raise InputError(f"{describe_input(name)} has no manifest", allowed="*.yaml, *.yml, *.json", fix="give one")
    return found


def _is_manifest(path: Path) -> bool:
    return path.suffix in _ENDINGS and path.name not in _KUSTOMIZATIONS and path.is_file()


def _stage(staging: Staging, name: str, given: Sequence[str], before: str, after: str) -> int:
    if name not in given and leads_out(Path(name), Path(name).parent):
        fault = f"{describe_input(name)} is a link out of the folder that was given"
        return _fail(InputError(fault, fix="name it to have it written"))
    try:
        staging.stage(name, before, after)
    except InputError as error:
        return _fail(error)
    return 0


def _report(name: str, result: Result, style: Style) -> int:
    """A line for each workload on stderr; 1 if one is not as asked."""
    shown = "-" if name == "-" else escape(name)
    if not result.outcomes:
        click.echo(f"{shown}: no pod template", err=True)
    for outcome in result.outcomes:
        click.echo("\n".join(_lines(shown, outcome, style)), err=True)
    return int(any(outcome.failed for outcome in result.outcomes))


def _lines(name: str, outcome: Outcome, style: Style) -> Iterator[str]:
    color = "red" if outcome.failed else "green" if outcome.changed else None
    detail = f"; {escape(outcome.detail)}" if outcome.detail else ""
    title = style(escape(outcome.title), bold=True)
    yield f"{name}:{outcome.line}: {title}: {style(outcome.code.value, color)} {outcome.code.summary}{detail}"
    yield from (f"  {style('warning', 'yellow')} {escape(warning)}" for warning in outcome.warnings)


def joined(texts: Sequence[str]) -> str:
    """Several texts as one stream of documents; a single one is left as it is."""
    stream = ""
    for text in texts:
        if stream:
            stream += "" if stream.endswith("\n") else "\n"
            stream += "" if text.startswith("---") else "---\n"
        stream += text.removeprefix("\ufeff") if stream else text
    return stream
