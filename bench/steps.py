"""Where an admission's time goes in the service itself: each step by itself, in a loop, in this process.

What the figures of ``cost`` have beyond their sum is HTTP, TLS, the event loop and the kernel, of which the null app
has most as well, and that between two requests a process's code leaves the caches: there each step takes about twice
as long as here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from timeit import repeat

from bench import samples
from bench.figures import Figure, figure, report
from tests.service import SETTINGS
from webhook.injection.decision import decide
from webhook.injection.envfile import good_settings
from webhook.injection.excerpt import excerpt
from webhook.injection.review import parse_review
from webhook.injection.snapshot import Snapshot
from webhook.server.answers import verdict_of
from webhook.server.decision_log import decided
from webhook.server.logging import Log, LogFormat
from webhook.server.metrics import Metrics
from webhook.server.state import Mode
from webhook.server.verdicts import Verdicts

ROUNDS = 7
LOOPS = 1000


def microseconds(step: Callable[[], object]) -> list[float]:
    """Of each of some rounds."""
    return [seconds / LOOPS * 1e6 for seconds in repeat(step, number=LOOPS, repeat=ROUNDS)]


def steps(role: str) -> Iterator[Figure]:
    wide = good_settings(SETTINGS.read_text(), name="settings", source=f"file {SETTINGS.name}")
    snapshot, body = Snapshot(cluster_wide=wide), samples.of_role(role)
    request = parse_review(body)
    decision = decide(request, snapshot, default_role=None)
    verdict = verdict_of(decision, observes=False)
    seen = excerpt(request, commands=False)
    if seen is None:
        raise SystemExit(f"the review of a {role} has no excerpt")
    read, names = seen
    verdicts = Verdicts()
    verdicts.find(("", read), snapshot)
    verdicts.keep(("", read), verdict)
    metrics, log = Metrics(Mode.ENFORCE), Log(os.open(os.devnull, os.O_WRONLY), LogFormat.JSON)
    log.gather(lambda _seconds, _flush: None)

    def count() -> None:
        metrics.duration.observe(0.0001)
        metrics.count_decision(verdict, request.operation)

    each: dict[str, Callable[[], object]] = {
        "read the review": lambda: parse_review(body),
        "read what the rules read of the pod": lambda: excerpt(request, commands=False),
        "find the verdict about its like": lambda: verdicts.find(("", read), snapshot),
        "or decide": lambda: decide(request, snapshot, default_role=None),
        "and write the answer": lambda: verdict_of(decision, observes=False),
        "answer": lambda: verdict.answer(request.uid),
        "count": count,
        "log": lambda: log.write_later("info", "decision", decided(request, names, verdict, 0.0001)),
    }
    for name, step in each.items():
        yield figure(f"{role}: {name}", "us", microseconds(step))


def main() -> int:
    return report("steps", [item for role in samples.ROLES for item in steps(role)], rounds=ROUNDS)


if __name__ == "__main__":
    sys.exit(main())
