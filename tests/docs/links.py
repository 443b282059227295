"""The links of a Markdown file as code hosts see them, and the anchors that they give its headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
_TOOLS: Final = re.compile(r"dist|node_modules|\.(?!github$).*")
_FENCE: Final = re.compile(r"^(`{3,}|~{3,}).*?^\1[`~]*$", re.DOTALL | re.MULTILINE)
_CODE: Final = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_LINK: Final = re.compile(r"\]\(<?([^\s)>]+)>?(?: \"[^\"]*\")?\)|^\[[^\]]+\]: (\S+)|<(https?://[^>\s]+)>", re.MULTILINE)
_HEADING: Final = re.compile(r"^#{1,6} (.+?) *#*$", re.MULTILINE)


def files() -> list[Path]:
    """Every Markdown file that somebody wrote."""
    return sorted(
        file
        for file in ROOT.rglob("*.md")
        if not any(map(_TOOLS.fullmatch, file.relative_to(ROOT).parts))
        and ROOT / "docs" / "reference" not in file.parents
    )


def targets(text: str) -> Iterator[str]:
    """Where the links and pictures of a text lead; what stands in code is no link."""
    for match in _LINK.finditer(_CODE.sub("", _FENCE.sub("", text))):
        yield next(filter(None, match.groups()))


def anchors(text: str) -> set[str]:
    """What may follow a `#`: the headings in lower case, without punctuation, blanks as dashes."""
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("\\", "").lower()
        slug = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        found.add(next(one for one in (slug, *(f"{slug}-{n}" for n in range(1, 100))) if one not in found))
    return found
