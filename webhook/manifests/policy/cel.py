"""Values as CEL writes them (https://github.com/google/cel-spec/blob/master/doc/langdef.md#values)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Variable(NamedTuple):
    """A named expression of a policy, with what it stands for."""

    name: str
    comment: str
    expression: str

    @property
    def commented(self) -> str:
        """The expression below its comment, which CEL ignores."""
        return f"// {self.comment}\n{self.expression}"


def text(value: str) -> str:
    r"""A string; JSON's escapes are CEL's too, but for pairs of surrogates, which are not written.

    >>> print(text("it's"), text("two\nlines"))
    "it's" "two\nlines"
    """
    return json.dumps(value, ensure_ascii=False)


def pattern(value: str) -> str:
    r"""A string without escapes, for a regular expression.

    >>> print(pattern("[.]\\pZ"))
    r"[.]\pZ"
    """
    return f'r"{value}"'


def texts(values: Iterable[str]) -> str:
    """A list of strings on one line."""
    return f"[{', '.join(map(text, values))}]"


def table(rows: Iterable[Sequence[str]], indent: str) -> str:
    """A list of lists of strings, each on a line of its own below the first."""
    lines = ",".join(f"\n{indent}  {texts(row)}" for row in rows)
    return f"[{lines}\n{indent}]"


def annotation(key: str) -> str:
    """An annotation of the pod, as an optional value."""
    return f"object.metadata.?annotations[?{text(key)}]"


def label(key: str) -> str:
    """A label of the pod, as an optional value."""
    return f"object.metadata.?labels[?{text(key)}]"
