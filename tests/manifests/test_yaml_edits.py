"""An edit of the text is the same change of the value, in every style, and touches nothing else."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yaml.nodes import MappingNode, SequenceNode

from tests.manifests.written import Writer
from webhook.manifests import yaml_edits
from webhook.manifests.edits import Edit, OverlapError, apply
from webhook.manifests.source import Source, node_at

EXAMPLES = settings().max_examples // 2
NAMES = st.sampled_from(["a", "b", "RAY_HOST", "x-y", "on", "1", "k: v"])
TEXTS = st.sampled_from(
    ["", "x", "yes", "1", "http://h:8000", "it's", '"', "a # b", "é😀", "a: b", "- x", "\t", "\u2028"]
)
SCALARS = st.one_of(TEXTS, st.booleans(), st.none(), st.integers(-5, 5))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)
ENTRIES = st.one_of(st.fixed_dictionaries({"name": NAMES, "value": TEXTS}), VALUES)
LISTS = st.lists(ENTRIES, min_size=1, max_size=4)
CHANCES = st.integers(0, 2**32).map(random.Random)


def around(part: Any, chance: random.Random) -> tuple[Any, list[str | int]]:
    """A document that has `part` somewhere, and the way to it."""
    before, after = ({"first": 1} if chance.random() < 0.5 else {}), ({"last": [1]} if chance.random() < 0.5 else {})
    document = {**before, "part": part, **after}
    if chance.random() < 0.5:
        return {"list": [1, document, 2][: chance.choice([2, 3])]}, ["list", 1, "part"]
    return document, ["part"]


def read(text: str) -> Any:
    (document,) = Source.parse_any(text, name="s").documents
    return document.value


def at(text: str, path: list[str | int]) -> Any:
    (document,) = Source.parse_any(text, name="s").documents
    return node_at(document.root, path)


def value_at(value: Any, path: list[str | int]) -> Any:
    for step in path:
        value = value[step]
    return value


@settings(max_examples=EXAMPLES)
@given(items=LISTS, new=st.lists(ENTRIES, min_size=1, max_size=2), chance=CHANCES)
def test_items_are_inserted_where_they_are_to_be(items: list[Any], new: list[Any], chance: random.Random) -> None:
    value, path = around(items, chance)
    text = Writer(chance).text(value)
    sequence, index = at(text, path), chance.randint(0, len(items))
    assert isinstance(sequence, SequenceNode)

    edits = yaml_edits.insert_items(text, sequence, index, new)

    items[index:index] = new
    assert read(apply(text, edits)) == value
    assert all(edit.start == edit.end for edit in edits)


@settings(max_examples=EXAMPLES)
@given(items=LISTS, chance=CHANCES)
def test_items_are_removed(items: list[Any], chance: random.Random) -> None:
    value, path = around(items, chance)
    text = Writer(chance).text(value)
    gone = {index for index in range(len(items)) if chance.random() < 0.5} or {0}

    edits = yaml_edits.remove_items(text, at(text, path), gone)

    left = [item for index, item in enumerate(items) if index not in gone]
    value_at(value, path[:-1])["part"] = left
    found = read(apply(text, edits))
    if not left and value_at(found, path[:-1])["part"] is None:
        value_at(value, path[:-1])["part"] = None
    assert found == value
    assert not any(edit.text for edit in edits)


@settings(max_examples=EXAMPLES)
@given(old=st.dictionaries(NAMES, ENTRIES, max_size=3), new=VALUES, chance=CHANCES)
def test_keys_are_inserted(old: dict[str, Any], new: Any, chance: random.Random) -> None:
    value, path = around(old, chance)
    writer = Writer(chance)
    text = writer.text(value)
    mapping = at(text, path)
    assert isinstance(mapping, MappingNode)

    edits = yaml_edits.insert_key(text, mapping, "new", new, dash=chance.choice([0, 2]))

    old["new"] = new
    assert read(apply(text, edits)) == value


@settings(max_examples=EXAMPLES)
@given(old=st.dictionaries(NAMES, ENTRIES, min_size=2, max_size=4), chance=CHANCES)
def test_keys_are_removed(old: dict[str, Any], chance: random.Random) -> None:
    value, path = around(old, chance)
    text = Writer(chance).text(value)
    key = chance.choice(list(old))

    edits = yaml_edits.remove_key(text, at(text, path), key)

    del old[key]
    assert read(apply(text, edits)) == value
    assert not any(edit.text for edit in edits)


@settings(max_examples=EXAMPLES)
@given(old=VALUES, new=VALUES, chance=CHANCES)
def test_values_are_replaced(old: Any, new: Any, chance: random.Random) -> None:
    value, path = around(old, chance)
    text = Writer(chance).text(value)
    mapping = at(text, path[:-1])

    edits = yaml_edits.replace_value(text, mapping, "part", new, dash=chance.choice([0, 2]))

    value_at(value, path[:-1])["part"] = new
    assert read(apply(text, edits)) == value


@settings(max_examples=EXAMPLES)
@given(old=SCALARS, new=TEXTS, chance=CHANCES)
def test_scalars_are_replaced(old: Any, new: str, chance: random.Random) -> None:
    value, path = around(old, chance)
    text = Writer(chance).text(value)

    edit = yaml_edits.replace_scalar(text, at(text, path), new)

    value_at(value, path[:-1])["part"] = new
    assert read(apply(text, [edit])) == value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a:  # note\n- x # one\n\n# about y\n- y\nb: 1\n", "a:  # note\n- x # one\n- new\n\n# about y\n- y\nb: 1\n"),
        ("a: [x, y]\n", "a: [x, new, y]\n"),
        ('{"a": [\n  "x",\n  "y"\n]}', '{"a": [\n  "x",\n  "new",\n  "y"\n]}'),
        ("a:\r\n  -   x\r\n  -   y", "a:\r\n  -   x\r\n  -   new\r\n  -   y"),
        ("a:\n- |+\n  x\n\n- y\n", "a:\n- |+\n  x\n\n- new\n- y\n"),
        ("- - x\n  - y\n", "- - x\n  - new\n  - y\n"),
    ],
)
def test_an_item_is_inserted_as_its_siblings_are_written(before: str, after: str) -> None:
    (document,) = Source.parse_any(before, name="s").documents
    sequence = node_at(document.root, ["a"] if isinstance(document.value, dict) else [0])
    assert isinstance(sequence, SequenceNode)

    assert apply(before, yaml_edits.insert_items(before, sequence, 1, ["new"])) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 'x' # note", "a: 'it''s' # note"),
        ('a: "x"', 'a: "it\'s"'),
        ("a: x", 'a: "it\'s"'),
        ("a: &b x\nc: *b", 'a: &b "it\'s"\nc: *b'),
        ("a:\nb: 1", 'a: "it\'s"\nb: 1'),
        ("a: |\n  x\n  y\n\nb: 1", 'a: "it\'s"\n\nb: 1'),
    ],
)
def test_a_scalar_keeps_its_quotes_and_anchor(before: str, after: str) -> None:
    assert apply(before, [yaml_edits.replace_scalar(before, at(before, ["a"]), "it's")]) == after


def test_edits_that_overlap_are_refused() -> None:
    with pytest.raises(OverlapError):
        apply("abcdef", [Edit(0, 3, "x"), Edit(2, 4, "y")])
    assert apply("abcdef", [Edit(3, 3, "y"), Edit(1, 3, ""), Edit(3, 3, "z")]) == "ayzdef"
