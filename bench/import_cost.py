"""What importing ray_config costs an application, in a fresh interpreter each time, against a bar.

It is processor time, so that what else the machine does counts less.
"""

from __future__ import annotations

import subprocess
import sys

from bench.figures import figure, report

ROUNDS = 21
BAR = 20.0
"""Milliseconds."""
PROGRAM = """
from time import process_time
started = process_time()
from ray_config import init_ray_with_smart_defaults
print((process_time() - started) * 1000)
"""


def milliseconds() -> float:
    ended = subprocess.run([sys.executable, "-P", "-c", PROGRAM], capture_output=True, text=True, check=True)
    return float(ended.stdout)


def main() -> int:
    milliseconds()  # the first one finds its files on disk, not in memory
    values = [milliseconds() for _ in range(ROUNDS)]
    return report("import_cost", [figure("import ray_config: processor time", "ms", values, BAR)], rounds=ROUNDS)


if __name__ == "__main__":
    sys.exit(main())
