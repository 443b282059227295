"""What is said about the words of a command and about assignments, in scripts and in Dockerfiles alike."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from webhook import contract
from webhook.errors import quote
from webhook.injection.findings import LintCode
from webhook.manifests.lint.endpoints import (
    HOLE,
    VARIABLES,
    Service,
    endpoint_of,
    is_derived,
    is_on_loopback,
    is_setting,
)
from webhook.manifests.lint.finding import Level
from webhook.manifests.lint.shell.script import Word

_PREFIXES: Final = frozenset({"command", "env", "exec", "nohup", "sudo", "time"})
_SAYERS: Final = frozenset({"echo", "printf"})
_LOOKERS: Final = frozenset({"[", "[[", "awk", "expr", "grep", "egrep", "printenv", "sed", "test", "unset"})
_RAYS_OWN: Final = frozenset({"health-check", "memory", "start", "status", "stop"})
_SHELLS: Final = frozenset({"ash", "bash", "dash", "ksh", "sh", "zsh"})
_KUBECTL: Final = frozenset({"kubectl", "oc"})
_CONFIG_MAP: Final = frozenset({"cm", "configmap", "configmaps"})
_SCRIPT_FLAG: Final = re.compile(r"-[a-z]*c")
_ASSIGNED: Final = re.compile(r"(?:^|[=,.]|^-e)((?:RAY|SEEDCORE)_[A-Z_]+)=(.*)", re.DOTALL)
_FLAGGED: Final = re.compile(r"-{0,2}[\w.-]+=(.*)")
_SAID: Final = re.compile(r"(?:^|\s)((?:RAY|SEEDCORE)_[A-Z_]+)=[\"']?([^\s\"']+)")
_NAMES: Final = VARIABLES | {contract.RAY_AUTH_TOKEN}
_WAYS: Final = {
    Service.CLIENT: contract.RAY_ADDRESS,
    Service.DASHBOARD: contract.RAY_DASHBOARD_URL,
    Service.SERVE: contract.RAY_SERVE_URL,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What is said about the characters of `span`; `fix` is the code's advice where it is None."""

    span: tuple[int, int]
    code: LintCode
    message: str
    level: Level = Level.WARNING
    fix: str | None = None
    loopback: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """The words of a command.

    Attributes:
        redirected: whether what it says goes into a file.
    """

    words: list[Word]
    redirected: bool = False

    @property
    def program(self) -> int:
        """The index of the word that is the program, behind ``env``, ``sudo`` and the like, or of the end."""
        for number, word in enumerate(self.words):
            if _name(word) not in _PREFIXES and not word.text.startswith("-") and "=" not in word.text:
                return number
        return len(self.words)

    def script(self) -> Word | None:
        """The word that is a script itself: of ``sh -c``, ``eval`` and the like."""
        names = [_name(word) for word in self.words]
        if len(names) - self.program > 1 and names[self.program] in {"eval", "ssh"}:
            return self.words[-1]
        for number, name in enumerate(names[:-1]):
            if _SCRIPT_FLAG.fullmatch(name) and _SHELLS & {*names[:number]}:
                return self.words[number + 1]
        return None


def _name(word: Word) -> str:
    return word.text.rpartition("/")[2]


def about_command(command: Command, settings_names: Collection[str]) -> Iterator[Report]:
    """What is wrong with a command: an address that Ray refuses, settings for others, addresses among its words."""
    words = command.words[command.program :]
    name = _name(words[0]) if words else ""
    if name in _LOOKERS or (name in _SAYERS and not command.redirected):
        return
    refused = _refused(words) if name == "ray" else None
    if refused is not None:
        yield refused
        return
    for word in command.words[: command.program]:
        yield from _about_word(word, LintCode.SCRIPT_SETTING)
    allowed = contract.CONNECTION_KEYS if name in _KUBECTL and _makes_settings(words, settings_names) else ()
    code = LintCode.SCRIPT_SETTING if name in _SAYERS else LintCode.SCRIPT_DECLARES
    yield from (report for word in words[1:] for report in _about_word(word, code, allowed))


def _makes_settings(words: list[Word], settings_names: Collection[str]) -> bool:
    """Whether it makes the ConfigMap that holds the settings: there they belong."""
    texts = [word.text for word in words]
    return any(text in _CONFIG_MAP and texts[number + 1] in settings_names for number, text in enumerate(texts[:-1]))


def _refused(words: list[Word]) -> Report | None:
    """Ray's own command with a client's address."""
    command = next((word.text for word in words[1:] if word.text in _RAYS_OWN), None)
    for number, word in enumerate(words):
        flag, _, value = word.text.partition("=")
        if flag == "--address" and not value and number + 1 < len(words):
            value = words[number + 1].text
        if command and flag == "--address" and value.startswith("ray://"):
            message = f"ray {command} is given {quote(_shown(value))}, a client's address, which it refuses"
            return Report(span=word.span, code=LintCode.ADDRESS_REFUSED, level=Level.ERROR, message=message)
    return None


def _about_word(word: Word, code: LintCode, allowed: Collection[str] = ()) -> Iterator[Report]:
    match = (_SAID if code is LintCode.SCRIPT_SETTING else _ASSIGNED).search(word.text)
    if match is None or match[1] not in _NAMES:
        yield from about_value(word)
    elif match[1] not in allowed:
        yield from about_assignment(match[1], Word(text=match[2], start=word.start, end=word.end), code)


def about_value(word: Word) -> Iterator[Report]:
    """What is wrong with a word that is an address or a URL, or a flag with one."""
    match = _FLAGGED.fullmatch(word.text)
    text = match[1] if match else word.text
    endpoint = endpoint_of(text)
    if endpoint is None or (endpoint.derived and endpoint.service is not Service.CLIENT):
        return  # a URL of a host that the script is told is well enough
    code = LintCode.ADDRESS_IN_CODE if endpoint.service is Service.CLIENT else LintCode.URL_IN_CODE
    yield Report(
        span=word.span,
        code=LintCode.ADDRESS_DERIVED if endpoint.derived else code,
        message=f"{quote(_shown(text))} is {'put together by hand' if endpoint.derived else 'hard-coded'}",
        fix=f'write "${_WAYS[endpoint.service]}", which the webhook gives the pod',
        loopback=endpoint.loopback,
    )


def about_default(name: str, default: Word) -> Iterator[Report]:
    """What is wrong with the default of the variable `name` in an expansion."""
    if is_setting(name, default.text) or endpoint_of(default.text):
        message = f"{name} has the default {quote(default.text)}"
        loopback = is_on_loopback(default.text)
        yield Report(span=default.span, code=LintCode.SCRIPT_SETTING, message=message, loopback=loopback)


def about_assignment(name: str, word: Word, code: LintCode = LintCode.SCRIPT_SETTING) -> Iterator[Report]:
    """What is wrong where the variable `name` gets a value; the place is that of the whole assignment."""
    if name == contract.RAY_AUTH_TOKEN and word.text.strip(HOLE):
        message = f"{name} is written out"
        yield Report(span=word.span, code=LintCode.TOKEN_WRITTEN, level=Level.ERROR, message=message)
    elif is_setting(name, word.text):
        message = f"{name} is set to {quote(word.text)}"
        yield Report(span=word.span, code=code, message=message, loopback=is_on_loopback(word.text))
    elif is_derived(name, word.text):
        message = f"{name} is put together by hand, {quote(_shown(word.text))}"
        loopback = is_on_loopback(word.text)
        fix = LintCode.SCRIPT_SETTING.advice
        yield Report(span=word.span, code=LintCode.ADDRESS_DERIVED, message=message, fix=fix, loopback=loopback)
    elif name not in VARIABLES:
        yield from about_value(word)


def _shown(text: str) -> str:
    return text.replace(HOLE, "...")
