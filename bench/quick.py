"""Has an admission become dearer? Its processor time by the null app's, beside what was recorded, in under a minute.

Both are asked in short turns, so that whatever else the machine does meets both alike, and a server's cost is that of
its cheapest turns: those that nothing disturbed. The null app keeps its memory, without which it has several speeds.
``--record`` writes what is measured to bench/recorded/quick.json, for a change that is meant to be dearer, or made it
cheaper.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import samples
from bench.client import Client, request_of
from bench.figures import RECORDED, figure, report, say
from bench.peers import KEEPING_NULL, Peer, peers

FILE = RECORDED / "quick.json"
TOLERANCE = 1.08
"""Runs at a load of 7 and of 30 on two cores differed by up to 3 %."""
TURNS = 75
POSTS = 40
CHEAPEST = 0.1
"""The share of its turns that a server's cost is taken from."""
ROUNDS = 3


def ratio(found: Sequence[Peer], body: bytes) -> float:
    """Our cost by the other's."""
    request = request_of(body)
    taken: list[list[float]] = [[] for _ in found]
    clients = [Client(peer.port) for peer in found]
    for _ in range(TURNS):
        for peer, client, turns in zip(found, clients, taken, strict=True):
            before = peer.seconds()
            for _ in range(POSTS):
                client.post(samples.numbered(request))
            turns.append(peer.seconds() - before)
    for client in clients:
        client.close()
    ours, theirs = (sorted(turns)[int(len(turns) * CHEAPEST)] for turns in taken)
    return ours / theirs


def measured() -> dict[str, list[float]]:
    """The ratios of each kind of review, by its name."""
    bodies = samples.of_each_kind()
    with tempfile.TemporaryDirectory() as folder, peers(Path(folder), KEEPING_NULL) as found:
        for body in bodies.values():
            ratio(found, body)
        rounds = [{what: ratio(found, body) for what, body in bodies.items()} for _ in range(ROUNDS)]
    return {what: [one[what] for one in rounds] for what in bodies}


def record(found: Mapping[str, Sequence[float]] | None = None) -> None:
    """Take what is measured as what it has to be compared with."""
    say("quick: recorded anew")
    medians = {what: round(figure(what, "x", values).median, 3) for what, values in (found or measured()).items()}
    RECORDED.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(medians, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.quick", description="Compare the cost of an admission with what was recorded."
    )
    parser.add_argument("--record", action="store_true", help="record what is measured")
    is_recording = parser.parse_args().record
    say(f"quick: {ROUNDS} rounds")
    found = measured()
    if is_recording:
        record(found)
    recorded = json.loads(FILE.read_text())
    figures = [
        figure(f"{what}: / {KEEPING_NULL}", "x", values, round(recorded[what] * TOLERANCE, 3))
        for what, values in found.items()
    ]
    return report("quick", figures, rounds=ROUNDS)


if __name__ == "__main__":
    sys.exit(main())
