"""Which families of findings look at which kind of file; whoever writes one enters it here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import Family, File, FileKind, Finding

FAMILIES: Final[Mapping[FileKind, tuple[Family, ...]]] = {
    FileKind.YAML: (),
    FileKind.ENV: (),
    FileKind.COMPOSE: (),
    FileKind.DOCKERFILE: (),
    FileKind.SHELL: (),
    FileKind.PYTHON: (),
}


def findings(file: File, context: Context) -> Iterator[Finding]:
    """What is wrong in `file`, family by family; a text inside another file is linted by this as well."""
    for family in FAMILIES[file.kind]:
        yield from family(file, context)
