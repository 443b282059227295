"""What the rule book warns of, at the place that it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from webhook import contract
from webhook.errors import quote
from webhook.injection.reasons import Code, DecisionWarning
from webhook.injection.selection import INIT, REGULAR
from webhook.manifests.lint.finding import Finding, Level
from webhook.manifests.lint.judge import keys_of
from webhook.manifests.lint.parts import Part
from webhook.manifests.lint.template import Template

_TOLD_ELSEWHERE: Final = frozenset({Code.BUILT_IN, Code.UNKNOWN_CLUSTER, Code.TOKEN_ELSEWHERE, Code.EMPTY_ADDRESS})
"""Warnings of what no file tells, and of entries that are findings themselves."""

_PLACE: Final = re.compile(r"`\$((?:\.\w+|\[\d+\])*)")
_STEP: Final = re.compile(r"\.(\w+)|\[(\d+)\]")


def warning_findings(template: Template) -> Iterator[Finding]:
    """The warnings of the decision about the template's pod, as findings."""
    for warning in template.judgement.decision.warnings:
        repeated = any(fault.text in warning.text for fault in template.judgement.faults)
        if warning.code in _TOLD_ELSEWHERE or repeated or _is_templates(template, warning):
            continue
        part = _place(template, warning)
        if part is not None:
            level = Level.ERROR if warning.code is Code.MALFORMED else Level.WARNING
            yield part.finding(warning.code, level, warning.text)


def _is_templates(template: Template, warning: DecisionWarning) -> bool:
    """Whether a field only has a wrong type because its content comes from a template."""
    return warning.code is Code.MALFORMED and template.part.file.is_masked


def _place(template: Template, warning: DecisionWarning) -> Part | None:
    """Where it stands; None where that is in another file, of which this one is a patch."""
    part, code = template.part, warning.code
    if code is Code.MALFORMED:
        found = _PLACE.search(warning.text)
        return part.at(*(key or int(index) for key, index in _STEP.findall(found[1] if found else "")))
    if code is Code.KUBERAY_LABEL_ALONE:
        return part.at("metadata", "labels", contract.KUBERAY_NODE_TYPE)
    if code in (Code.AFTER_REFERRER, Code.DANGLING_REFERENCE):
        return _entry(part, warning.text.partition(" ")[0], warning.text)
    if code is Code.WRONG_ELSEWHERE:
        return _entry(part, contract.RAY_ADDRESS, warning.text)
    keys = [key for key in keys_of(code) if key in warning.text and key in template.written]
    return part.at("metadata", "annotations", keys[0]) if keys else None


def _entry(part: Part, name: str, text: str) -> Part | None:
    """The first entry called `name` in the containers that `text` names."""
    for field in (INIT, REGULAR):
        for container in part.items("spec", field):
            if quote(str(container.get("name"))) in text:
                entries = (entry for entry in container.items("env") if entry.get("name") == name)
                if entry := next(entries, None):
                    return entry.at("value") if entry.get("value") is not None else entry
    return None
