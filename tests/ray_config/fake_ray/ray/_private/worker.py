"""Tells whether a raylet runs this process."""

from __future__ import annotations

import os

WORKER_MODE = 1


class _Worker:
    mode = WORKER_MODE if os.environ.get("FAKE_RAY_WORKER") else 0


global_worker = _Worker()
_global_node: object = None
