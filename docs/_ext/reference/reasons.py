"""A page for each reason code, and one that lists them: what ``ray-webhook reasons`` says."""

from __future__ import annotations

from collections.abc import Iterator

from docs._ext.reference.markdown import code, fence, page, prose, table
from webhook.cli.examples import EXAMPLES
from webhook.cli.reasons import NO_FIX
from webhook.injection.families import FAMILIES, family_of
from webhook.injection.reasons import Reason, every_reason


def pages() -> Iterator[tuple[str, str]]:
    """Each page's name, below the reference, and its text."""
    yield "reasons/index", _index(every_reason())
    for reason in every_reason():
        yield f"reasons/{reason.code}", _one(reason)


def _index(reasons: list[Reason]) -> str:
    parts = [
        (
            "Every message, warning, metric, log line and report of Ray Webhook bears one of these codes. "
            "`ray-webhook reasons CODE` explains one on the command line, in the words of its page here."
        )
    ]
    for family in FAMILIES:
        rows = [
            [f"[{reason.code}]({reason.code}.md)", prose(reason.summary)]
            for reason in reasons
            if family_of(reason.code) is family
        ]
        parts += [f"## {family.title}", prose(family.when), table(["code", "says"], rows)]
    return page("Reason codes", *parts)


def _one(reason: Reason) -> str:
    family = family_of(reason.code)
    parts = [
        prose(reason.meaning),
        "## When it is told",
        prose(family.when),
        "## What to do",
        prose(reason.fix or NO_FIX),
    ]
    if example := EXAMPLES.get(reason.code):
        parts += ["## An example", fence(example)]
    anchor = family.title.lower().replace(" ", "-")
    parts += [
        f"{code('ray-webhook reasons ' + reason.code)} says the same. Others: [{family.title}](index.md#{anchor})."
    ]
    return page(f"{reason.code}: {prose(reason.summary)}", *parts, orphan=True)
