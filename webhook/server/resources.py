"""What the system lets the process have: file descriptors, one for each connection."""

from __future__ import annotations

from typing import Final

from webhook.server.logging import Log

SPARE_FILES: Final = 128
"""For all that is no connection: log, listeners, event loop, files being read, the API server's watches."""


def raise_file_limit(log: Log, connections: int, *, others: int) -> int:
    """Let as many files be open as `connections` and `others` need; how many of `connections` there can be."""
    try:
        import resource  # noqa: PLC0415  Windows has none, and no such limit
    except ImportError:
        return connections
    wanted = connections + others + SPARE_FILES
    soft, hard = (_at_most(limit, wanted) for limit in resource.getrlimit(resource.RLIMIT_NOFILE))
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    if hard == wanted:
        return connections
    fitting = max(hard - others - SPARE_FILES, 1)
    log.warning("few open files allowed", limit=hard, wanted=wanted, connections=fitting)
    return fitting


def _at_most(limit: int, wanted: int) -> int:
    """`limit`, which is negative where there is none, as far as it matters."""
    return wanted if limit < 0 else min(limit, wanted)
