"""Where things stand in a program, and programs that are none."""

from __future__ import annotations

import pytest

from tests.manifests.lint.told import found
from webhook.manifests.lint.finding import FileKind, Finding
from webhook.manifests.lint.python.source import decode


def findings(text: str) -> list[Finding]:
    return found(text, FileKind.PYTHON, "app.py")


ADDRESS = 'address = "ray://head:10001"'
VALUE = '"ray://head:10001"'


@pytest.mark.parametrize(
    ("before", "place"),
    [
        ("", (1, 11)),
        ("\n", (2, 11)),
        ("\r\n\r\n", (3, 11)),
        ("\ufeff", (1, 12)),
        ("\f\n", (2, 11)),
        ("x = 1\f\n", (2, 11)),
        ('é = "😀"; ', (1, 20)),
        ("x = '''\n\n'''; ", (3, 16)),
        ("# -*- coding: latin-1 -*-\n", (2, 11)),
        ("x = 'a\u2028b\x0bc'\n", (2, 11)),
        ("if x:\n\t", (2, 12)),
        ("x = 1 + \\\n  2; ", (2, 16)),
    ],
)
def test_lines_and_columns_are_those_that_an_editor_shows(before: str, place: tuple[int, int]) -> None:
    text = before + ADDRESS + "\n"
    (finding,) = findings(text)

    assert (finding.line, finding.column) == place
    assert text[finding.start : finding.end] == VALUE


def test_a_call_of_several_lines_is_told_from_its_beginning_to_its_end() -> None:
    (finding,) = findings('import ray\nray.init(\n    "ray://head:10001",\n)\n')

    assert (finding.line, finding.column, finding.end_line, finding.end_column) == (2, 1, 4, 2)


def test_what_stands_in_an_f_string_is_found_in_it() -> None:
    text = "import os\nx = f\"{os.getenv('RAY_HOST', 'head')}!\"\n"
    (finding,) = findings(text)

    assert (finding.code, finding.line) == ("RAY651", 2)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("print 'ray'\n", 1),
        ("import ray\ndef f(:\n", 2),
        ("%matplotlib inline\nimport ray\n", 1),
        ("import ray\n!pip install x\n", 2),
        ('{"cells": ["import ray"\n', 1),
        ("import ray\nx = 'a\n", 2),
        ("import ray\n  x = 1\n", 2),
        ("import ray\nx = 1\0\n", 1),
        ("import ray\nx = " + "(" * 300 + ")" * 300, 2),
        ("import ray\nx = " + "-" * 100_000 + "1", 1),
        ("import ray\nx = " + "9" * 5000, 2),
        ("import ray\nx = 'é\udc80'", 1),
        ("import ray\nx = f'{'\n", 2),
    ],
)
def test_what_is_no_program_is_one_finding_that_says_in_which_line(text: str, line: int) -> None:
    (finding,) = findings(text)

    assert (finding.code, finding.level) == ("RAY695", "warning")
    assert finding.line == line
    assert "\n" not in finding.message


def test_what_is_no_program_and_does_not_speak_of_ray_is_nothing() -> None:
    assert findings("print 'array'\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "x = ray" + ".a" * 900,
        "x = 'ray://h:1' + " + " + ".join(["y"] * 3000),
        "x = " + "[" * 90 + '"ray"' + "]" * 90,
        "x = ray" + "()" * 900,
        "a = a\nray.init(a)",
        "a = b\nb = a\nray.init(a)\nray.init(b.c)",
        "a = a + 'ray'\nray.init(a)",
        'import os\nx = os.getenv("RAY_ADDRESS", x)',
        "if x:\n pass\n" + "".join(f"elif ray{i}:\n pass\n" for i in range(500)),
    ],
)
def test_deep_and_circular_programs_end(text: str) -> None:
    assert isinstance(findings(text), list)


def test_thousands_of_findings_are_told_each() -> None:
    text = "import os\n" + 'x = os.getenv("RAY_ADDRESS", "ray://head:10001")\n' * 1000

    assert [each.line for each in findings(text)] == list(range(2, 1002))


def test_a_warning_of_pythons_about_a_program_is_not_passed_on() -> None:
    assert findings('x = "\\d ray"\n') == []  # pytest makes errors of warnings


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"x = 1\r\n", "x = 1\r\n"),
        (b"\xef\xbb\xbfx = 1", "x = 1"),
        (b"# coding: latin-1\nx = '\xe9'", "# coding: latin-1\nx = 'é'"),
        ("x = 'é'".encode(), "x = 'é'"),
    ],
)
def test_a_files_own_encoding_is_used(content: bytes, text: str) -> None:
    assert decode(content) == text


@pytest.mark.parametrize("content", [b"# coding: no-such\n", b"x = '\xe9'", b"# coding: ascii\nx = '\xc3\xa9'"])
def test_bytes_that_are_no_text_are_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(content)
