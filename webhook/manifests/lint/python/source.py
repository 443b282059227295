"""A Python program's text and its syntax tree, and where in the text a node stands."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from dataclasses import dataclass
from typing import Final

from webhook.errors import QUOTED_LENGTH, escape

_BOM: Final = "\ufeff"
_LINE_END: Final = re.compile(r"\r\n|\r|\n")


class NotPythonError(Exception):
    """A text that this Python does not parse.

    Attributes:
        problem: in words.
        offset: where, in characters from the text's beginning.
    """

    def __init__(self, problem: str, offset: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.offset = offset


def decode(content: bytes) -> str:
    """The text of a Python file by its byte order mark or its coding line (PEP 263), else UTF-8; line ends stay.

    Raises:
        ValueError: it is not text in that encoding, or there is no such encoding.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    except SyntaxError as error:
        raise ValueError(error.msg) from None
    try:
        return content.decode(encoding)
    except LookupError as error:  # rot13 and others are codecs, but of no text
        raise ValueError(str(error)) from None


class Lines:
    """Where the lines of a program's text begin: where editors begin them, not after form feeds, as str.splitlines."""

    def __init__(self, text: str) -> None:
        self._text = text
        first = len(_BOM) if text.startswith(_BOM) else 0
        self._starts = [first, *(match.end() for match in _LINE_END.finditer(text))]

    def offset(self, line: int, column: int) -> int:
        """The character at the UTF-8 byte `column` (from 0) of the `line` (from 1)."""
        start = self._starts[min(line, len(self._starts)) - 1]
        prefix = self._text[start : start + column]  # a character is a byte or more
        return start + (column if prefix.isascii() else len(prefix.encode()[:column].decode(errors="ignore")))


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonSource:
    """A program; `tree` belongs to `text`."""

    text: str
    tree: ast.Module
    lines: Lines

    @classmethod
    def parse(cls, text: str) -> PythonSource:
        """The program that `text` is, a byte order mark allowed.

        Raises:
            NotPythonError: it is none; says where.
        """
        lines = Lines(text)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of "\d" and the like, which are not ours to tell
                return cls(text=text, tree=ast.parse(text.removeprefix(_BOM)), lines=lines)
        except SyntaxError as error:
            offset = lines.offset(error.lineno or 1, 0) + max((error.offset or 1) - 1, 0)
            raise NotPythonError(error.msg, min(offset, len(text))) from None
        except (RecursionError, MemoryError):
            raise NotPythonError("nested too deep") from None
        except ValueError:  # a NUL, half a surrogate pair
            raise NotPythonError("a character that no program has") from None

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """The characters of `node`: the first, and the one behind the last."""
        start = self.lines.offset(node.lineno, node.col_offset)
        if node.end_lineno is None or node.end_col_offset is None:
            return start, start
        return start, max(start, self.lines.offset(node.end_lineno, node.end_col_offset))

    def code(self, node: ast.expr) -> str:
        """How `node` is written, its line ends and blanks as single blanks."""
        return " ".join(self.text[slice(*self.span(node))].split())

    def shown(self, node: ast.expr) -> str:
        """How `node` is written, for a message."""
        code = self.code(node)
        return f"`{escape(code if len(code) <= QUOTED_LENGTH else code[:QUOTED_LENGTH] + '...')}`"
