"""Plain values as YAML text: in block style, in flow style, or as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from webhook.manifests.scalars import STR, implicit_tag

_PLAIN: Final = re.compile(r"[A-Za-z_/](?:[A-Za-z0-9_.=/@-]|:(?=[A-Za-z0-9_/]))*")
_BREAKS: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_SINGLE_QUOTABLE: Final = re.compile(r"[\x20-\x7e]*")


def quoted(text: str) -> str:
    """`text` in double quotes, right in YAML and, but for characters that Unicode has not, in JSON."""
    return _BREAKS.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))


def single_quoted(text: str) -> str:
    """`text` in single quotes, or in double quotes where those cannot hold it."""
    return "'" + text.replace("'", "''") + "'" if _SINGLE_QUOTABLE.fullmatch(text) else quoted(text)


def plain(text: str, *, in_flow: bool) -> str:
    """`text` without quotes, or with quotes where it needs them; a colon in a flow does, to older readers."""
    if _PLAIN.fullmatch(text) and implicit_tag(text) == STR and not (in_flow and ":" in text):
        return text
    return single_quoted(text) if '"' in text else quoted(text)


def scalar(value: object, *, in_flow: bool, as_json: bool) -> str:
    """A value that is neither a mapping nor a sequence."""
    if isinstance(value, str):
        return quoted(value) if as_json else plain(value, in_flow=in_flow)
    return json.dumps(value)


def flow(value: Any, *, as_json: bool) -> str:
    """`value` on one line."""
    if isinstance(value, Mapping):
        pairs = (
            f"{scalar(key, in_flow=True, as_json=as_json)}: {flow(item, as_json=as_json)}"
            for key, item in value.items()
        )
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(flow(item, as_json=as_json) for item in value) + "]"
    return scalar(value, in_flow=True, as_json=as_json)


def pretty(value: Any, *, outer: str, step: str, newline: str) -> str:
    """`value` as JSON over several lines: those after the first begin with `outer`, and `step` more for each level."""
    text = json.dumps(value, indent=step, ensure_ascii=False)
    escaped = _BREAKS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return escaped.replace("\n", newline + outer)


def block(value: Any, *, indent: int, dash: int = 2) -> list[str]:
    """`value` in block style, as lines without their indentation's first `indent` blanks and without line breaks.

    Args:
        dash: how far sequences are indented in mappings.
    """
    lead = " " * indent
    if isinstance(value, Mapping) and value:
        return [lead + line for key, item in value.items() for line in _pair(str(key), item, dash)]
    if isinstance(value, list) and value:
        return [lead + line for item in value for line in _item(item, dash)]
    return [lead + _leaf(value)]


def _pair(key: str, value: Any, dash: int) -> list[str]:
    name = plain(key, in_flow=False)
    if isinstance(value, (Mapping, list)) and value:
        return [f"{name}:", *block(value, indent=2 if isinstance(value, Mapping) else dash, dash=dash)]
    return [f"{name}: {_leaf(value)}"]


def _item(value: Any, dash: int) -> list[str]:
    first, *more = (
        block(value, indent=2, dash=dash) if isinstance(value, (Mapping, list)) and value else [f"  {_leaf(value)}"]
    )
    return ["- " + first[2:], *more]


def _leaf(value: Any) -> str:
    is_collection = isinstance(value, (Mapping, list))
    return flow(value, as_json=False) if is_collection else scalar(value, in_flow=False, as_json=False)
