"""What importing ray_config costs an application, in a fresh interpreter each time, against a bar.

It is processor time, so that what else the machine does counts less.

Prints a line and writes it as JSON to bench/results/import_cost.json; ends with status 1 where the bar is missed.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

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
    median = statistics.median(values)
    mark = "met" if median < BAR else "MISSED"
    print(f"import ray_config: median {median:.1f} ms, lowest {min(values):.1f}, highest {max(values):.1f}; ", end="")
    print(f"bar {BAR:g} ms of processor time, {mark}")
    results = Path(__file__).resolve().parents[1] / "bench" / "results"
    results.mkdir(exist_ok=True)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    report = {
        "machine": machine,
        "rounds": ROUNDS,
        "unit": "ms of processor time",
        "bar": BAR,
        "median": median,
        "values": values,
    }
    (results / "import_cost.json").write_text(json.dumps(report, indent=2) + "\n")
    return 0 if median < BAR else 1


if __name__ == "__main__":
    sys.exit(main())
