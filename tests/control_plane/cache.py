"""What is fetched or built once for the tests: in the user's cache, by one process at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache(name: str) -> Path:
    """The folder `name` of ours in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "ray-webhook" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold an advisory lock, which the kernel gives back however its holder ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
