"""A wrong clock for one process, by Debian's libfaketime, fetched once and not installed.

Monotonic clocks stay right, as they do where a node's time of day is wrong.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.debian import unpacked
from tests.service import COMMAND

PACKAGE = "libfaketime"


def skewed(folder: Path, skew: timedelta) -> str:
    """A program that is ``ray-webhook`` with a time of day that is wrong by `skew`."""
    (library,) = unpacked(PACKAGE, lambda: [PACKAGE]).glob("usr/lib/*/faketime/libfaketime.so.1")
    seconds = round(skew.total_seconds())
    file = folder / f"ray-webhook-{seconds}"
    clock = f"LD_PRELOAD={library} FAKETIME={seconds:+d} FAKETIME_DONT_FAKE_MONOTONIC=1"
    file.write_text(f'#!/bin/sh\n{clock} exec {COMMAND} "$@"\n', encoding="utf-8")
    file.chmod(0o700)
    return str(file)
