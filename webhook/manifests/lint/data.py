"""Ray settings outside of pods, in ConfigMaps and generators of them; and our own settings there, by their parser."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from webhook import contract
from webhook.contract import Role
from webhook.injection.codes import ReasonCode
from webhook.injection.findings import FindingCode, LintCode
from webhook.injection.settings import parse_settings
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.declared import declared_finding
from webhook.manifests.lint.finding import Declared, File, Finding, Level
from webhook.manifests.lint.judge import settings_in
from webhook.manifests.lint.parts import Part, Span
from webhook.manifests.lint.placeholders import literal_of
from webhook.manifests.lint.targets import target_findings
from webhook.manifests.workloads import Path

SETTINGS_KEYS: Final = frozenset(
    {*contract.CONNECTION_KEYS, *contract.AUTH_KEYS, contract.RAY_ALIASES, contract.RAY_ALLOWED_REFERENCES}
)
"""The keys of our settings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Data:
    """Variables that stand in no pod.

    Attributes:
        values: the variables.
        locate: where a variable's value stands, and the path of its whole entry.
        where: what has them, for people, behind a variable's name.
        document: the number of their document.
        role: of the pods that they reach, where that is known.
        code: for those that are not wrong in themselves.
    """

    file: File
    values: Mapping[str, str]
    locate: Callable[[str], tuple[Span, Path]]
    where: str
    document: int | None = None
    role: Role | None = None
    code: ReasonCode = LintCode.DECLARED_IN_DATA


def data_findings(data: Data, context: Context) -> Iterator[Finding]:
    """Those variables that a pod of the role, a client unless it is known, gets from the webhook."""
    for setting in settings_in(data.values, data.role or Role.CLIENT, context):
        name, value = setting.entry.name, setting.entry.value
        span, entry = data.locate(name)
        declared = Declared(
            name=name, value=literal_of(setting.entry), role=data.role, document=data.document, entry=entry
        )
        yield declared_finding(data.file, setting, declared, context, code=data.code, where=data.where, span=span)
        yield from target_findings(data.file, span, value, context)


def settings_findings(data: Data, *, cluster_wide: bool) -> Iterator[Finding]:
    """What the service would say of the variables as our settings."""
    settings = parse_settings(data.values, source="", cluster_wide=cluster_wide)
    for key, fault in settings.broken.items():
        yield data.file.finding(FindingCode.BROKEN_SETTINGS, Level.ERROR, data.locate(key)[0], f"{key} {fault}")
    for key, why in settings.ignored.items():
        told = f"{key} is ignored: {why}"
        yield data.file.finding(FindingCode.IGNORED_SETTING, Level.WARNING, data.locate(key)[0], told)


def are_settings(keys: frozenset[str]) -> bool:
    """Whether variables that nobody calls settings are some: nothing else is with them, and they name the host."""
    return contract.RAY_HOST in keys and keys <= SETTINGS_KEYS


def config_map_findings(part: Part, context: Context) -> Iterator[Finding]:
    """What is wrong with a ConfigMap's data."""
    name, namespace = part.get("metadata", "name"), part.get("metadata", "namespace")
    data = mapping_data(part.at("data"), f"of ConfigMap {name}")
    if isinstance(name, str) and name in context.settings_names:
        yield from settings_findings(data, cluster_wide=namespace == context.webhook_namespace)
    else:
        yield from data_findings(data, context)


def mapping_data(part: Part, where: str, **more: Any) -> Data:
    """The variables that are the keys of the mapping `part`."""

    def locate(key: str) -> tuple[Span, Path]:
        return part.span(key), (*part.path, key)

    return Data(file=part.file, values=part.texts(), locate=locate, where=where, document=part.document, **more)
