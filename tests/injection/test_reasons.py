"""The table of codes, and how a warning reads."""

from __future__ import annotations

import re

import pytest

from webhook.injection.reasons import MAX_WARNING, Code, DecisionWarning, every_reason


def test_every_code_reads_ray_and_three_digits_once() -> None:
    codes = [reason.code for reason in every_reason()]
    assert [code for code in codes if not re.fullmatch(r"RAY[1-9]\d\d", code)] == []
    assert len(set(codes)) == len(codes)
    assert codes == sorted(codes)
    assert {code.value for code in Code} <= set(codes)


@pytest.mark.parametrize("code", list(Code))
def test_a_code_says_what_it_means_and_what_to_do_in_one_line_of_ascii(code: Code) -> None:
    for text in (code.summary, code.meaning, code.fix):
        assert text
        assert text.isascii()
        assert text.isprintable()


@pytest.mark.parametrize("length", [0, 1, 247, 248, 249, 250, 10_000])
def test_a_warning_is_at_most_256_bytes_and_begins_with_its_code(length: int) -> None:
    line = str(DecisionWarning(Code.BUILT_IN, "x" * length))
    assert len(line) == min(length + len("RAY401: "), MAX_WARNING)
    assert MAX_WARNING == 256
    assert line.startswith("RAY401: ")
    assert line.endswith("...") is (length > 248)
