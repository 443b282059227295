"""What is found in a text, in short."""

from __future__ import annotations

from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import File, FileKind, Finding
from webhook.manifests.lint.registry import findings


def found(text: str, kind: FileKind, path: str = "file") -> list[Finding]:
    return sorted(findings(File(path=path, text=text, kind=kind), Context()), key=lambda finding: finding.start)


def told(text: str, kind: FileKind, path: str = "file") -> list[str]:
    """Code and level, and the characters that each finding is about."""
    return [f"{each.code} {each.level} {text[each.start : each.end]}" for each in found(text, kind, path)]
