"""What an image brings: the variables of its stages, and which stages are part of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from webhook import contract
from webhook.errors import quote
from webhook.injection.findings import LintCode
from webhook.manifests.lint.dockerfile.instructions import Instruction
from webhook.manifests.lint.endpoints import HOLE, VARIABLES, is_derived, is_on_loopback, is_setting
from webhook.manifests.lint.finding import Level
from webhook.manifests.lint.shell.rules import Report
from webhook.manifests.lint.shell.script import Script, Word

_ALONE: Final = re.compile(r"\s*([A-Za-z_]\w*)[ \t]+(.*?)\s*", re.DOTALL)
_FROM: Final = re.compile(r"\s*(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*", re.IGNORECASE)
_LONGEST_KNOWN: Final = 512
"""Characters of a value that is put in elsewhere; no address is as long, but values of values can be any length."""
_CLIENTS: Final = ("ray://", "http://", "https://")
_IN_FORCE: Final = {
    contract.RAY_ADDRESS: "workers",
    contract.RAY_SERVE_ADDRESS: "heads and workers",
    contract.RAY_DASHBOARD_ADDRESS: "heads and workers",
    contract.RAY_API_SERVER_ADDRESS: "heads and workers",
}
"""Where the webhook leaves no env entry for a variable, or takes it out, so that an image's is in force."""


@dataclass(kw_only=True, slots=True)
class Stages:
    """The stages of a Dockerfile: each one's name and the number of the stage it is made from."""

    _numbers: dict[str, int] = field(default_factory=dict)
    _parents: list[int | None] = field(default_factory=list)

    def enter(self, text: str) -> None:
        """Begin the stage of a FROM with the arguments `text`."""
        match = _FROM.fullmatch(text)
        base, name = (match[1], match[2]) if match else ("", None)
        self._parents.append(self._numbers.get(base.lower()))
        if name:
            self._numbers[name.lower()] = len(self._parents) - 1

    @property
    def current(self) -> int:
        """The number of the stage that is being read."""
        return len(self._parents) - 1

    def of_image(self) -> set[int]:
        """The stages that the last one is made from, and that itself."""
        found: set[int] = set()
        number: int | None = self.current
        while number is not None and number not in found:
            found.add(number)
            number = self._parents[number] if number >= 0 else None
        return found


def assignments(text: str, instruction: Instruction, known: dict[str, str]) -> Iterator[tuple[str, Word]]:
    """Names and values of an ENV or ARG; what is `known` is put in, and grows by them."""
    arguments = text[instruction.start : instruction.end]
    alone = _ALONE.fullmatch(arguments)
    if instruction.name == "ENV" and alone and "=" not in alone[1]:
        start, end = instruction.start + alone.start(1), instruction.start + alone.end(2)
        yield from _noted(alone[1], _word_at(text, (instruction.start + alone.start(2), end), known), start, known)
        return
    script = Script(text, instruction.start, instruction.end, known=known)
    # All values are read before the first is noted: an instruction does not see its own.
    for name, word in [script.assignment(node) for node, _ in script.nodes() if node.type == "variable_assignment"]:
        yield from _noted(name, word, word.start, known)


def _word_at(text: str, span: tuple[int, int], known: dict[str, str]) -> Word:
    script = Script(f"V={text[slice(*span)]}", known=known)
    node = next((node for node, _ in script.nodes() if node.type == "variable_assignment"), None)
    value = script.assignment(node)[1].text if node is not None else text[slice(*span)]
    return Word(text=value, start=span[0], end=span[1])


def _noted(name: str, word: Word, start: int, known: dict[str, str]) -> Iterator[tuple[str, Word]]:
    if HOLE not in word.text and len(word.text) <= _LONGEST_KNOWN:
        known[name] = word.text
    yield name, Word(text=word.text, start=start, end=word.end)


def about_variable(name: str, word: Word) -> Report | None:
    """What is wrong with a variable that an image brings."""
    value = word.text
    shown = quote(value.replace(HOLE, "..."))
    if name == contract.RAY_AUTH_TOKEN and value.strip(HOLE):
        message = f"the image has {name}, written out"
        return Report(span=word.span, code=LintCode.TOKEN_WRITTEN, level=Level.ERROR, message=message)
    if name == contract.RAY_ADDRESS and value.startswith(_CLIENTS) and value not in _CLIENTS:
        message = f"the image sets {name} to {shown}, a client's address, which is in force on {_IN_FORCE[name]}"
        return Report(span=word.span, code=LintCode.IMAGE_ADDRESS, level=Level.ERROR, message=message)
    if name not in VARIABLES or not (is_setting(name, value) or is_derived(name, value) or value == "local"):
        return None
    consequence = f", which is in force on {_IN_FORCE[name]}" if name in _IN_FORCE else ""
    message = f"the image sets {name} to {shown}{consequence}"
    return Report(span=word.span, code=LintCode.IMAGE_SETTING, message=message, loopback=is_on_loopback(value))
