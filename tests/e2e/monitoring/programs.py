"""promtool and prometheus: those beside $PROMTOOL, those on PATH, or those of Debian's package, fetched once.

The package is unpacked into the user's cache and not installed; of its dependencies the two programs need libc alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.control_plane.cache import cache, lock


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
    """The unpacked package; a folder that exists is complete."""
    folder = cache("prometheus") / "package"
    with lock(folder.with_name("lock")):
        if not folder.is_dir():
            partial = folder.with_name("partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            _run("dpkg-deb", "--extract", str(_download(partial)), str(partial))
            partial.rename(folder)
    return folder


def _download(folder: Path) -> Path:
    """The package's file, by a second try with new lists of packages where there are none yet."""
    try:
        _run("apt-get", "download", "prometheus", cwd=folder)
    except ProgramsError:
        _run("apt-get", "update")
        _run("apt-get", "download", "prometheus", cwd=folder)
    (file,) = folder.glob("prometheus_*.deb")
    return file


def _run(*command: str, cwd: Path | None = None) -> None:
    fix = "install Prometheus, or set PROMTOOL to a promtool that has prometheus beside it"
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ProgramsError(f"promtool is not on PATH, and there is no {command[0]} to fetch it with; {fix}") from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise ProgramsError(f"promtool is not on PATH, and {' '.join(command[:2])} failed ({said[0]}); {fix}")
