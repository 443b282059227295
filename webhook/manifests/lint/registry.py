"""Which families of findings look at which kind of file; whoever writes one enters it here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from webhook.manifests.lint.compose import compose_findings
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.dockerfile.family import dockerfile_family
from webhook.manifests.lint.env_file import env_file_findings
from webhook.manifests.lint.finding import Family, File, FileKind, Finding
from webhook.manifests.lint.python.family import python_findings
from webhook.manifests.lint.shell.family import shell_family
from webhook.manifests.lint.yaml_file import yaml_findings

_IGNORE: Final = re.compile(r"(?:^|\s)#\s*ray-webhook:\s*ignore((?:[\s,]+RAY\d{3})+)")


def findings(file: File, context: Context) -> Iterator[Finding]:
    """What is wrong in `file`, family by family; a text inside another file is linted by this as well.

    ``# ray-webhook: ignore RAY604`` on its line, or on a line of its own above, silences a finding.
    """
    is_plain = "ray-webhook:" not in file.text
    for family in FAMILIES[file.kind]:
        for finding in family(file, context):
            if is_plain or not _is_ignored(finding, file):
                yield finding


def is_silenced(text: str) -> bool:
    """Whether `text` has a comment that silences findings."""
    return "ray-webhook:" in text and _IGNORE.search(text) is not None


def _is_ignored(finding: Finding, file: File) -> bool:
    above = file.line(finding.line - 1) if finding.line > 1 else ""
    lines = [file.line(finding.line), above if above.lstrip().startswith("#") else ""]
    return any(finding.code in match[1] for line in lines for match in _IGNORE.finditer(line))


FAMILIES: Final[Mapping[FileKind, tuple[Family, ...]]] = {
    FileKind.YAML: (yaml_findings,),
    FileKind.ENV: (env_file_findings,),
    FileKind.COMPOSE: (compose_findings,),
    FileKind.DOCKERFILE: (dockerfile_family(findings),),
    FileKind.SHELL: (shell_family(findings),),
    FileKind.PYTHON: (python_findings,),
}
