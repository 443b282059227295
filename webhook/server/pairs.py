"""Where the pair comes from that is served: two files, or the memory of who keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from webhook.errors import quote_path
from webhook.server.files import read_regular_file

Content = tuple[bytes | str, bytes | str]
"""The certificate with any intermediates, and its key, in PEM; or in words why one of them cannot be read."""


class PairSource(Protocol):
    """What a serving certificate follows."""

    @property
    def names(self) -> tuple[str, str]:
        """What errors call the certificate and the key."""

    def read(self) -> Content | None:
        """The pair as it is now; None as long as there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairFiles:
    """Two PEM files."""

    certificate: Path
    key: Path

    @property
    def names(self) -> tuple[str, str]:
        """Their paths."""
        return quote_path(self.certificate), quote_path(self.key)

    def read(self) -> Content:
        """Both files."""
        return read_regular_file(self.certificate), read_regular_file(self.key)


class PairInMemory:
    """A pair that is put here, by any thread; it is never on a disk."""

    def __init__(self, owner: str) -> None:
        """Hold none yet; errors say that it is of `owner`."""
        self._owner = owner
        self._pair: Content | None = None

    @property
    def names(self) -> tuple[str, str]:
        """As a Secret names them."""
        return f"tls.crt of {self._owner}", f"tls.key of {self._owner}"

    def put(self, certificate: bytes, key: bytes) -> None:
        """Hold this pair from now on."""
        self._pair = (certificate, key)

    def read(self) -> Content | None:
        """The pair."""
        return self._pair
