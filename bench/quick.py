"""Has an admission become dearer? Its processor time by the null app's, beside what was recorded, in under a minute.

``--record`` writes what is measured to bench/recorded.json, for a change that is meant to be dearer, or made it
cheaper. A ratio may exceed the recorded one by a fifth, for so much do they differ from run to run on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench import samples
from bench.cost import ratios, rounds
from bench.figures import ROOT, figure, report
from bench.peers import peers

RECORDED = ROOT / "bench" / "recorded.json"
TOLERANCE = 1.2
ROUNDS = 9
POSTS = 150


def measured() -> dict[str, list[float]]:
    """The ratios of each kind of review, by its name."""
    bodies = {role: samples.of_role(role) for role in samples.ROLES} | {"12 KB": samples.of_12_kilobytes()}
    with tempfile.TemporaryDirectory() as folder, peers(Path(folder), "null app") as found:
        return {
            what: ratios(rounds(found, body, posts=POSTS, count=ROUNDS), "null app") for what, body in bodies.items()
        }


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the cost of an admission with what was recorded.")
    parser.add_argument("--record", action="store_true", help="record what is measured")
    found = measured()
    if parser.parse_args().record:
        medians = {what: round(median(values), 2) for what, values in found.items()}
        RECORDED.write_text(json.dumps(medians, indent=2) + "\n")
    recorded = json.loads(RECORDED.read_text())
    figures = [
        figure(f"{what}: / null app", "x", values, round(recorded[what] * TOLERANCE, 2))
        for what, values in found.items()
    ]
    return report("quick", figures, rounds=ROUNDS)


if __name__ == "__main__":
    sys.exit(main())
