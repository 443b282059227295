"""Addresses of head Services that no file makes: a copy that was forgotten when the cluster got another name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from webhook.errors import quote
from webhook.injection.findings import LintCode
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import File, Finding, Level
from webhook.manifests.lint.parts import Span
from webhook.manifests.lint.placeholders import has_placeholder

_SERVICE: Final = re.compile(r"(?<![\w.-])([a-z0-9][a-z0-9-]*-(?:head|serve)-svc)(?![\w-])")


def target_findings(file: File, span: Span, value: str | None, context: Context) -> Iterator[Finding]:
    """That `value`, which stands at `span`, names a Service as KubeRay calls them, but of no cluster here."""
    match = _SERVICE.search(value or "")
    known = context.index.services
    if match is None or not known or match[1] in known or has_placeholder(value):
        return
    meant = get_close_matches(match[1], known, n=1)
    fix = f"did you mean {quote(meant[0])}?" if meant else None
    message = f"{quote(match[1])} is the Service of no RayCluster or RayService in these files"
    yield file.finding(LintCode.DANGLING_TARGET, Level.NOTE, span, message, fix=fix)
