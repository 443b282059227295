"""Addresses of head Services that no file makes: a copy that was forgotten when the cluster got another name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from webhook.errors import quote
from webhook.injection.findings import LintCode
from webhook.injection.snapshot import Reference, TargetKind, assumed_target, kuberay_name
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import File, Finding, Level
from webhook.manifests.lint.parts import Span
from webhook.manifests.lint.placeholders import has_placeholder
from webhook.manifests.workloads import RAY_CLUSTERS

_TARGETS: Final = {kind.value: kind for kind in TargetKind}
_SERVICE: Final = re.compile(r"(?<![\w.-])([a-z0-9][a-z0-9-]*-(?:head|serve)-svc)(?![\w-])")


def target_findings(file: File, span: Span, value: str | None, context: Context) -> Iterator[Finding]:
    """That `value`, which stands at `span`, names a Service as KubeRay calls them, but of no cluster here."""
    match = _SERVICE.search(value or "")
    known = _services(file.path, context) if match else frozenset()
    if match is None or not known or match[1] in known or has_placeholder(value):
        return
    meant = get_close_matches(match[1], known, n=1)
    fix = f"did you mean {quote(meant[0])}?" if meant else None
    message = f"{quote(match[1])} is the Service of no RayCluster or RayService in these files"
    yield file.finding(LintCode.DANGLING_TARGET, Level.NOTE, span, message, fix=fix)


def _services(path: str, context: Context) -> frozenset[str]:
    """The Services that go with the file at `path`, if there are clusters; those of clusters are named by KubeRay."""
    targets = context.index.targets_near(path, *RAY_CLUSTERS)
    if not targets:
        return frozenset()
    made = {name for target in targets for name in _services_of(*target)}
    return frozenset(made | {name for name, where in context.index.services if context.index.go_together(path, where)})


def _services_of(kind: str, name: str) -> Iterator[str]:
    reference = Reference(kind=_TARGETS.get(kind, TargetKind.CLUSTER), namespace="", name=name)
    made = assumed_target(reference)
    yield made.head_service
    yield made.serve_service or kuberay_name(f"{name}-serve-svc")
