"""What a measurement gives: figures with their spread beside their bars, as a table, as JSON in bench/results."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "bench" / "results"


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


def figure(name: str, unit: str, values: Sequence[float], bar: float | None = None) -> Figure:
    return Figure(
        name=name, unit=unit, median=statistics.median(values), lowest=min(values), highest=max(values), bar=bar
    )


def machine() -> dict[str, Any]:
    """What it was measured on, and of which commit."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    commit = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return {
        "cores": os.cpu_count(),
        "processor": models[0] if models else platform.machine(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        "commit": commit.stdout.strip() or None,
    }


def report(name: str, figures: Sequence[Figure], *, rounds: int) -> int:
    """Print the figures, write them to bench/results/NAME.json, and give the exit status: 1 where a bar is missed."""
    about = machine()
    print(f"\n{name}: {', '.join(f'{key} {value}' for key, value in about.items())}; medians of {rounds} rounds")
    print(f"{'':<62}{'median':>10}{'lowest':>10}{'highest':>10}{'bar':>8}")
    for item in figures:
        mark = "" if item.bar is None else "met" if item.is_met else "MISSED"
        bar = "" if item.bar is None else f"{item.bar:g}"
        values = f"{item.median:>10.3f}{item.lowest:>10.3f}{item.highest:>10.3f}{bar:>8}"
        print(f"{item.name:<62}{values} {item.unit:<4}{mark}")
    RESULTS.mkdir(exist_ok=True)
    document = {"machine": about, "rounds": rounds, "figures": [asdict(item) for item in figures]}
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")
    return 0 if all(item.is_met for item in figures) else 1
