"""Processor time per admission at the server, over TLS on a connection that is kept, beside other servers.

Every round asks each server in turn, in a new order, so that what the machine does meanwhile meets all alike. The
ratios are of one round each.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import samples
from bench.client import Client, request_of
from bench.figures import Figure, figure, report, say
from bench.peers import KEEPING_NULL, MODELS, NAMES, NULL, OURS, TYPED, Peer, peers

ROUNDS = 7
POSTS = 300
AWS_BESIDE_NULL = 580 / 143
"""The AWS pod identity webhook's cost by the null app's, as it was once measured from outside: 580 us beside 143. It is
not built here, so what is told of it is derived; 0.4 of it is 1.62 of the null app."""


def microseconds(peer: Peer, request: bytes, posts: int) -> float:
    """Of the server's processor time for each of so many requests."""
    with Client(peer.port) as client:
        for _ in range(max(posts // 10, 1)):
            client.post(samples.numbered(request))
        before = peer.seconds()
        for _ in range(posts):
            client.post(samples.numbered(request))
        return (peer.seconds() - before) / posts * 1e6


def rounds(found: Sequence[Peer], body: bytes, *, posts: int, count: int) -> dict[str, list[float]]:
    """What each server took in each round, by its name."""
    taken: dict[str, list[float]] = defaultdict(list)
    request = request_of(body)
    for _ in range(count):
        for peer in random.sample(found, len(found)):
            taken[peer.name].append(microseconds(peer, request, posts))
    return taken


def ratios(taken: dict[str, list[float]], other: str) -> list[float]:
    """Ours by the other's, round by round."""
    return [ours / theirs for ours, theirs in zip(taken[OURS], taken[other], strict=True)]


def measure(found: Sequence[Peer]) -> Iterator[Figure]:
    for what, body in samples.of_each_kind().items():
        title = f"{what} ({len(body) / 1000:.1f} KB)"
        say(f"cost: {title}")
        taken = rounds(found, body, posts=POSTS, count=ROUNDS)
        for name in NAMES:
            yield figure(f"{title}: {name}", "us", taken[name])
        yield figure(f"{title}: / {NULL}", "x", ratios(taken, NULL), 1.7)
        yield figure(f"{title}: / {KEEPING_NULL}", "x", ratios(taken, KEEPING_NULL))
        yield figure(
            f"{title}: / AWS pod identity webhook, derived by way of the null app",
            "x",
            [value / AWS_BESIDE_NULL for value in ratios(taken, NULL)],
            0.4,
        )
        yield figure(f"{title}: / {TYPED}", "x", ratios(taken, TYPED), 0.33)
        yield figure(f"{title}: / {MODELS}", "x", ratios(taken, MODELS))
    say("cost: 3 MB")
    large = samples.of_3_megabytes()
    taken = rounds(found, large, posts=5, count=5)
    for name in NAMES:
        yield figure(f"3 MB: {name}", "ms", [value / 1000 for value in taken[name]], 40 if name == OURS else None)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, peers(Path(folder)) as found:
        return report("cost", list(measure(found)), rounds=ROUNDS)


if __name__ == "__main__":
    sys.exit(main())
