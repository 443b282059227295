"""Pod templates: what the rule book says of them and of the Ray settings that they declare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from webhook import contract
from webhook.contract import Role
from webhook.errors import quote
from webhook.injection.findings import LintCode, ManifestCode
from webhook.manifests.lint.annotations import annotation_findings
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.declared import declared_finding
from webhook.manifests.lint.env_from import Brought, brought_in, env_from_findings
from webhook.manifests.lint.finding import Declared, Finding, Level
from webhook.manifests.lint.judge import Setting
from webhook.manifests.lint.placeholders import literal_of
from webhook.manifests.lint.targets import target_findings
from webhook.manifests.lint.template import Template


def template_findings(template: Template, context: Context) -> Iterator[Finding]:
    """What is wrong in a pod template."""
    yield from annotation_findings(template, context)
    if template.lacks_role and context.index.makes_clients(template.workload.namespace):
        return
    for setting in template.settings:
        yield _declared(template, setting, context)
    yield from _target_findings(template, context)
    brought = list(brought_in(template, context))
    for item in brought:
        yield from env_from_findings(item)
    if template.lacks_role:
        yield from _role_findings(template, brought)


def _declared(template: Template, setting: Setting, context: Context) -> Finding:
    entry = template.entry(setting)
    declared = Declared(
        name=setting.entry.name,
        value=literal_of(setting.entry),
        role=template.judgement.role,
        workload=template.name,
        container=setting.container_name,
        document=entry.document,
        entry=entry.path,
    )
    where = f"of container {quote(setting.container_name)}"
    span = entry.span("value") if setting.entry.value_from is None else entry.key_span("valueFrom")
    code = ManifestCode.DECLARED
    found = declared_finding(entry.file, setting, declared, context, code=code, where=where, span=span)
    return replace(found, level=Level.ERROR) if template.judgement.denies else found


def _target_findings(template: Template, context: Context) -> Iterator[Finding]:
    """Of every variable, since applications have addresses under names of their own."""
    for field, index in template.judgement.treated:
        for entry in template.part.items("spec", field, index, "env"):
            value = entry.get("value")
            if isinstance(value, str):
                yield from target_findings(entry.file, entry.span("value"), value, context)


def _role_findings(template: Template, brought: Sequence[Brought]) -> Iterator[Finding]:
    """That a template lacks a role: a note for KubeRay's, which work without, a warning where settings need one."""
    names = [setting.entry.name for setting in template.settings]
    names += [name for item in brought for name in item.names]
    place = template.part.key_span("metadata") if template.part.get("metadata") else template.part.key_span()
    role = template.judgement.role or Role.CLIENT
    fix = f"set annotation {contract.ROLE}: {role} in its metadata"
    if names:
        listed = ", ".join(dict.fromkeys(names))
        message = f"the pod template of {template.name} has Ray settings ({listed}), but no role"
        yield template.part.finding(LintCode.ROLE_MISSING, Level.WARNING, message, span=place, fix=fix)
    elif template.is_node:
        message = f"the pod template of {template.name} has no role, so its pods get no shared variables"
        yield template.part.finding(LintCode.NODE_WITHOUT_ROLE, Level.NOTE, message, span=place, fix=fix)
