"""A YAML file: each of its documents to the families that know its kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from webhook.errors import InputError
from webhook.manifests.compose.file import is_compose
from webhook.manifests.lint.annotations import misplaced_findings, namespace_findings
from webhook.manifests.lint.compose import compose_findings
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.data import config_map_findings, data_findings, mapping_data
from webhook.manifests.lint.finding import File, Finding
from webhook.manifests.lint.kustomization import is_kustomization
from webhook.manifests.lint.kustomize import kustomization_findings
from webhook.manifests.lint.parts import Part, documents_of
from webhook.manifests.lint.patches import json_patch_findings
from webhook.manifests.lint.placeholders import is_template
from webhook.manifests.lint.pods import template_findings
from webhook.manifests.lint.runtime_env import runtime_env_findings, serve_config_findings
from webhook.manifests.lint.strategic import merged
from webhook.manifests.lint.template import judged
from webhook.manifests.lint.unknown import NO_MANIFESTS, embedded_templates, unknown_kind_findings
from webhook.manifests.lint.unreadable import not_yaml, template_lines
from webhook.manifests.lint.values import are_values, values_findings
from webhook.manifests.workloads import KINDS, Path, workloads_of

_VALUES: Final[dict[str, Path]] = {
    "HelmRelease": ("spec", "values"),
    "Application": ("spec", "source", "helm", "valuesObject"),
}
"""Kinds of those who deploy charts to the path of the values in them."""


def yaml_findings(file: File, context: Context) -> Iterator[Finding]:
    """What is wrong in the YAML file `file`."""
    try:
        parts = documents_of(file)
    except InputError as error:
        yield from template_lines(file, error, context) if is_template(file.text) else [not_yaml(file, error)]
        return
    if file.path in context.index.patches:
        yield from _patch_findings(parts, context.index.patch_target(file.path), context)
        return
    for part in parts:
        yield from _document_findings(part, context)


def _document_findings(part: Part, context: Context) -> Iterator[Finding]:
    kind = part.get("kind")
    if is_kustomization(part.file.path, part.value):
        yield from kustomization_findings(part, context, _inline_findings)
    elif isinstance(kind, str):
        yield from _object_findings(part, kind, context)
    elif isinstance(part.value, list):
        yield from json_patch_findings(part, {}, context)
    elif isinstance(part.get("applications"), list):
        yield from serve_config_findings(part, context)
    elif are_values(part.file.path, context):
        yield from values_findings(part, context)
    elif is_compose(part.value):
        yield from compose_findings(part.file, context)


def _inline_findings(file: File, target: Mapping[str, Any], context: Context) -> Iterator[Finding]:
    try:
        parts = documents_of(file)
    except InputError as error:
        yield not_yaml(file, error)
        return
    yield from _patch_findings(parts, target, context)


def _patch_findings(parts: list[Part], target: Mapping[str, Any], context: Context) -> Iterator[Finding]:
    for part in parts:
        if isinstance(part.value, list):
            yield from json_patch_findings(part, target, context)
        elif isinstance(part.get("kind"), str):
            yield from _object_findings(part, part.get("kind"), context, patched=target)


def _object_findings(
    part: Part, kind: str, context: Context, patched: Mapping[str, Any] | None = None
) -> Iterator[Finding]:
    """What is wrong in an object; `patched` is the target of the patch that it is."""
    if kind in NO_MANIFESTS:
        return
    if kind == "Namespace":
        yield from namespace_findings(part)
    elif kind == "ConfigMap":
        yield from config_map_findings(part, context)
    elif kind == "Secret":
        data = mapping_data(part.at("stringData"), f"of Secret {part.get('metadata', 'name')}")
        yield from data_findings(data, context)
    elif kind in _VALUES:
        yield from values_findings(part.at(*_VALUES[kind]), context)
    else:
        yield from _workload_findings(part, kind, context, patched)


def _workload_findings(part: Part, kind: str, context: Context, patched: Mapping[str, Any] | None) -> Iterator[Finding]:
    is_known = kind in KINDS
    workloads = workloads_of(part.value) if is_known else embedded_templates(part)
    templates = []
    for workload in workloads:
        asked = workload if patched is None else merged(workload, part.file.path, patched, context.index)
        templates.append(judged(part.at(*workload.path), asked, context, is_patch=patched is not None))
    for template in templates:
        yield from template_findings(template, context)
    yield from misplaced_findings(part, templates)
    yield from runtime_env_findings(part, context)
    if not is_known and not templates:
        yield from unknown_kind_findings(part, context)
