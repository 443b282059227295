"""Reads its time-outs when it is imported, as Ray's does."""

from __future__ import annotations

import os

TIMEOUTS = [
    os.environ.get(f"RAY_CLIENT_{name}_CONNECTION_TIMEOUT_S", "5" if name == "INITIAL" else "30")
    for name in ("INITIAL", "MAX")
]
