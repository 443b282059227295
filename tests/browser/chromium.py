"""A Chromium to test with: the one in $CHROMIUM, one on PATH, or Debian's, fetched once with what it lacks here."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.debian import PackageError, unpacked, with_missing

FONTS = "fonts-dejavu-core"
"""Without any font a page is but boxes."""


class ChromiumError(Exception):
    """There is no Chromium to test with; ``str()`` is one line that ends with what to do."""


def find_chromium() -> Path:
    """The program.

    Raises:
        ChromiumError: it is not here, and cannot be fetched.
    """
    if given := os.environ.get("CHROMIUM"):
        if not os.access(given, os.X_OK):
            raise ChromiumError(f"CHROMIUM is {given}, which is no program; let it name a Chromium, or unset it")
        return Path(given)
    if on_path := shutil.which("chromium"):
        return Path(on_path)
    try:
        folder = unpacked("chromium", lambda: with_missing("chromium", FONTS))
    except PackageError as error:
        fix = "install Chromium, or set CHROMIUM to the program"
        raise ChromiumError(f"chromium is not on PATH, and {error}; {fix}") from None
    return _started_by(folder)


def _started_by(folder: Path) -> Path:
    """A script that starts the unpacked program with the libraries that were unpacked beside it."""
    script = folder.with_name("chromium")
    libraries = os.pathsep.join(sorted({str(file.parent) for file in folder.glob("usr/lib/**/*.so*")}))
    fonts = "" if Path("/etc/fonts/fonts.conf").exists() else f"FONTCONFIG_SYSROOT={folder} "
    program = folder / "usr" / "lib" / "chromium" / "chromium"
    text = f'#!/bin/sh\n{fonts}LD_LIBRARY_PATH={libraries} exec {program} "$@"\n'
    partial = script.with_name(f"chromium.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.chmod(0o700)
    partial.rename(script)
    return script
