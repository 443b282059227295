"""YAML is read as kubectl reads it, and whatever JSON has not is refused with its place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from webhook.errors import InputError
from webhook.manifests.composer import MAX_DEPTH
from webhook.manifests.documents import parse_documents
from webhook.manifests.nodes import SPARE_NODES


def read(value: str) -> Any:
    """The value of a key in a document."""
    (document,) = parse_documents(f"kind: Pod\nvalue: {value}\n", source="s")
    return document["value"]


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse_documents(text, source="s")
    return str(caught.value)


def bomb(first: str, more: str) -> str:
    """Ten of the one before on each of ten levels."""
    levels = [more.format(number=number, aliases=",".join([f"*a{number - 1}"] * 10)) for number in range(1, 11)]
    return "\n".join(["kind: Pod", first, *levels])


@pytest.mark.parametrize(
    ("written", "keys"),
    [
        ("{on: 1}", ["true"]),
        ("{n: 1}", ["false"]),
        ("{1: a, 0x10: b}", ["1", "16"]),
        ("{1.5: a, 1.0: b, 1e30: c}", ["1.5", "1", "1e+30"]),
        ("{2020-01-01: a}", ["2020-01-01"]),
    ],
)
def test_keys_become_the_text_that_kubectl_makes_of_them(written: str, keys: list[str]) -> None:
    assert list(read(written)) == keys


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", True),
        ("y", True),
        ("0123", 83),
        ("0o17", 15),
        ("-0x1F", -31),
        ("0b101", 5),
        ("089", 89.0),
        (".5e3", 500.0),
        ("0x", "0x"),
        ("=", "="),
        ("!!str 1", "1"),
        ("! yes", "yes"),
        ("<<", "<<"),
        ("1_000", 1000),
        ("1e3", 1000.0),
        ("~", None),
        ("2020-01-01", "2020-01-01"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        ("1:30", "1:30"),
        ("1:30.5", "1:30.5"),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ("{a: &b {x: 1, v: 2}, c: {<<: [{x: 0}, *b], z: 3}}", {"a": {"x": 1, "v": 2}, "c": {"x": 0, "v": 2, "z": 3}}),
    ],
)
def test_values_are_those_of_kubectl(written: str, value: object) -> None:
    found = read(written)

    assert (found, type(found)) == (value, type(value))


SCALARS = """
y n Y yes tRUE TRUE OFF ~ Null << = 2020-01-01 1:30 1:30.5 -- -0 +1 0.0 00 0123 089 0_8 1_000 _1 1__0 0.1_1 0x 0xg 0x_1
0x1F -0x1F 0o17 0O17 0b101 0B1 1e 1e3 1e+3 12e03 1.5e-3 e3 .e3 .5 +.5 -.5 .5e3 1. ..5 1.2.3 'y' "y" ""
"""


def test_scalars_are_those_of_the_real_kubectl() -> None:
    scalars = [*SCALARS.split(), "!!str 1", "! yes", "!!float 1", "!!int '7'", "!!bool yes", '"\\x41"']
    listed = "".join(f"- {scalar}\n" for scalar in scalars)
    text = f"apiVersion: example.com/v1\nkind: Example\nmetadata: {{name: a}}\nlisted:\n{listed}"
    command = [str(Path(sys.executable).parent / "kubectl"), "label", "--local", "-f", "-", "a=b", "-o", "json"]
    ended = subprocess.run(command, input=text, capture_output=True, text=True, check=True)

    (document,) = parse_documents(text, source="s")

    theirs = dict(zip(scalars, map(as_json, json.loads(ended.stdout)["listed"]), strict=True))
    assert dict(zip(scalars, map(as_json, document["listed"]), strict=True)) == theirs


def as_json(value: Any) -> str:
    """A value's text, in which a float without a fraction is an integer, as JSON takes it."""
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)


def test_json_is_yaml() -> None:
    assert parse_documents('{"kind": "Pod", "a": ["\\u00e9", 1, null, true]}', source="s") == [
        {"kind": "Pod", "a": ["é", 1, None, True]}
    ]


def test_what_two_aliases_share_in_text_is_not_shared_in_memory() -> None:
    first, second = read("[&a {x: 1}, *a]")

    assert first == second
    assert first is not second


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind: Pod\n~: 1", "s:2:1 has a key that is no text"),
        ("kind: Pod\n[a]: 1", "s:2:1 has a key that is no text"),
        ("kind: Pod\n? {a: 1}\n: 1", "s:2:3 has a key that is no text"),
        ("kind: Pod\n1: a\n'1': b", 's:3:1 has the key "1" twice'),
        ('kind: "\\ud800"', "s:1:7 has half a surrogate pair"),
        ('kind: Pod\n"\\udc00": 1', "s:2:1 has half a surrogate pair"),
        ("kind: !!bool abc", 's:1:7 has "abc", which is no bool in JSON'),
        ("kind: !!int ''", 's:1:7 has "", which is no int in JSON'),
        ("kind: !!float x", 's:1:7 has "x", which is no float in JSON'),
        ("kind: .nan", 's:1:7 has ".nan", which is no float in JSON'),
        ("kind: -.inf", 's:1:7 has "-.inf", which is no float in JSON'),
        ("kind: 1e999", 's:1:7 has "1e999", which is no float in JSON'),
        ("kind: " + "1" * 5000, 's:1:7 has "1111'),
        ("kind: !!binary aGk=", 's:1:7 has the tag "tag:yaml.org,2002:binary"'),
        ("kind: !Ref x", 's:1:7 has the tag "!Ref"'),
        ("kind: Pod\n<<: 1", "s:2:5 has a merge of what is no mapping"),
        ("&l {kind: List, items: [*l]}", f"s:1:11 has more than {MAX_DEPTH} levels of nesting"),
        ("kind: Pod\na: &a {<<: *a}", f"s:2:4 has more than {MAX_DEPTH} levels of nesting"),
        ("[" * 100_000, f"s:1:{MAX_DEPTH + 2} has more than {MAX_DEPTH} levels of nesting"),
        ("- " * 100_000, f"s:1:{2 * MAX_DEPTH + 3} has more than {MAX_DEPTH} levels of nesting"),
        ("\x00", 's:1:1 is not YAML (the character "\\x00" is not allowed)'),
        ("a: *b", "s:1:4 is not YAML"),
    ],
)
def test_what_json_has_not_is_refused_with_its_place(text: str, told: str) -> None:
    assert refusal(text).startswith(f"RAY802: {told}")


@pytest.mark.parametrize(
    "text",
    [
        bomb("a0: &a0 [x, x, x]", "a{number}: &a{number} [{aliases}]"),
        bomb("a0: &a0 {x: 1}", "a{number}: &a{number} {{<<: [{aliases}]}}"),
    ],
    ids=["lists", "merges"],
)
def test_a_text_that_grows_by_its_aliases_ends_soon(text: str) -> None:
    start = monotonic()

    assert f"has more than {SPARE_NODES} values by its aliases" in refusal(text)
    assert monotonic() - start < 20


def test_nesting_up_to_the_limit_is_read() -> None:
    levels = MAX_DEPTH - 1

    found = read("[" * levels + "]" * levels)

    for _ in range(levels - 1):
        (found,) = found
    assert found == []
