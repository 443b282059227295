"""Entries with name and value, as an env has them, wherever they stand outside of a pod template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from webhook.contract import Role
from webhook.injection.codes import ReasonCode
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.declared import declared_finding
from webhook.manifests.lint.finding import Declared, Finding
from webhook.manifests.lint.judge import settings_of
from webhook.manifests.lint.parts import Part
from webhook.manifests.lint.placeholders import literal_of
from webhook.manifests.lint.targets import target_findings


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """What entries stand in.

    Attributes:
        where: for people, behind a variable's name.
        role: of the pods that get them, where that is known.
        annotations: of those pods, as far as they are known.
        code: of a finding about an entry that is not wrong in itself.
    """

    where: str
    role: Role | None
    annotations: Mapping[str, str]
    code: ReasonCode


def entry_findings(items: Sequence[Part], site: Site, context: Context) -> Iterator[Finding]:
    """Those of the entries that a pod of the role, a client unless it is known, gets from the webhook."""
    named = [item for item in items if isinstance(item.get("name"), str)]
    env = [item.value for item in named]
    for setting in settings_of(env, site.role or Role.CLIENT, context, annotations=site.annotations):
        item, entry = named[setting.index], setting.entry
        declared = Declared(
            name=entry.name, value=literal_of(entry), role=site.role, document=item.document, entry=item.path
        )
        span = item.span("value") if entry.value_from is None else item.key_span("valueFrom")
        yield declared_finding(item.file, setting, declared, context, code=site.code, where=site.where, span=span)
        yield from target_findings(item.file, span, entry.value, context)
