"""Templates (Helm's) as YAML of the same length: what a template puts in is a placeholder, so places stay true.

A line of nothing but actions becomes blank; an action inside a line becomes a text that is good in most places where a
name, a value or a part of one stands.
"""

from __future__ import annotations

import re
from typing import Any, Final

from webhook import contract
from webhook.injection.review import EnvVar

_PAIR: Final = "zq"
_ACTION: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_ACTIONS_ALONE: Final = re.compile(r"(?m)^[ \t]*(?:\{\{(?:[^}]|\}(?!\}))*\}\}[ \t]*)+\r?$")
_PLACEHOLDER: Final = re.compile(f"(?:{_PAIR}){{2,}}z?")
_NOT_A_BREAK: Final = re.compile(r"[^\r\n]")


def is_template(text: str) -> bool:
    """Whether `text` has actions of a template."""
    return "{{" in text and _ACTION.search(text) is not None


def masked(text: str) -> str:
    """`text` without its actions, at the same length and with the same lines."""
    blank = _ACTIONS_ALONE.sub(lambda match: _NOT_A_BREAK.sub(" ", match[0]), text)
    return _ACTION.sub(lambda match: _placeholder(match[0]), blank)


def _placeholder(action: str) -> str:
    if "\n" in action:
        return _NOT_A_BREAK.sub(" ", action)
    return (_PAIR * len(action))[: len(action)]


def has_placeholder(text: object) -> bool:
    """Whether `text` comes from a template, all of it or a part."""
    return isinstance(text, str) and _PLACEHOLDER.search(text) is not None


def is_placeholder(text: object) -> bool:
    """Whether all of `text` comes from a template."""
    return isinstance(text, str) and _PLACEHOLDER.fullmatch(text) is not None


def without_placeholders(pod: dict[str, Any]) -> dict[str, Any]:
    """The pod without those of our annotations that come from a template."""
    metadata = pod.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(annotations, dict):
        return pod
    kept = {
        key: value
        for key, value in annotations.items()
        if not (key.startswith(contract.PREFIX) and has_placeholder(value))
    }
    return {**pod, "metadata": {**metadata, "annotations": kept}}


def literal_of(entry: EnvVar) -> str | None:
    """The value of an env entry, or None where there is none to read: from elsewhere, or from a template."""
    value = entry.value or ""
    return None if entry.value_from is not None or has_placeholder(value) else value
