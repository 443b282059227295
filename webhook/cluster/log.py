"""What the cluster part needs of a log; the server's, which it does not know, is one."""

from __future__ import annotations

from typing import Protocol


class Log(Protocol):
    """Where events are told; fields are numbers, texts, or lists of them."""

    def info(self, event: str, **fields: object) -> None:
        """Write what is as it should be."""

    def warning(self, event: str, **fields: object) -> None:
        """Write what somebody should look at."""
