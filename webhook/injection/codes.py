"""What a code carries with it, in whichever table it stands."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class ReasonCode(StrEnum):
    """A code, with a few words, what it means and what to do about it."""

    def __new__(cls, code: str, summary: str, meaning: str, fix: str) -> Self:
        """Make the member equal to its code and keep the texts as attributes."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.summary = summary
        member.meaning = meaning
        member.fix = fix
        return member

    summary: str
    meaning: str
    fix: str

    @property
    def advice(self) -> str:
        """The fix, as the last part of a message."""
        return self.fix[0].lower() + self.fix[1:]
