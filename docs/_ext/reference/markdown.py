"""Markdown from parts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_CODE = re.compile(r"(`[^`]*`)")
_MARKUP = re.compile(r"([\\*_<>\[\]#])")
_NAMES = re.compile(
    r"(?<![\w./-])((?:RAY|GRPC|KUBERAY|SEEDCORE)_[A-Z_]*[A-Z]|ray\.seedcore\.io/[a-z-]+|--[a-z][a-z-]*[a-z])(?![\w-])"
)


def prose(text: str) -> str:
    """`text` as it is to be read: names of variables, annotations and flags are code, any other markup is escaped."""
    marked = "".join(
        piece if piece.startswith("`") else _NAMES.sub(r"`\1`", piece) for piece in _pieces(" ".join(text.split()))
    )
    return "".join(piece if piece.startswith("`") else _MARKUP.sub(r"\\\1", piece) for piece in _pieces(marked))


def _pieces(text: str) -> list[str]:
    return _CODE.split(text)


def code(text: object) -> str:
    """`text` as code; nothing where there is none."""
    return f"`{text}`" if str(text) else ""


def codes(texts: Iterable[object]) -> str:
    """Several of them, with commas."""
    return ", ".join(code(text) for text in texts)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def page(title: str, *parts: str, orphan: bool = False) -> str:
    """A page of parts that are Markdown, one below the other; an orphan is in no list of pages."""
    front = ["---\norphan: true\n---"] if orphan else []
    return "\n\n".join([*front, f"# {title}", *parts]) + "\n"


def fence(text: str, language: str = "text") -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```"
