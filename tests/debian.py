"""Programs and libraries of Debian's packages for tests: unpacked once into the user's cache, and not installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.control_plane.cache import cache, lock


class PackageError(Exception):
    """The packages cannot be had; ``str()`` says why, as the middle part of a line."""


def unpacked(name: str, packages: Callable[[], Sequence[str]]) -> Path:
    """The folder with what is in `packages`, which are asked for where it is not there yet; one that is is complete.

    Raises:
        PackageError: they cannot be fetched, or unpacked.
    """
    folder = cache(name) / "package"
    with lock(folder.with_name("lock")):
        if not folder.is_dir():
            partial = folder.with_name("partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            _download(partial, packages)
            for file in partial.glob("*.deb"):
                _run("dpkg-deb", "--extract", str(file), str(partial))
                file.unlink()
            partial.rename(folder)
    return folder


def with_missing(*packages: str) -> list[str]:
    """These packages and all that they depend on, as far as this machine has not installed them."""
    planned = _run("apt-get", "install", "--simulate", "--no-install-recommends", *packages)
    return [line.split()[1] for line in planned.splitlines() if line.startswith("Inst ")]


def _download(folder: Path, packages: Callable[[], Sequence[str]]) -> None:
    """By a second try with new lists of packages where there are none yet."""
    try:
        _run("apt-get", "download", *packages(), cwd=folder)
    except PackageError:
        _run("apt-get", "update")
        _run("apt-get", "download", *packages(), cwd=folder)


def _run(*command: str, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise PackageError(f"there is no {command[0]} to fetch it with") from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise PackageError(f"{' '.join(command[:2])} failed ({said[0]})")
    return done.stdout
