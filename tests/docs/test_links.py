"""Every link between the repository's files leads somewhere; those to elsewhere are of a known host, and well formed.

Nothing is fetched: whether another site still has a page is not for a test to find out.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from docs._ext.reference import every_page
from tests.docs.links import ROOT, anchors, files, targets

HOSTS: Final = frozenset(
    {
        "cert-manager.io",
        "docs.github.com",
        "docs.pytest.org",
        "docs.ray.io",
        "github.com",
        "istio.io",
        "keepachangelog.com",
        "kubernetes.io",
        "kyverno.io",
        "linkerd.io",
        "no-color.org",
        "open-policy-agent.github.io",
        "pre-commit.com",
        "semver.org",
        "www.kubernetes.dev",
        "www.ray.io",
    }
)
"""Whose pages may be linked to; a further one is a decision."""
ELSEWHERE: Final = re.compile(r"https://([a-z0-9.-]+)(/[\w./~%@+-]*)?(\?[\w=&%-]+)?(#[\w./:-]+)?")
REFERENCE: Final = ROOT / "docs" / "reference"


@cache
def generated() -> dict[Path, str]:
    """The pages that `make docs` writes, which are not committed."""
    return {REFERENCE / f"{name}.md": text for name, text in every_page()}


def fault(file: Path, target: str) -> str | None:
    """What is wrong with a link of `file`; None for a good one."""
    if ":" in target.partition("/")[0]:
        match = ELSEWHERE.fullmatch(target)
        return None if match and match[1] in HOSTS else "no https address of a known host"
    path, _, anchor = target.partition("#")
    there = (file.parent / path).resolve() if path else file
    if not there.is_relative_to(ROOT):
        return "leads out of the repository"
    if there in generated():
        return None if not anchor or anchor in anchors(generated()[there]) else "no such heading"
    if not there.exists() or there.is_relative_to(REFERENCE):
        return "no such file"
    return "no such heading" if anchor and there.suffix == ".md" and anchor not in anchors(there.read_text()) else None


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_every_link_leads_somewhere(file: Path) -> None:
    faults = {target: why for target in targets(file.read_text()) if (why := fault(file, target))}

    assert not faults


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("index.md#nowhere", "no such heading"),
        ("reference/flags.md#ray-webhook-audit", None),
        ("reference/flags.md#ray-webhook-nothing", "no such heading"),
        ("reference/reasons/RAY301.md", None),
        ("reference/reasons/RAY999.md", "no such file"),
        ("../deploy/kustomize/base", None),
        ("../deploy/nothing", "no such file"),
        ("../../elsewhere.md", "leads out of the repository"),
        ("https://kubernetes.io/docs/concepts/", None),
        ("http://kubernetes.io/docs/", "no https address of a known host"),
        ("https://example.invalid/", "no https address of a known host"),
        ("https://kubernetes.io/docs/ a", "no https address of a known host"),
        ("mailto:somebody@example.invalid", "no https address of a known host"),
    ],
)
def test_a_bad_link_is_found(target: str, why: str | None) -> None:
    assert fault(ROOT / "docs" / "index.md", target) == why


def test_links_are_read_as_a_code_host_reads_them() -> None:
    text = "[a](b.md) ![c](d.svg) `[e](f.md)` <https://kubernetes.io/>\n[g]: h.md\n```md\n[i](j.md)\n```\n[k](l.md#m)"

    assert list(targets(text)) == ["b.md", "d.svg", "https://kubernetes.io/", "h.md", "l.md#m"]


def test_headings_have_the_anchors_that_a_code_host_gives_them() -> None:
    text = (
        "# What `-o json` prints\n## A: b, c\n## A: b, c\n```\n# none\n```\n## Told by lint --fix\n### [x](y.md) \\_z\n"
    )

    assert anchors(text) == {"what--o-json-prints", "a-b-c", "a-b-c-1", "told-by-lint---fix", "x-_z"}
