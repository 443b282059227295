"""When real output is what a page says."""

from __future__ import annotations

import pytest

from tests.docs.comparison import difference, matches


@pytest.mark.parametrize(
    ("expected", "real"),
    [
        ("", ""),
        ("one\ntwo", "one\ntwo\n"),
        ("one", "one   \n\n"),
        ("pod/a-...", "pod/a-7d9f"),
        ("...", ""),
        ("one\n...\nfour", "one\ntwo\nthree\nfour"),
        ("one\n    ...\nfour", "one\nfour"),
        ("a ... c ...", "a b c d"),
        ("a...", "a..."),
        ("(.*)", "(.*)"),
    ],
)
def test_the_same_text_and_what_dots_stand_for_match(expected: str, real: str) -> None:
    assert matches(expected, real)


@pytest.mark.parametrize(
    ("expected", "real"),
    [
        ("", "one"),
        ("one", ""),
        ("one\ntwo", "one"),
        ("one", "one\ntwo"),
        (" one", "one"),
        ("a ... c", "a b\nc"),
        ("...\none", "one\ntwo"),
        ("(.*)", "anything"),
    ],
)
def test_anything_else_does_not(expected: str, real: str) -> None:
    assert not matches(expected, real)


def test_a_difference_shows_only_the_lines_that_differ_as_such() -> None:
    assert difference("pod/a-...\nAGE\nold\n...", "pod/a-7d9f\nAGE\nnew") == "  pod/a-7d9f\n  AGE\n- old\n- ...\n+ new"
