"""An environment or labels as entries, in each form in which Compose allows them."""

from __future__ import annotations

import pytest

from tests.manifests.compose.support import compose_file
from webhook.manifests.compose.entries import entry_of, env_var, is_interpolated, read_entries
from webhook.manifests.compose.file import ShapeError
from webhook.manifests.source import node_at


def entries(written: str) -> dict[str, str | None]:
    file = compose_file(f"x-base: &base {{B: c, A: base}}\nservices:\n  a:\n    environment: {written}\n")
    found = read_entries(node_at(file.root, ["services", "a", "environment"]))
    return {item["name"]: item.get("value") for item in found.items}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("[A=b, 'B=', C, D=e=f]", {"A": "b", "B": "", "C": None, "D": "e=f"}),
        ("{A: b, B: '', C: , D: null}", {"A": "b", "B": "", "C": None, "D": None}),
        ("{PORT: 10001, OCTAL: 0123, ON: on, T: true}", {"PORT": "10001", "OCTAL": "0123", "ON": "on", "T": "true"}),
        ("{<<: *base, A: own}", {"B": "c", "A": "own"}),
        ("{<<: [{A: first}, *base]}", {"A": "first", "B": "c"}),
        ("*base", {"B": "c", "A": "base"}),
        ('{A: "\\ud83d\\ude00"}', {"A": "\N{GRINNING FACE}"}),
        ("[]", {}),
        ("", {}),
    ],
)
def test_each_form_gives_names_and_texts_as_they_are_written(written: str, expected: dict[str, str | None]) -> None:
    assert entries(written) == expected


@pytest.mark.parametrize("written", ["text", "{A: {b: c}}", "[[A]]", "{A: [b]}", "1"])
def test_another_shape_is_told(written: str) -> None:
    with pytest.raises(ShapeError, match="allowed"):
        entries(written)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain", {"value": "plain"}),
        ("a$$b", {"value": "a$b"}),
        ("${A:-b}", {"valueFrom": {}}),
        ("x$A", {"valueFrom": {}}),
        ("$$A$B", {"valueFrom": {}}),
        ("$", {"value": "$"}),
        ("$(A)", {"value": "$$(A)"}),
        ("$$(A)", {"value": "$$(A)"}),
    ],
)
def test_the_rule_book_sees_what_compose_makes_of_a_text(text: str, seen: dict[str, object]) -> None:
    assert env_var({"name": "N", "value": text}) == {"name": "N", **seen}
    assert is_interpolated(text) == ("valueFrom" in seen)


def test_what_is_written_is_escaped_and_a_secret_is_left_to_the_shell() -> None:
    assert entry_of({"name": "N", "value": "a$b"}) == {"name": "N", "value": "a$$b"}
    assert entry_of({"name": "N", "valueFrom": {"secretKeyRef": {}}}) == {"name": "N"}
