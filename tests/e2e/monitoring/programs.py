"""promtool and prometheus: those beside $PROMTOOL, those on PATH, or those of Debian's package, fetched once.

The package is unpacked into the user's cache and not installed; of its dependencies the two programs need libc alone.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.debian import PackageError, unpacked


class ProgramsError(Exception):
    """There is no Prometheus to test with; ``str()`` is one line that ends with what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Programs:
    """Where the two programs are."""

    promtool: Path
    prometheus: Path


def find_programs() -> Programs:
    """The programs to test with.

    Raises:
        ProgramsError: they are not here, and cannot be fetched.
    """
    if given := os.environ.get("PROMTOOL"):
        return _inside(Path(given).parent, "let PROMTOOL name a promtool that has prometheus beside it, or unset it")
    on_path = shutil.which("promtool"), shutil.which("prometheus")
    if on_path[0] and on_path[1]:
        return Programs(promtool=Path(on_path[0]), prometheus=Path(on_path[1]))
    return _inside(_fetched() / "usr" / "bin", "remove that folder, so that it is fetched again")


def _inside(folder: Path, fix: str) -> Programs:
    for name in ("promtool", "prometheus"):
        if not os.access(folder / name, os.X_OK):
            raise ProgramsError(f"{folder} has no program {name}; {fix}")
    return Programs(promtool=folder / "promtool", prometheus=folder / "prometheus")


def _fetched() -> Path:
    """The unpacked package."""
    try:
        return unpacked("prometheus", lambda: ["prometheus"])
    except PackageError as error:
        fix = "install Prometheus, or set PROMTOOL to a promtool that has prometheus beside it"
        raise ProgramsError(f"promtool is not on PATH, and {error}; {fix}") from None
