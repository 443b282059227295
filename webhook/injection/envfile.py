"""Settings as an env file: one ``KEY=VALUE`` a line, as kustomize's configMapGenerator reads it.

Blank lines and lines that begin with ``#`` do not count; nothing is quoted, expanded or continued.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from webhook.errors import SettingsError, quote
from webhook.injection.settings import Settings, parse_settings

_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)


class LineText(str):
    """What there is to say about a line: a text that begins with the line's number, and knows it."""

    __slots__ = ("line",)
    line: int

    def __new__(cls, line: int, text: str) -> Self:
        """Put the number before `text`."""
        made = super().__new__(cls, f"line {line}{text}")
        made.line = line
        return made


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvFile:
    """What a settings file says, and what is wrong with it or has no effect, each with its line and key."""

    settings: Settings
    faults: tuple[LineText, ...]
    ignored: tuple[LineText, ...]


def parse_env_file(text: str, *, source: str) -> EnvFile:
    """Parse the settings file `text`; `source` names it for people."""
    data: dict[str, str] = {}
    lines: dict[str, int] = {}
    faults: list[LineText] = []
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if wrong := _line_fault(key, equals, lines):
            faults.append(LineText(number, f" {wrong}"))
            continue
        data[key], lines[key] = value, number
    settings = parse_settings(data, source=source, cluster_wide=True)
    faults += [LineText(lines[key], f", {key} {fault}") for key, fault in settings.broken.items()]
    ignored = [LineText(lines[key], f", {key} is ignored: {why}") for key, why in settings.ignored.items()]
    return EnvFile(settings=settings, faults=tuple(faults), ignored=tuple(ignored))


def good_settings(text: str, *, name: str, source: str) -> Settings:
    """The settings of a file that must be good; `name` is the file's in the error, with its path.

    Raises:
        SettingsError: a line or key is wrong; names all of them.
    """
    parsed = parse_env_file(text, source=source)
    if parsed.faults:
        raise SettingsError(f"{name}, {'; '.join(parsed.faults)}", fix="mend it")
    return parsed.settings


def _line_fault(key: str, equals: str, lines: dict[str, int]) -> str | None:
    if not equals:
        return f"is {quote(key)}; allowed: KEY=VALUE"
    if not _KEY.fullmatch(key):
        return f"has the key {quote(key)}; allowed: letters, digits, _, - and ., not beginning with a digit"
    return f"has the key {key} again, after line {lines[key]}; allowed: each key once" if key in lines else None
