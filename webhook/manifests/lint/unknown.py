"""Objects of kinds that are not known: pod templates are found by their shape, and else Ray settings by their names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from webhook.injection.findings import LintCode
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import Finding, Level
from webhook.manifests.lint.judge import candidates
from webhook.manifests.lint.parts import Part
from webhook.manifests.workloads import Path, Workload

NO_MANIFESTS: Final = frozenset({"AdmissionReview", "CustomResourceDefinition"})
"""Kinds that are records or schemas of others."""


def embedded_templates(part: Part) -> list[Workload]:
    """What looks like a pod template in an object of any kind: a ``spec`` with ``containers`` that have names."""
    meta = part.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    namespace = meta.get("namespace")
    return [
        Workload(
            kind=part.value["kind"],
            namespace=namespace if isinstance(namespace, str) else None,
            name=str(meta.get("name") or "unnamed"),
            pod=pod,
            path=path,
        )
        for path, pod in _pods(part.value, ())
    ]


def _pods(value: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    if isinstance(value, dict):
        if _is_pod(value):
            yield path, value
            return
        for key, item in value.items():
            yield from _pods(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _pods(item, (*path, index))


def _is_pod(value: dict[str, Any]) -> bool:
    spec = value.get("spec")
    containers = spec.get("containers") if isinstance(spec, dict) else None
    return isinstance(containers, list) and any(isinstance(one, dict) and "name" in one for one in containers)


def unknown_kind_findings(part: Part, context: Context) -> Iterator[Finding]:
    """One note where an object without a pod template has entries that are called like Ray settings."""
    found = next(_named(part, candidates(context)), None)
    if found is not None:
        span, name = found
        message = f"{name} stands in kind {part.get('kind')}, of which is not known what pods it makes"
        yield part.finding(LintCode.UNKNOWN_KIND, Level.NOTE, message, span=span)


def _named(part: Part, names: frozenset[str]) -> Iterator[tuple[tuple[int, int], str]]:
    if isinstance(part.value, dict):
        if part.get("name") in names if isinstance(part.get("name"), str) else False:
            yield part.span("name"), part.get("name")
        for key in part.value:
            if key in names:
                yield part.key_span(key), key
            yield from _named(part.at(key), names)
    elif isinstance(part.value, list):
        for item in part.items():
            yield from _named(item, names)
