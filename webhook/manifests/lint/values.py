"""Helm values: env lists and mappings wherever they stand, for the role that the keys around them tell."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from webhook import contract
from webhook.contract import Role
from webhook.injection.findings import LintCode
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.data import are_settings, data_findings, mapping_data
from webhook.manifests.lint.entries import Site, entry_findings
from webhook.manifests.lint.finding import Finding
from webhook.manifests.lint.judge import candidates
from webhook.manifests.lint.parts import Part

_FILE: Final = re.compile(r"(?:^|[-_.])values(?:[-_.]|$)")
_HEAD: Final = re.compile(r"head", re.IGNORECASE)
_WORKER: Final = re.compile(r"worker", re.IGNORECASE)
_ENV: Final = re.compile(r"env", re.IGNORECASE)
_ANNOTATIONS: Final = ("annotations", "podAnnotations")


def are_values(path: str, context: Context) -> bool:
    """Whether the file at `path` has values of a chart: by its name, or by the chart beside it."""
    name = posixpath.basename(path)
    chart = posixpath.join(posixpath.dirname(path), "Chart.yaml")
    return _FILE.search(name) is not None or (name != "Chart.yaml" and context.tree.read(chart) is not None)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Around:
    """What is known of the pods from the keys around a value."""

    role: Role | None = None
    annotations: dict[str, str] = field(default_factory=dict)

    def below(self, key: str, value: Any) -> _Around:
        role = Role.HEAD if _HEAD.search(key) else Role.WORKER if _WORKER.search(key) else self.role
        found: dict[str, str] = {}
        for name in _ANNOTATIONS if isinstance(value, dict) else ():
            written = value.get(name)
            found |= {k: v for k, v in written.items() if isinstance(v, str)} if isinstance(written, dict) else {}
        return replace(self, role=role, annotations={**self.annotations, **found})


def values_findings(part: Part, context: Context) -> Iterator[Finding]:
    """The Ray settings in the values `part`."""
    yield from _in_part(part, _Around().below("", part.value), candidates(context), context)


def _in_part(part: Part, around: _Around, names: frozenset[str], context: Context) -> Iterator[Finding]:
    if isinstance(part.value, list):
        items = list(part.items())
        if not names.isdisjoint(str(item.get("name")) for item in items):
            yield from entry_findings(items, _site(around), context)
        for item in items:
            yield from _in_part(item, around.below("", item.value), names, context)
    elif isinstance(part.value, dict):
        if not names.isdisjoint(part.value) and not _are_for_the_webhook(part):
            data = mapping_data(part, "of Helm values", role=_site(around).role, code=LintCode.DECLARED_IN_VALUES)
            yield from data_findings(data, context)
        for key, value in part.value.items():
            yield from _in_part(part.at(key), around.below(key, value), names, context)


def _are_for_the_webhook(part: Part) -> bool:
    """Whether a chart makes the ConfigMap with the settings of these values; an env is for a container."""
    key = part.path[-1] if part.path else ""
    return are_settings(frozenset(part.value)) and _ENV.search(str(key)) is None


def _site(around: _Around) -> Site:
    written = around.annotations.get(contract.ROLE)
    role = Role(written) if written in list(Role) else around.role
    return Site(where="of Helm values", role=role, annotations=around.annotations, code=LintCode.DECLARED_IN_VALUES)
