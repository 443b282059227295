"""The env_vars of a runtime_env, which beat the pod's own variables: in RayService, RayJob and Serve's own files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from webhook.contract import Role
from webhook.errors import InputError
from webhook.injection.findings import LintCode
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.data import data_findings, mapping_data
from webhook.manifests.lint.finding import Finding
from webhook.manifests.lint.parts import Part, documents_of
from webhook.manifests.workloads import Path

_SERVE: Final[dict[str, Path]] = {"RayService": ("spec", "serveConfigV2")}
_JOBS: Final[dict[str, Path]] = {
    "RayJob": ("spec", "runtimeEnvYAML"),
    "RayCronJob": ("spec", "jobTemplate", "runtimeEnvYAML"),
}


def runtime_env_findings(part: Part, context: Context) -> Iterator[Finding]:
    """What the texts of a RayService or RayJob set in its tasks and replicas."""
    kind = str(part.get("kind"))
    for paths, look in ((_SERVE, serve_config_findings), (_JOBS, _env_vars)):
        if kind in paths:
            text = part.at(*paths[kind])
            found = [finding for inner in _documents(text) for finding in look(inner, context)]
            yield from found if text.inside() else (_at(text, finding) for finding in found)


def serve_config_findings(part: Part, context: Context) -> Iterator[Finding]:
    """The same for each application of a Serve config."""
    for application in part.items("applications"):
        yield from _env_vars(application.at("runtime_env"), context)


def _env_vars(part: Part, context: Context) -> Iterator[Finding]:
    data = mapping_data(
        part.at("env_vars"), "in env_vars of a runtime_env", role=Role.WORKER, code=LintCode.DECLARED_IN_RUNTIME_ENV
    )
    yield from data_findings(data, context)


def _documents(text: Part) -> list[Part]:
    """The YAML in `text`; none where it is no YAML."""
    if not isinstance(text.value, str):
        return []
    try:
        return documents_of(text.inside() or replace(text.file, text=text.value))
    except InputError:
        return []


def _at(text: Part, finding: Finding) -> Finding:
    """The finding in a text that is written on one line, where places inside cannot be told: at the text itself."""
    return text.finding(finding.code, finding.level, finding.message, fix=finding.fix)
