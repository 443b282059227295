"""A wrong clock for one process, by Debian's libfaketime, fetched once and not installed.

Monotonic clocks stay right, as they do where a node's time of day is wrong.
"""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

from tests.control_plane.cache import cache, lock
from tests.service import COMMAND

PACKAGE = "libfaketime"


def skewed(folder: Path, skew: timedelta) -> str:
    """A program that is ``ray-webhook`` with a time of day that is wrong by `skew`."""
    (library,) = _fetched().glob("usr/lib/*/faketime/libfaketime.so.1")
    seconds = round(skew.total_seconds())
    file = folder / f"ray-webhook-{seconds}"
    clock = f"LD_PRELOAD={library} FAKETIME={seconds:+d} FAKETIME_DONT_FAKE_MONOTONIC=1"
    file.write_text(f'#!/bin/sh\n{clock} exec {COMMAND} "$@"\n', encoding="utf-8")
    file.chmod(0o700)
    return str(file)


def _fetched() -> Path:
    """The unpacked package; a folder that exists is complete."""
    folder = cache(PACKAGE) / "package"
    with lock(folder.with_name("lock")):
        if not folder.is_dir():
            partial = folder.with_name("partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            _download(partial)
            (file,) = partial.glob(f"{PACKAGE}_*.deb")
            _run("dpkg-deb", "--extract", str(file), str(partial))
            partial.rename(folder)
    return folder


def _download(folder: Path) -> None:
    """By a second try with new lists of packages where there are none yet."""
    try:
        _run("apt-get", "download", PACKAGE, cwd=folder)
    except subprocess.CalledProcessError:
        _run("apt-get", "update")
        _run("apt-get", "download", PACKAGE, cwd=folder)


def _run(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(command, cwd=cwd, capture_output=True, check=True)
