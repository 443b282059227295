"""What a container takes by envFrom from a ConfigMap that one of the files has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from webhook.contract import Role
from webhook.errors import quote
from webhook.injection.findings import LintCode
from webhook.injection.selection import Treatment
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import Finding, Level
from webhook.manifests.lint.index import DataOf
from webhook.manifests.lint.judge import Setting, settings_in
from webhook.manifests.lint.parts import Part
from webhook.manifests.lint.template import Template


@dataclass(frozen=True, kw_only=True, slots=True)
class Brought:
    """Settings that come in by an envFrom.

    Attributes:
        reference: the configMapRef.
        role: as what the container is treated.
        settings: those that the webhook would replace or remove.
    """

    reference: Part
    role: Role
    container: str
    origin: DataOf
    settings: tuple[Setting, ...]

    @property
    def names(self) -> list[str]:
        """What the variables are called."""
        return [setting.entry.name for setting in self.settings]


def brought_in(template: Template, context: Context) -> Iterator[Brought]:
    """What each treated container of the template takes."""
    for (field, index), treatment in template.judgement.treated.items():
        container = template.part.at("spec", field, index)
        role = Role.CLIENT if treatment is Treatment.CLIENT else template.judgement.role or Role.CLIENT
        for entry in container.items("envFrom"):
            yield from _of_entry(entry, role, str(container.get("name")), template, context)


def _of_entry(entry: Part, role: Role, container: str, template: Template, context: Context) -> Iterator[Brought]:
    name, prefix = entry.get("configMapRef", "name"), entry.get("prefix")
    if not isinstance(name, str):
        return
    for origin in context.index.data_near(entry.file.path, name, template.workload.namespace):
        data = {f"{prefix or ''}{key}": value for key, value in origin.data.items()}
        if settings := settings_in(data, role, context):
            reference = entry.at("configMapRef", "name")
            yield Brought(reference=reference, role=role, container=container, origin=origin, settings=tuple(settings))


def env_from_findings(brought: Brought) -> Iterator[Finding]:
    """The finding about settings for clients that reach a head or worker; a client is to have them."""
    if brought.role is Role.CLIENT:
        return
    wrong = any(setting.is_wrong_inside for setting in brought.settings)
    name, listed = quote(str(brought.reference.value)), ", ".join(map(_shown, brought.settings))
    message = (
        f"container {quote(brought.container)} of a {brought.role} takes ConfigMap {name} by envFrom, "
        f"which has {listed} ({brought.origin.where})"
    )
    yield brought.reference.finding(LintCode.CLIENT_ENV_FROM, Level.ERROR if wrong else Level.WARNING, message)


def _shown(setting: Setting) -> str:
    return f"{setting.entry.name} {quote(setting.entry.value or '')}"
