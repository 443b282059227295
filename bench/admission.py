"""What the service costs, by its own histogram: a 3 MB review, the recorded ones, ready time and memory.

Prints a table and writes it as JSON to bench/results/admission.json; ends with status 1 where a bar is missed.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))  # behind site-packages: the installed wheel is what is measured

from tests.service import FIXTURES, RunningService, client_pod, running_service  # noqa: E402  after the path

ROUNDS = 5
LARGE_POSTS = 10
RECORDED_POSTS = 200
CONTAINERS, VARIABLES = 48, 1000
SUM, COUNT = (f"ray_webhook_admission_duration_seconds_{name}" for name in ("sum", "count"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """The median of several rounds with their spread, beside the bar that it must stay under."""

    name: str
    unit: str
    median: float
    lowest: float
    highest: float
    bar: float

    @property
    def is_met(self) -> bool:
        return self.median < self.bar


def figure(name: str, unit: str, values: list[float], bar: float) -> Figure:
    return Figure(
        name=name, unit=unit, median=statistics.median(values), lowest=min(values), highest=max(values), bar=bar
    )


def large_review() -> bytes:
    """3 MB: 48 containers of 1,000 variables each."""
    review = client_pod()
    env = [{"name": f"VARIABLE_{index}", "value": "a value of some length, 29 B."} for index in range(VARIABLES)]
    containers = [{"name": f"c{index}", "image": "busybox", "env": env} for index in range(CONTAINERS)]
    review["request"]["object"]["spec"]["containers"] = containers
    return json.dumps(review, separators=(",", ":")).encode()


def recorded_bodies() -> list[bytes]:
    return [path.read_bytes() for path in sorted((FIXTURES / "reviews").glob("*.json"))]


def mean_milliseconds(service: RunningService, bodies: list[bytes], posts: int) -> float:
    """The mean over `posts` requests, as the server's own histogram has it."""
    before = service.metric(SUM), service.metric(COUNT)
    connection = service.connection()
    for index in range(posts):
        connection.request("POST", "/mutate", bodies[index % len(bodies)], {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"the service answered {answer.status}")
    connection.close()
    count = service.metric(COUNT) - before[1]
    if count != posts:
        raise SystemExit(f"the histogram counted {count:g} of {posts} requests")
    return (service.metric(SUM) - before[0]) / count * 1000


def measure() -> Iterator[Figure]:
    ready, memory, large, recorded = [], [], [], []
    body = large_review()
    bodies = recorded_bodies()
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            started = perf_counter()
            with running_service(Path(folder)) as service:
                ready.append(perf_counter() - started)
                recorded.append(mean_milliseconds(service, bodies, RECORDED_POSTS))
                memory.append(service.memory())
                large.append(mean_milliseconds(service, [body], LARGE_POSTS))
    yield figure(f"review of {len(body) / 1e6:.1f} MB ({CONTAINERS} x {VARIABLES} variables)", "ms", large, 60)
    yield figure(f"recorded review (mean of {len(bodies)})", "ms", recorded, 1)
    yield figure("ready, with a certificate of its own to issue", "s", ready, 1)
    yield figure("memory after recorded reviews", "MiB", memory, 70)


def main() -> int:
    figures = list(measure())
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    print(f"{machine}; medians of {ROUNDS} rounds, each with a fresh service")
    print(f"{'figure':<46}{'median':>10}{'lowest':>10}{'highest':>10}{'bar':>8}")
    for item in figures:
        mark = "met" if item.is_met else "MISSED"
        values = f"{item.median:>10.3f}{item.lowest:>10.3f}{item.highest:>10.3f}{item.bar:>8g}"
        print(f"{item.name:<46}{values} {item.unit:<4}{mark}")
    results = ROOT / "bench" / "results"
    results.mkdir(exist_ok=True)
    report = {"machine": machine, "rounds": ROUNDS, "figures": [asdict(item) for item in figures]}
    (results / "admission.json").write_text(json.dumps(report, indent=2) + "\n")
    return 0 if all(item.is_met for item in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
