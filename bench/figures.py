"""What a measurement gives: figures with their spread beside their bars, as a table, as JSON in bench/results."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import strftime
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "bench" / "results"
"""What was measured here last; ignored by git."""
RECORDED: Final = ROOT / "bench" / "recorded"
"""What is committed: a whole run on a quiet machine, from which the documentation has its figures."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """The median of several rounds with their spread; `bar` is what it must not exceed, None where there is none."""

    name: str
    unit: str
    median: float
    lowest: float
    highest: float
    bar: float | None = None

    @property
    def is_met(self) -> bool:
        return self.bar is None or self.median <= self.bar

    @property
    def verdict(self) -> str:
        """Empty where there is no bar."""
        return "" if self.bar is None else "met" if self.is_met else "missed"


def figure(name: str, unit: str, values: Sequence[float], bar: float | None = None) -> Figure:
    """The figure of a measurement in so many rounds; as many digits are kept as mean something."""
    median, lowest, highest = (float(f"{value:.4g}") for value in (statistics.median(values), min(values), max(values)))
    return Figure(name=name, unit=unit, median=median, lowest=lowest, highest=highest, bar=bar)


def say(what: str) -> None:
    """Tell on stderr what is being measured."""
    print(f"{strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def machine() -> dict[str, Any]:
    """What it was measured on, and of which commit."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.0f} GB",
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": platform.python_version(),
        "go": _output("go", "env", "GOVERSION"),
        "load": round(os.getloadavg()[0], 1),
        "commit": _output("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
    }


def _output(*command: str) -> str | None:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return ended.stdout.strip() or None


def report(name: str, figures: Sequence[Figure], *, rounds: int) -> int:
    """Print the figures, write them to bench/results/NAME.json, and give the exit status: 1 where a bar is missed."""
    about = machine()
    print(f"\n{name}: {', '.join(f'{key} {value}' for key, value in about.items())}; medians of {rounds} rounds")
    print_table(figures)
    RESULTS.mkdir(exist_ok=True)
    document = {"machine": about, "rounds": rounds, "figures": [asdict(item) for item in figures]}
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    return 0 if all(item.is_met for item in figures) else 1


def print_table(figures: Sequence[Figure]) -> None:
    wide = max(len(item.name) for item in figures)
    print(f"{'':<{wide}}{'median':>10}{'lowest':>10}{'highest':>10}{'bar':>8}")
    for item in figures:
        bar = "" if item.bar is None else f"{item.bar:g}"
        values = f"{item.median:>10.4g}{item.lowest:>10.4g}{item.highest:>10.4g}{bar:>8}"
        print(f"{item.name:<{wide}}{values} {item.unit:<4}{item.verdict.replace('missed', 'MISSED')}".rstrip())
    sys.stdout.flush()


def read(folder: Path, name: str) -> tuple[dict[str, Any], list[Figure]]:
    """What a measurement wrote to `folder`: the machine with the number of rounds, and the figures."""
    document = json.loads((folder / f"{name}.json").read_text())
    about = {**document["machine"], "rounds": document["rounds"]}
    return about, [Figure(**item) for item in document["figures"]]
