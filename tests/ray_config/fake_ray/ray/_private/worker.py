"""Tells whether a raylet runs this process."""

from __future__ import annotations

import os

WORKER_MODE = 1


class _Worker:
    core_worker: object = None
    mode = WORKER_MODE if os.environ.get("FAKE_RAY_WORKER") else 0


global_worker = _Worker()
