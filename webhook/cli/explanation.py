"""An explanation as lines that people read at a glance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from webhook.cli.output import Style
from webhook.cli.report import Change, change_lines
from webhook.errors import escape
from webhook.injection.codes import ReasonCode
from webhook.manifests.explanation import Explained, shown


def headline(explained: Explained, style: Style, code: ReasonCode | None = None) -> str:
    """The first line: what it is and what becomes of it; `code` is that of a pod that stands."""
    role = f"{explained['role']} ({explained['roleSource']}), " if explained["roleSource"] else ""
    color = "green" if explained["operations"] else None if explained["allowed"] and code is None else "red"
    told = code or explained["code"]
    return f"{style(escape(explained['name']), bold=True)}: {role}{style(told, color)} {told.summary}"


def body_lines(explained: Explained, style: Style) -> Iterator[str]:
    """What is below that: the connection, each container's variables, what may come in beside them, warnings."""
    if explained["source"]:
        yield f"  Connection from {escape(explained['source'])}."
    for container in explained["containers"]:
        yield from change_lines(_changes(container), style)
        for found in container["mayBringIn"]:
            yield from influence_lines(found, style, indent="      ")
    for warning in explained["warnings"]:
        yield f"  {style('warning', 'yellow')} {escape(warning)}"


def _changes(container: Mapping[str, Any]) -> Sequence[Change]:
    return [
        Change(
            container=f"{container['name']}, as {container['treatedAs']}",
            name=variable["name"],
            before=variable["before"],
            after=variable["after"],
            source=variable["source"],
        )
        for variable in container["variables"]
    ]


def influence_lines(found: Explained, style: Style, *, indent: str = "  ") -> Iterator[str]:
    """A source of variables beside the env: what comes in is what people have to know, so it has the colour."""
    told = [f"{name}={shown({'value': value})} comes in" for name, value in found["comesIn"].items()]
    told += [f"{', '.join(found['beaten'])} beaten by the env"] if found["beaten"] else []
    told += [found["message"]] if found["message"] else []
    text = "; ".join(told) or "nothing of Ray's"
    sign = style("!", "yellow") if found["comesIn"] else style("?", "yellow") if found["message"] else "="
    yield f"{indent}{sign} {escape(found['source'] + ': ' + text)}"


def hint_lines(found: Iterable[Explained], style: Style) -> Iterator[str]:
    """Hints, which come first: they are why people ask."""
    for hint in found:
        yield f"  {style(hint['code'], 'yellow')} {escape(hint['message'] + '; ' + hint['fix'])}"
