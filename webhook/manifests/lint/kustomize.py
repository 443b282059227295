"""Kustomizations: generators and patches with Ray settings, files that are not there, names that change."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from webhook.errors import quote
from webhook.injection.findings import LintCode, ManifestCode
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.data import Data, data_findings, settings_findings
from webhook.manifests.lint.finding import File, Finding, Level
from webhook.manifests.lint.judge import candidates
from webhook.manifests.lint.kustomization import TARGETED, Generator, Kustomization, mappings, texts
from webhook.manifests.lint.parts import Part, Span
from webhook.manifests.lint.renames import rename_findings
from webhook.manifests.workloads import Path

_WRITTEN: Final = re.compile(r"\benv\.\[name=(\w+)\]|^data\.(\w+)$")
Patched = Callable[[File, Mapping[str, Any], Context], Iterator[Finding]]
"""The findings in a patch for the target that is given."""


def kustomization_findings(part: Part, context: Context, patched: Patched) -> Iterator[Finding]:
    """What is wrong in the kustomization `part`; `patched` looks at its inline patches."""
    one = Kustomization(path=part.file.path, content=part.value)
    for at, path in one.references:
        if not context.tree.exists(path):
            message = f"{quote(str(part.get(*at)))} is not there"
            yield part.at(*at).finding(LintCode.DANGLING_FILE, Level.ERROR, message)
    for generator in one.generators:
        yield from _generator_findings(part, generator, context)
    yield from _replacement_findings(part, context)
    yield from rename_findings(part, one, context)
    for at, target in _inline(part):
        if (file := part.inside(*at)) is not None:
            yield from patched(file, target, context)


def _generator_findings(part: Part, generator: Generator, context: Context) -> Iterator[Finding]:
    at = ("configMapGenerator", generator.index)

    def locate(key: str) -> tuple[Span, Path]:
        entry = (*at, "literals", generator.literals[key][1])
        return part.span(*entry), (*part.path, *entry)

    values = {key: value for key, (value, _) in generator.literals.items()}
    where = f"of configMapGenerator {generator.name}"
    data = Data(file=part.file, values=values, locate=locate, where=where, document=part.document)
    if generator.name in context.settings_names:
        namespace = generator.namespace or part.get("namespace")
        yield from settings_findings(data, cluster_wide=namespace == context.webhook_namespace)
    else:
        yield from data_findings(data, context)


def _replacement_findings(part: Part, context: Context) -> Iterator[Finding]:
    """Replacements that write variables of the connection into an env or a ConfigMap."""
    names = candidates(context)
    for index, replacement in mappings(part.get("replacements")):
        for number, target in mappings(replacement.get("targets")):
            for place, text in texts(target.get("fieldPaths")):
                match = _WRITTEN.search(text)
                if match and (match[1] or match[2]) in names:
                    at = part.at("replacements", index, "targets", number, "fieldPaths", place)
                    code = ManifestCode.DECLARED if match[1] else LintCode.DECLARED_IN_DATA
                    message = f"a replacement writes {match[1] or match[2]}, which the webhook sets by role"
                    yield at.finding(code, Level.WARNING, message, fix="take the replacement out")


def _inline(part: Part) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Where the inline patches stand, and their targets."""
    for key in TARGETED:
        for index, entry in mappings(part.get(key)):
            if isinstance(entry.get("patch"), str):
                target = entry.get("target")
                yield (key, index, "patch"), target if isinstance(target, dict) else {}
    for index, text in texts(part.get("patchesStrategicMerge")):
        if "\n" in text:
            yield ("patchesStrategicMerge", index), {}
