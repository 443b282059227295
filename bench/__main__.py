"""``python -m bench``: every measurement, each to its end whatever the others found, then the bars.

``--record`` then takes the results as the recorded ones, with all that is made from them. Exit status 1 where a bar is
missed, or a measurement did not come to its end.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from bench import pages, quick
from bench.figures import RESULTS, print_table, read, say

MEASUREMENTS = ("cost", "steps", "through_api_server", "process", "scale", "capacity", "import_cost", "lint")


def run() -> list[str]:
    """The measurements that did not come to their end; results of before are gone."""
    for file in RESULTS.glob("*.json"):
        file.unlink()
    for name in MEASUREMENTS:
        say(f"{name} ({MEASUREMENTS.index(name) + 1} of {len(MEASUREMENTS)})")
        subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False)
    return [name for name in MEASUREMENTS if not (RESULTS / f"{name}.json").exists()]


def tell(ended: list[str]) -> bool:
    """Print every bar; whether all are met."""
    figures = [item for name in ended for item in read(RESULTS, name)[1] if item.bar is not None]
    missed = [item for item in figures if not item.is_met]
    print("\nBars")
    print_table(figures)
    print(f"{len(figures) - len(missed)} of {len(figures)} bars met")
    return not missed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure what an admission costs.")
    parser.add_argument("--record", action="store_true", help="take the results as the recorded ones")
    is_recording = parser.parse_args().record
    broken = run()
    all_met = tell([name for name in MEASUREMENTS if name not in broken])
    for name in broken:
        say(f"{name} did not come to its end: python -m bench.{name}")
    if is_recording and not broken:
        quick.record()
        pages.record(MEASUREMENTS)
    return 0 if all_met and not broken else 1


if __name__ == "__main__":
    sys.exit(main())
