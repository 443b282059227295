"""Nodes stand where the text says, whatever line breaks and characters are before them."""

from __future__ import annotations

import pytest
from yaml.nodes import MappingNode

from webhook.manifests.composer import AliasNode
from webhook.manifests.layout import end_of, start_of
from webhook.manifests.source import Source, key_at, node_at, step_to

TEXT = (
    '# é😀\r\nkind: List\r\nitems:\r\n- kind: Pod\r\n  a: {b: [x, "😀", z]}\r\n'
    "---\r\n---\r\nkind: Pod\r\nc: |\r\n  z\r\n"
)


def test_items_of_lists_are_documents_with_their_own_root() -> None:
    first, second = Source.parse(TEXT, name="s").documents

    assert first.value == {"kind": "Pod", "a": {"b": ["x", "😀", "z"]}}
    assert (first.number, second.number) == (0, 2)
    assert isinstance(first.top, MappingNode)
    assert node_at(first.top, ["items", 0]) is first.root


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_node_is_where_its_text_is(mark: str) -> None:
    source = Source.parse(mark + TEXT, name="s")
    first, second = source.documents

    node = node_at(first.root, ["a", "b", 2])

    assert source.text[start_of(node) : end_of(source.text, node)] == "z"
    assert source.place(start_of(node)) == (5, 19)
    assert source.text[start_of(key_at(first.root, ["a", "b"])) :].startswith("b: [x")
    block = node_at(second.root, ["c"])
    assert source.text[start_of(block) : end_of(source.text, block)] == "|\r\n  z"


def test_aliases_and_merges_lead_to_what_they_mean() -> None:
    text = "kind: Pod\nx: &x {a: 1, b: 2}\nv: *x\nz: {<<: [{a: 0, c: 3}, *x], d: 4}\n"
    (document,) = Source.parse(text, name="s").documents

    alias = step_to(document.root, "v")

    assert isinstance(alias, AliasNode)
    assert text[start_of(alias) : end_of(text, alias)] == "*x"
    assert node_at(document.root, ["v", "a"]) is node_at(document.root, ["x", "a"])
    assert node_at(document.root, ["z", "b"]) is node_at(document.root, ["x", "b"])
    assert node_at(document.root, ["z", "a"]).value == "0"
    with pytest.raises(LookupError):
        node_at(document.root, ["z", "e"])
    with pytest.raises(LookupError):
        node_at(document.root, ["x", 0])


def test_json_indented_by_tabs_may_write_a_character_as_two_halves() -> None:
    """The halves stop libyaml, the tabs PyYAML's own parser."""
    source = Source.parse('{\n\t"kind": "A", "a": "\\ud83d\\ude00",\n\t"b": [\n\t\t1\n\t]\n}\n', name="s")

    assert source.documents[0].value == {"kind": "A", "a": "😀", "b": [1]}
    assert source.place(node_at(source.documents[0].root, ("b", 0)).start_mark.index) == (4, 3)


def test_a_tab_in_yaml_stays_what_it_is() -> None:
    source = Source.parse('kind: A\na: "\\ud83d\\ude00"\nb: |\n  \tindented\n', name="s")

    assert source.documents[0].value == {"kind": "A", "a": "😀", "b": "\tindented\n"}
