"""Scalars as go-yaml v2 reads them, through which kubectl reads YAML (its ``resolve.go``): YAML 1.1, but for some.

``y`` and ``1e3`` are a bool and a float, while base 60 and dates are text.
"""

from __future__ import annotations

import math
import re
from typing import Final

TAG: Final = "tag:yaml.org,2002:"
STR: Final = TAG + "str"
NULL: Final = TAG + "null"
BOOL: Final = TAG + "bool"
INT: Final = TAG + "int"
FLOAT: Final = TAG + "float"
MERGE: Final = TAG + "merge"

_TRUE: Final = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
_FALSE: Final = frozenset(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
_WORDS: Final = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"], NULL),
    **dict.fromkeys([*_TRUE, *_FALSE], BOOL),
    "<<": MERGE,
}
_OCTAL: Final = re.compile(r"[-+]?0[0-7]+")
_INT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*|0[oO]?[0-7]+|0[xX][0-9a-fA-F]+|0[bB][01]+)")
_FLOAT: Final = re.compile(
    r"[-+]?(?:(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)
_INTEGERS: Final = range(-(2**63), 2**64)


def implicit_tag(text: str) -> str:
    """The tag of the plain scalar `text`.

    >>> [implicit_tag(text).removeprefix(TAG) for text in ("1e3", "0123", "1:30", "y", "2020-01-01")]
    ['float', 'int', 'str', 'bool', 'str']
    """
    word = _WORDS.get(text)
    if word is not None or not text or text[0] not in "+-.0123456789":
        return word or STR
    plain = text.replace("_", "")
    if _INT.fullmatch(plain):
        return INT
    return FLOAT if _FLOAT.fullmatch(plain if text[0] != "." else text) else STR


def bool_of(text: str) -> bool:
    """The bool that is written as `text`.

    Raises:
        ValueError: it is none.
    """
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(text)


def int_of(text: str) -> int | float:
    """The integer that is written as `text`; one beyond 64 bits is a float.

    Raises:
        ValueError: it is none.
    """
    plain = text.replace("_", "")
    number = int(plain, 8 if _OCTAL.fullmatch(plain) else 0)
    return number if number in _INTEGERS else float_of(text)


def float_of(text: str) -> float:
    """The number that is written as `text`.

    Raises:
        ValueError: it is none that JSON has.
    """
    plain = text.replace("_", "")
    number = float(plain) if _FLOAT.fullmatch(plain) else math.nan
    if not math.isfinite(number):
        raise ValueError(text)
    return number
