"""A declared setting in words, wherever it stands."""

from __future__ import annotations

from typing import Final

from webhook import contract
from webhook.contract import OnConflict, Role
from webhook.errors import quote
from webhook.injection.codes import ReasonCode
from webhook.injection.findings import LintCode, ManifestCode
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import Declared, File, Finding, Level
from webhook.manifests.lint.judge import Setting
from webhook.manifests.lint.parts import Span
from webhook.manifests.lint.placeholders import is_placeholder, literal_of

_FIXES: Final[dict[ReasonCode, str]] = {
    ManifestCode.DECLARED: f"take it out of the manifest, or set annotation {contract.ON_CONFLICT} to {OnConflict.KEEP}"
}
"""Where a code's own fix is about several settings at once."""
_INSIDE: Final = "allowed inside Ray: auto, host:port or none"


def declared_finding(
    file: File,
    setting: Setting,
    declared: Declared,
    context: Context,
    *,
    code: ReasonCode,
    where: str,
    span: Span,
) -> Finding:
    """The finding about a declared setting in `file`: of `code`, but for an address that is wrong inside Ray.

    Args:
        where: what it belongs to, behind the variable's name: ``of container "api"``.
    """
    thing = f"{setting.entry.name} {where} {_shown(setting)}"
    if setting.is_wrong_inside:
        worst = Level.WARNING if _is_unknown(setting) else Level.ERROR
        inside = LintCode.CLIENT_INSIDE_RAY
        return file.finding(inside, worst, span, f"{thing}; {_INSIDE}", declared=declared)
    text = f"{thing}; {_wanted(setting, declared.role, context)}"
    return file.finding(code, Level.WARNING, span, text, fix=_FIXES.get(code), declared=declared)


def _is_unknown(setting: Setting) -> bool:
    return setting.entry.value_from is not None or is_placeholder(setting.entry.value)


def _shown(setting: Setting) -> str:
    if setting.entry.value_from is not None:
        return "is a valueFrom"
    value = literal_of(setting.entry)
    return "is from a template" if value is None else f"is {quote(value)}"


def _wanted(setting: Setting, role: Role | None, context: Context) -> str:
    """What the webhook does about it; a value is only told where settings were given."""
    entry, of_role = setting.wanted.mend, f"for the role {role or Role.CLIENT}"
    if entry is None:
        return f"the webhook removes it {of_role}"
    if context.settings is None or setting.wanted.source != context.settings.source:
        return f"the webhook sets it {of_role}"
    same = "the same" if setting.is_right else quote(str(entry["value"]))
    return f"the webhook sets {same} {of_role}, from {setting.wanted.source}"
