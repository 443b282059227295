"""What changed in a pod, for people: each container's variables before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webhook.cli.output import Style
from webhook.errors import escape
from webhook.injection.selection import EPHEMERAL, INIT, REGULAR
from webhook.manifests.explanation import shown

_SIGNS = {"+": "green", "~": "yellow", "-": "red", "=": None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One variable of one container: no `before` if it is added, no `after` if removed."""

    container: str
    name: str
    before: str | None
    after: str | None
    source: str | None = None

    @property
    def sign(self) -> str:
        """``+``, ``-`` or ``~``; ``=`` where nothing changed."""
        if self.before == self.after:
            return "="
        if self.before is None:
            return "+"
        return "-" if self.after is None else "~"


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What differs between the env of two versions of one pod, in the order of the containers and variables."""
    return [change for pair in _containers(before, after) for change in _env_changes(*pair)]


def _containers(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for field in (INIT, REGULAR, EPHEMERAL):
        old, new = before.get("spec", {}).get(field) or [], after.get("spec", {}).get(field) or []
        for first, second in zip(old, new, strict=True):
            yield first["name"], first.get("env") or [], second.get("env") or []


def _env_changes(
    container: str, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> list[Change]:
    old, new = ({entry["name"]: shown(entry) for entry in env} for env in (before, after))
    return [
        Change(container=container, name=name, before=old.get(name), after=new.get(name))
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    ]


def change_lines(found: Sequence[Change], style: Style, *, indent: str = "    ") -> Iterator[str]:
    """The changes as lines of printable ASCII, below the name of each container."""
    width = max((len(escape(change.name)) for change in found), default=0)
    last = None
    for change in found:
        if change.container != last:
            yield f"{indent}{style(escape(change.container), bold=True)}"
            last = change.container
        value = change.before if change.after is None else change.after
        was = f"   (was {change.before})" if change.sign == "~" else ""
        source = f"   [{change.source}]" if change.source else ""
        told = escape(f"{value}{was}{source}")
        yield f"{indent}  {style(change.sign, _SIGNS[change.sign])} {escape(change.name):<{width}}  {told}"
