"""Values written as YAML in all the ways in which people and programs write it, for property tests."""

from __future__ import annotations

import json
import random
import re
from typing import Any, Final

from webhook.manifests.scalars import STR, implicit_tag

PLAIN: Final = re.compile(r"\w[\w./-]*")


class Writer:
    """Writes values at random: block and flow style, JSON, quotes, comments, indentation, line breaks."""

    def __init__(self, chance: random.Random, *, anchored: bool = False) -> None:
        self.chance = chance
        self.newline = chance.choice(["\n", "\n", "\r\n"])
        self.dash = chance.choice([0, 2])
        self.commented = chance.random() < 0.5
        self.anchors = 0.7 if anchored else 0.0
        self.anchored: list[tuple[Any, str]] = []
        self.style = "block" if anchored else chance.choice(["block", "block", "block", "flow", "json", "pretty"])

    def text(self, value: Any) -> str:
        """A document."""
        if self.style == "json":
            return json.dumps(value, ensure_ascii=False) + self.chance.choice(["", "\n"])
        if self.style == "pretty":
            written = json.dumps(value, indent=self.chance.choice(["  ", "    ", "\t"]), ensure_ascii=False)
            return (written + self.chance.choice(["", "\n"])).replace("\n", self.newline)
        lines = [self.flow(value)] if self.style == "flow" else self.block(value, 0)
        start = self.chance.choice(["", "", "---\n", "# head\n", "# head\n---\n", "\ufeff"])
        end = self.chance.choice(["\n", "\n", "", "\n\n", "\n# tail\n", "\n...\n"])
        return (start + "\n".join(lines) + end).replace("\n", self.newline)

    def block(self, value: Any, indent: int) -> list[str]:
        if isinstance(value, dict) and value:
            return [line for key, item in value.items() for line in self.pair(key, item, indent)]
        if isinstance(value, list) and value:
            return [line for item in value for line in self.item(item, indent)]
        return [" " * indent + self.flow(value)]

    def pair(self, key: str, value: Any, indent: int) -> list[str]:
        lines = self.comments(indent)
        name = " " * indent + self.scalar(key, in_flow=False) + ":"
        if (alias := self.alias(value)) is not None:
            return [*lines, f"{name} {alias}{self.remark()}"]
        if isinstance(value, (dict, list)) and value and self.chance.random() < 0.85:
            inner = indent + (self.dash if isinstance(value, list) else 2)
            anchor = self.anchor()
            written = [*lines, name + anchor + self.remark(), *self.block(value, inner)]
            return self.remembered(value, anchor, written)
        if isinstance(value, str) and value.isalnum() and self.chance.random() < 0.1:
            return [*lines, name + " " + self.chance.choice(["|-", ">-"]), " " * (indent + 3) + value]
        return [*lines, f"{name} {self.flow(value)}{self.remark()}"]

    def alias(self, value: Any) -> str | None:
        """An alias of a value that was written before."""
        found = [f"*{name}" for other, name in self.anchored if other == value]
        return self.chance.choice(found) if found and self.chance.random() < 0.8 else None

    def anchor(self) -> str:
        return f" &a{self.chance.randrange(10**6)}" if self.chance.random() < self.anchors else ""

    def remembered(self, value: Any, anchor: str, written: list[str]) -> list[str]:
        if anchor:
            self.anchored.append((value, anchor.strip(" &")))
        return written

    def item(self, value: Any, indent: int) -> list[str]:
        lines = self.comments(indent)
        if isinstance(value, (dict, list)) and value and self.chance.random() < 0.8:
            width = self.chance.choice([2, 2, 2, 4])
            inner = self.block(value, indent + width)
            if inner[0].lstrip().startswith("#"):
                return [*lines, " " * indent + "-", *inner]
            return [*lines, " " * indent + "-" + " " * (width - 1) + inner[0][indent + width :], *inner[1:]]
        return [*lines, " " * indent + f"- {self.flow(value)}{self.remark()}"]

    def flow(self, value: Any) -> str:
        if isinstance(value, dict):
            return "{" + self.joined([f"{self.scalar(key)}: {self.flow(item)}" for key, item in value.items()]) + "}"
        if isinstance(value, list):
            return "[" + self.joined([self.flow(item) for item in value]) + "]"
        return self.scalar(value)

    def joined(self, parts: list[str]) -> str:
        return self.chance.choice([", ", ",  "]).join(parts) + (self.chance.choice(["", "", ","]) if parts else "")

    def scalar(self, value: Any, *, in_flow: bool = True) -> str:
        if not isinstance(value, str):
            return json.dumps(value)
        ways = [json.dumps(value, ensure_ascii=False)]
        if value.isprintable():
            ways.append("'" + value.replace("'", "''") + "'")
        if (
            value
            and value[0].isalnum()
            and all(c.isalnum() or c in "_-./" for c in value)
            and implicit_tag(value) == STR
        ):
            ways += [value] * 4
        return self.chance.choice(ways)

    def comments(self, indent: int) -> list[str]:
        choices = ["", " " * indent + "# a note: - x", "# left"]
        return [self.chance.choice(choices)] if self.commented and self.chance.random() < 0.2 else []

    def remark(self) -> str:
        return self.chance.choice([" # remark", "  #"]) if self.commented and self.chance.random() < 0.2 else ""
