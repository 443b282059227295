"""Post many thousand broken reviews to the real service: each must be answered, and none may cost memory.

    python tests/fuzz/mutated_bodies.py --bodies 100000 [--seed N] [--start NUMBER]

Progress goes to stderr, the table to stdout; the exit status is 1 where anything failed. A failure names its body's
number: the same seed with ``--start NUMBER --bodies 1`` sends that one again.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Final

if not __package__:  # run as a script; at the end, so that the installed wheel is what is used
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from tests.fuzz.mutate import Body, corpus, mutated
from tests.fuzz.oracles import Violation, check_answer, patched_review
from tests.service import FIXTURES, RunningService, running_service

PATHS: Final = ("/mutate", "/mutate/default-role/client")
ALIASES: Final = ("SERVE_GATEWAY",)
"""Those of the settings that the service is given."""
CONNECTIONS: Final = 3
WARM_UP: Final = 20_000
"""Bodies before memory is first looked at; of fewer than five times as many, the first fifth."""
MAX_GROWTH: Final = 2.0
"""MiB by which memory may grow after the warm-up."""
_KEPT: Final = 20
_DROPPED: Final = (http.client.HTTPException, OSError)

Progress = Callable[[int], object]


@dataclass(kw_only=True)
class Report:
    """What came of the bodies.

    Attributes:
        outcomes: how many bodies had each outcome, such as ``200 patched`` or ``400 RAY813``.
        failures: what must not be, with the number of the body.
        growth: MiB of resident memory after all bodies, above those after the warm-up.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    memory: float = 0.0
    growth: float = 0.0

    def table(self) -> str:
        """The report for people."""
        rows = [f"{count:>9,}  {outcome}" for outcome, count in sorted(self.outcomes.items())]
        rows += [f"{self.outcomes.total():>9,}  bodies", ""]
        rows += [f"resident memory {self.memory:.1f} MiB, {self.growth:+.1f} MiB since the warm-up", ""]
        rows += [f"FAILED: {failure}" for failure in self.failures[:_KEPT]]
        more = len(self.failures) - _KEPT
        rows += [f"FAILED: {more} more"] if more > 0 else []
        return "\n".join([*rows, "failed" if self.failures else "passed"])


def run(
    folder: Path,
    *,
    bodies: int,
    seed: int,
    start: int = 0,
    max_growth: float = MAX_GROWTH,
    progress: Progress = lambda done: None,
) -> Report:
    """Post `bodies` to a service of our own, whose files are in `folder`."""
    texts = corpus([file.read_bytes() for file in sorted((FIXTURES / "reviews").glob("*.json"))])
    report = Report()
    with running_service(folder) as service:
        warm_up = min(WARM_UP, bodies // 5)
        _post_all(service, texts, seed, range(start, start + warm_up), report, progress)
        before = service.memory()
        _post_all(service, texts, seed, range(start + warm_up, start + bodies), report, progress)
        report.memory = service.memory()
        report.growth = report.memory - before
        _judge_service(service, report, max_growth)
    return report


def _judge_service(service: RunningService, report: Report, max_growth: float) -> None:
    status = service.process.poll()
    if status is not None:
        report.failures.append(f"the service ended with status {status}")
    if report.growth > max_growth:
        report.failures.append(f"memory grew by {report.growth:.1f} MiB; allowed: {max_growth}")
    report.failures += [f"logged: {line!r}" for line in service.lines if b"Traceback" in line]


def _post_all(
    service: RunningService, texts: Sequence[str], seed: int, numbers: range, report: Report, progress: Progress
) -> None:
    """Post the bodies of `numbers` over a few connections, each kept alive as long as the service lets it."""

    def post_some(first: int) -> tuple[Counter[str], list[str]]:
        outcomes, failures = Counter[str](), list[str]()
        connection = service.connection()
        for number in numbers[first::CONNECTIONS]:
            body = mutated(texts, seed, number)
            outcome, failure = post(connection, body, PATHS[number % len(PATHS)])
            outcomes[outcome] += 1
            failures += [f"body {number} ({', '.join(body.mutations)}): {failure}"] if failure else []
            if first == 0:
                progress(number - numbers.start)
        connection.close()
        return outcomes, failures

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for outcomes, failures in pool.map(post_some, range(CONNECTIONS)):
            report.outcomes += outcomes
            report.failures += failures


def post(connection: http.client.HTTPSConnection, body: Body, path: str) -> tuple[str, str | None]:
    """The outcome of one body, and what is wrong with the answer."""
    try:
        connection.request("POST", path, body=body.content, headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
    except _DROPPED as error:
        connection.close()
        return "dropped", f"connection dropped: {error!r}"
    try:
        return judge(answer.status, json.loads(content), body)
    except (ValueError, LookupError, TypeError) as error:
        return f"{answer.status} malformed", f"status {answer.status} with {content[:200]!r}: {error!r}"


def judge(status: int, answer: Any, body: Body) -> tuple[str, str | None]:
    """The outcome that an answer tells, and which promise it breaks."""
    try:
        response = check_answer(status, answer, body.content)
        if response:
            patched_review(body.content, response, ALIASES)
    except Violation as violation:
        return _outcome(status, answer), str(violation)
    return _outcome(status, answer), None


def _outcome(status: int, answer: Any) -> str:
    if status != 200:
        return f"{status} {answer['code']}"
    response = answer["response"]
    if "patch" in response:
        return "200 patched"
    return "200 allowed" if response["allowed"] else "200 denied"


def main() -> int:
    """Run from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bodies", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="number of the first body")
    flags = parser.parse_args()
    started = monotonic()

    def show(done: int) -> None:
        if done % 999 == 0:
            print(f"\r{done:,} of {flags.bodies:,} bodies, {monotonic() - started:.0f} s", end="", file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder:
        report = run(Path(folder), bodies=flags.bodies, seed=flags.seed, start=flags.start, progress=show)
    print(f"\r{flags.bodies:,} bodies of seed {flags.seed} in {monotonic() - started:.0f} s", file=sys.stderr)
    print(report.table())
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
