"""Files rewritten all together: new contents beside them first, then each moved into its place."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from webhook.cli.output import describe_input
from webhook.errors import InputError

_WRITABLE = 0o222


@dataclass(kw_only=True, slots=True)
class Staging:
    """New contents that are not in their places yet.

    Attributes:
        staged: each file, behind its symbolic links, with the new content's own file and its text.
    """

    staged: dict[Path, tuple[Path, str]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Begin; at the end, be it an interrupt, nothing is left that was not committed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Discard what was not committed."""
        self.discard()

    def stage(self, path: str, before: str, after: str) -> None:
        """Write `after` beside the file at `path`, which must still say `before`.

        Raises:
            InputError: it changed, is read-only, or cannot be written.
        """
        try:
            self._stage(Path(path).resolve(strict=True), describe_input(path), before, after)
        except OSError as error:
            reason = error.strerror or error
            raise InputError(
                f"{describe_input(path)} cannot be written ({reason})", fix="make that possible, or leave it out"
            ) from None

    def _stage(self, file: Path, name: str, before: str, after: str) -> None:
        if file.read_bytes() != before.encode():
            raise InputError(f"{name} changed while it was read", fix="run the command again")
        if not file.stat().st_mode & _WRITABLE or not os.access(file, os.W_OK):
            raise InputError(f"{name} is read-only", fix="make it writable, or leave it out")
        if file in self.staged:
            if self.staged[file][1] != after:
                raise InputError(f"{name} is given under two names, with a fix for each", fix="give it once")
            return
        self.staged[file] = (_beside(file, after), after)

    def commit(self) -> None:
        """Move every new content into its place."""
        for file, (new, _) in [*self.staged.items()]:
            new.replace(file)
            del self.staged[file]

    def discard(self) -> None:
        """Forget every new content."""
        while self.staged:
            _, (new, _) = self.staged.popitem()
            new.unlink(missing_ok=True)


def leads_out(file: Path, folder: Path) -> bool:
    """Whether the file is a symbolic link to something outside of `folder`, which nobody named: not ours to write."""
    return file.is_symlink() and not file.resolve().is_relative_to(folder.resolve())


def _beside(file: Path, text: str) -> Path:
    """A new file with the text, and with the mode and, where that is allowed, the owner of `file`."""
    status = file.stat()
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(text.encode())
            opened.flush()
            os.fsync(handle)
        with suppress(PermissionError):
            os.chown(new, status.st_uid, status.st_gid)
        new.chmod(status.st_mode)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    return new
