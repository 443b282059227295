"""Annotations and labels of ours: bad values, unknown or misspelt keys, keys in the wrong place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from webhook import contract
from webhook.contract import Connect, OnConflict, Role
from webhook.errors import quote
from webhook.injection.annotations import AnnotationFault
from webhook.injection.decision import Deny
from webhook.injection.findings import LintCode, ManifestCode
from webhook.injection.reasons import Code
from webhook.manifests.keys import LIKENESS, NAMESPACE_LABELS, meant, misplaced, ours, strange
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import Finding, Level
from webhook.manifests.lint.judge import keys_of
from webhook.manifests.lint.parts import Part
from webhook.manifests.lint.placeholders import has_placeholder
from webhook.manifests.lint.template import Template
from webhook.manifests.lint.warnings import warning_findings

_WRITTEN: Final = ("metadata", "annotations")
_LABELS: Final = ("metadata", "labels")
_BESIDE: Final = f"allowed: beside {contract.ROLE}"
_CHOICES: Final[Mapping[str, Sequence[str]]] = {
    contract.ROLE: [*Role],
    contract.CONNECT: [*Connect],
    contract.ON_CONFLICT: [*OnConflict],
}


def annotation_findings(template: Template, context: Context) -> Iterator[Finding]:
    """What is wrong with the annotations of a pod template, and what the rule book warns of."""
    yield from _faults(template)
    yield from _unknown_keys(template.part)
    yield from _reference_findings(template, context)
    decision = template.judgement.decision
    if isinstance(decision, Deny) and decision.code is Code.REFERENCE_NOT_ALLOWED:
        yield from _told(template, decision.code, Level.ERROR, decision.message)
    yield from warning_findings(template)


def _faults(template: Template) -> Iterator[Finding]:
    level = Level.WARNING if template.is_node else Level.ERROR
    for fault in template.judgement.faults:
        yield from _told(template, fault.code, level, fault.text, likely(template.written, fault))


def likely(written: Mapping[str, Any], fault: AnnotationFault) -> str | None:
    """The fix, where a misspelt value is one of a few."""
    for key in keys_of(fault.code):
        value = written.get(key)
        meant = get_close_matches(str(value).strip().lower(), _CHOICES.get(key, ()), n=1, cutoff=LIKENESS)
        if meant:
            return f"did you mean {quote(meant[0])}?"
    return None


def _told(template: Template, code: Code, level: Level, text: str, fix: str | None = None) -> Iterator[Finding]:
    """The finding that the rule book's `text`, which ends with the fix, makes; a patch is told of its own part only."""
    message, _, advice = text.rpartition("; ")
    key = next((key for key in keys_of(code) if key in template.written), None)
    if key is not None:
        yield template.part.at(*_WRITTEN, key).finding(code, level, message, fix=fix or advice)


def _unknown_keys(part: Part) -> Iterator[Finding]:
    for key, likely in strange(part.get(*_WRITTEN)):
        yield _unknown(part, (*_WRITTEN, key), f"annotation {key} is none of ours", likely)
    for key in ours(part.get(*_LABELS)):
        fix = f"write it as an annotation: {key}" if key in contract.ANNOTATIONS else None
        yield _unknown(part, (*_LABELS, key), f"label {key} does nothing on a pod", None, fix)


def _unknown(part: Part, steps: tuple[str, ...], message: str, likely: str | None, fix: str | None = None) -> Finding:
    fix = f"did you mean {likely}?" if likely else fix
    span = part.key_span(*steps)
    return part.finding(ManifestCode.UNKNOWN_KEY, Level.WARNING, message, span=span, fix=fix)


def _reference_findings(template: Template, context: Context) -> Iterator[Finding]:
    """A cluster or service that is named in vain, or that no file has."""
    for key, kind in ((contract.CLUSTER, "RayCluster"), (contract.SERVICE, "RayService")):
        value = template.written.get(key)
        if not isinstance(value, str):
            continue
        part = template.part.at(*_WRITTEN, key)
        if template.lacks_role and not context.index.makes_clients(template.workload.namespace):
            message = f"annotation {key} is {quote(value)}, but the pod template has no role; {_BESIDE}"
            yield part.finding(ManifestCode.REFERENCE_ALONE, Level.WARNING, message)
        name, targets = value.rpartition("/")[2], context.index.targets_near(part.file.path, kind)
        known = [other for _, other in sorted(targets)]
        if known and name not in known and not has_placeholder(value):
            likely = get_close_matches(name, known, n=1, cutoff=LIKENESS)
            fix = f"did you mean {quote(likely[0])}?" if likely else None
            message = f"annotation {key} is {quote(value)}, and none of the files has that {kind}"
            yield part.finding(LintCode.DANGLING_TARGET, Level.NOTE, message, fix=fix)


def misplaced_findings(part: Part, templates: Sequence[Template]) -> Iterator[Finding]:
    """Our annotations on an object itself, or on the job of a CronJob, which the pods do not get."""
    heard = {key for template in templates for key in template.written}
    for place, field, key in misplaced(part.value, heard):
        message = f"{field[:-1]} {key} of {part.get('kind')} {part.get('metadata', 'name')} does nothing there"
        fix = None if templates else "take it out: only pods and their templates are looked at"
        span = part.key_span(*place, "metadata", field, key)
        yield part.finding(ManifestCode.MISPLACED, Level.WARNING, message, span=span, fix=fix)


def namespace_findings(part: Part) -> Iterator[Finding]:
    """Labels of a Namespace that do nothing."""
    name = part.get("metadata", "name")
    for key in ours(part.get(*_LABELS)):
        allowed, value = NAMESPACE_LABELS.get(key), part.get(*_LABELS, key)
        if allowed is None:
            likely, fix = meant(key, NAMESPACE_LABELS), f"allowed there: {', '.join(NAMESPACE_LABELS)}"
            yield _unknown(part, (*_LABELS, key), f"label {key} does nothing on a Namespace", likely, fix)
        elif value != allowed and not has_placeholder(value):
            message = f"label {key} of Namespace {name} is {quote(str(value))}, which does nothing; allowed: {allowed}"
            yield part.at(*_LABELS, key).finding(ManifestCode.IDLE_LABEL, Level.WARNING, message)
    for key in ours(part.get(*_WRITTEN)):
        fix = f"label it: {key if key in NAMESPACE_LABELS else contract.DEFAULT_ROLE}"
        yield _unknown(part, (*_WRITTEN, key), f"annotation {key} does nothing on a Namespace", None, fix)
