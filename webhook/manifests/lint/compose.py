"""Compose files: Ray settings and labels of ours in their services, by the rule book."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from webhook.contract import Role
from webhook.errors import InputError, quote
from webhook.injection.findings import LintCode
from webhook.injection.reasons import Code
from webhook.manifests.compose.file import SERVICES, ComposeFile, ShapeError
from webhook.manifests.compose.service import EXTENDS, IDLE_LABELS, INCLUDE, Service, in_compose_terms, uses_roles
from webhook.manifests.keys import strange
from webhook.manifests.lint.annotations import likely
from webhook.manifests.lint.compose_env_files import env_file_findings
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.declared import declared_finding
from webhook.manifests.lint.finding import Declared, File, Finding, Level
from webhook.manifests.lint.judge import Judgement, Setting, judge, keys_of
from webhook.manifests.lint.parts import Part, Span
from webhook.manifests.lint.placeholders import is_template
from webhook.manifests.lint.unreadable import not_yaml, template_lines
from webhook.manifests.workloads import Path

_ACTOR: Final = "; the webhook "
_LABELLED: Final = "take it out, and run ray-webhook inject"


def compose_findings(file: File, context: Context) -> Iterator[Finding]:
    """What is wrong in the Compose file `file`."""
    try:
        read = ComposeFile.read(file.text, name=file.path)
    except InputError as error:
        yield from template_lines(file, error, context) if is_template(file.text) else [not_yaml(file, error)]
        return
    if read is None:
        return
    document = Part(file=file, document=0, root=read.root, path=(), value=read.value)
    if INCLUDE in read.value and uses_roles(read):
        text = "the files that are included are not looked at from here"
        yield document.finding(LintCode.OTHER_FILE, Level.NOTE, text, span=document.key_span(INCLUDE))
    for name in read.services:
        part = document.at(SERVICES, name)
        try:
            service = Service.of(read, name)
        except ShapeError as error:
            text = f"the environment or the labels of service {quote(name)} have {error}"
            yield part.finding(Code.MALFORMED, Level.ERROR, text, span=part.key_span())
            continue
        yield from _service_findings(_Judged(part, service, judge(service.pod(), context, namespace=None)), context)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A service where it stands, with the rule book's judgement."""

    part: Part
    service: Service
    judgement: Judgement

    def at(self, field: str, index: int) -> tuple[Span, Path]:
        """Where the text of an entry of the environment or the labels stands, and the path of the entry."""
        entries = self.service.environment if field == "environment" else self.service.labels
        step = index if entries.is_list else entries.items[index]["name"]
        part = self.part.at(field, step)
        return part.span(), part.path

    def label(self, key: str) -> Span:
        """Where a label stands."""
        names = [item["name"] for item in self.service.labels.items]
        return self.at("labels", names.index(key))[0]

    @property
    def settings(self) -> Iterator[Setting]:
        """The literals that it declares; what `ray-webhook inject` wrote is meant to stand there."""
        record = self.service.file.record
        done = record.env.get(self.service.name) if record else None
        for setting in self.judgement.settings:
            is_ours = done is not None and setting.entry.name in done.set
            if setting.entry.value_from is None and (setting.is_wrong_inside or not is_ours):
                yield setting


def _service_findings(judged: _Judged, context: Context) -> Iterator[Finding]:
    yield from _label_findings(judged)
    for setting in judged.settings:
        yield _declared(judged, setting, context)
    role = judged.judgement.role or Role.CLIENT
    if role is not Role.NONE:
        yield from env_file_findings(judged.part, role, context, has_role=judged.service.has_role)
    if judged.service.is_uncertain and not judged.service.has_role:
        part = judged.part.at("extends")
        yield part.finding(LintCode.OTHER_FILE, Level.NOTE, EXTENDS, span=part.key_span())


def _label_findings(judged: _Judged) -> Iterator[Finding]:
    file, written = judged.part.file, judged.service.written
    for fault in judged.judgement.faults:
        message, _, advice = in_compose_terms(fault.text).rpartition("; ")
        key = next(key for key in keys_of(fault.code) if key in written)
        fix = likely(written, fault) or advice
        yield file.finding(fault.code, Level.ERROR, judged.label(key), message, fix=fix)
    for key, meant in strange({item["name"]: "" for item in judged.service.labels.items}):
        message, suggestion = f"label {key} is none of ours", f"did you mean {meant}?" if meant else None
        yield file.finding(LintCode.UNKNOWN_LABEL, Level.WARNING, judged.label(key), message, fix=suggestion)
    for key in IDLE_LABELS:
        if key in written:
            message = f"label {key} does nothing on a service"
            yield file.finding(LintCode.IDLE_SERVICE_LABEL, Level.WARNING, judged.label(key), message)


def _declared(judged: _Judged, setting: Setting, context: Context) -> Finding:
    span, entry = judged.at("environment", setting.index)
    name = judged.service.name
    declared = Declared(
        name=setting.entry.name,
        value=setting.entry.value,
        role=judged.judgement.role,
        workload=f"service {name}",
        container=name,
        document=judged.part.document,
        entry=entry,
    )
    where, code = f"of service {quote(name)}", LintCode.DECLARED_IN_SERVICE
    found = declared_finding(judged.part.file, setting, declared, context, code=code, where=where, span=span)
    level = Level.ERROR if judged.judgement.denies else found.level
    fix = _LABELLED if judged.service.has_role and found.code is code else found.fix
    return replace(found, level=level, fix=fix, message=found.message.replace(_ACTOR, "; ray-webhook inject "))
