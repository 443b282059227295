"""The examples of ``ray-webhook reasons`` and of the documentation say what the code says today."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.service import run_command
from webhook.cli.examples import examples
from webhook.injection.reasons import every_reason

SHORTEST = 7
"""Characters of a piece of a message that counts; a shorter one is found everywhere."""
WORDS = re.compile(r"(?<![\w/.-])[a-z]{2,}(?: [a-z]{2,}){2}(?![\w/.-])")


@cache
def pieces() -> tuple[str, ...]:
    """All that the code may say, in pieces between its values."""
    package = find_spec("webhook")
    assert package is not None
    files = [file for path in package.submodule_search_locations or () for file in Path(path).rglob("*.py")]
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    said = {part.strip(" .") for text in texts for part in (text, text[:1].lower() + text[1:])}
    return tuple(part for part in said if len(part) >= SHORTEST)


def unsaid(example: str) -> list[str]:
    """Three words in a row that no piece of the code has; what is quoted is a value."""
    left = list(
        re.sub(r'"(?:\\.|[^"\\])*"|\'[^\']*\'|`[^`]*`|\([^()]*\)', lambda quoted: "|" * len(quoted[0]), example)
    )
    for piece in filter(example.__contains__, pieces()):
        for found in re.finditer(re.escape(piece), example):
            left[slice(*found.span())] = "|" * len(piece)
    return WORDS.findall("".join(left))


@pytest.mark.parametrize("code", examples())
def test_the_code_says_it_so(code: str) -> None:
    assert unsaid(examples()[code]) == []


def test_words_that_the_code_does_not_say_are_found() -> None:
    example = examples()["RAY301"]

    assert unsaid(example.replace("set it to head, worker", "choose one out of head, worker"))


def test_only_codes_that_exist_have_examples_and_most_of_those_of_people_do() -> None:
    known = {reason.code for reason in every_reason()}

    assert examples().keys() <= known
    assert not {code for code in known if re.match("RAY(3|4|72|73)", code)} - examples().keys() - {"RAY311", "RAY312"}


def test_an_example_is_shown_with_its_code() -> None:
    assert examples()["RAY402"] in run_command("reasons", "RAY402").stdout.replace("\n  ", "\n")
