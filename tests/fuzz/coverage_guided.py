"""Fuzz every target with atheris, guided by what each input reaches of the code: no promise may be broken.

    python tests/fuzz/coverage_guided.py [--executions 1000000] [--target NAME]... [--folder .fuzz] [--seed N]

Progress goes to stderr, the table to stdout; the exit status is 1 where anything was found. A finding stays in
FOLDER/TARGET/findings; ``--replay FILE --target NAME`` runs that input alone, without atheris. What libFuzzer found to
reach something new stays in FOLDER/TARGET/corpus and is where the next run begins.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Final

if not __package__:  # run as a script; at the end, so that the installed wheel is what is used
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from tests.fuzz.targets import TARGETS

PROCESS: Final = Path(__file__).with_name("guided_target.py")
PROCESSES: Final = 2
MAX_GROWTH: Final = 5_000
"""Blocks of Python's memory (about 64 bytes each) that may be added after the warm-up; libFuzzer's own do not count."""
_COVERAGE: Final = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)/")

Progress = Callable[[str, int], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of one target.

    Attributes:
        edges: of the instrumented code, how many were reached.
        inputs: how many inputs were kept, each for something new that it reached.
        memory: MiB of resident memory at the end, libFuzzer's inputs among them; `warm_memory`: after the warm-up.
        growth: blocks of Python's memory at the end, above those after the warm-up.
        failures: what must not be, each with the file of its input where it has one.
    """

    target: str
    executions: int
    seconds: float
    edges: int
    inputs: int
    memory: float
    warm_memory: float
    growth: int
    failures: Sequence[str]

    @property
    def row(self) -> str:
        """The outcome as a line of the table."""
        return (
            f"{self.target:<10}{self.executions:>11,}{self.executions / max(self.seconds, 0.001):>9,.0f}"
            f"{self.edges:>8,}{self.inputs:>8,}{len(self.failures):>10}"
            f"{self.memory:>10.1f}{self.memory - self.warm_memory:>+8.1f}{self.growth:>+9,}"
        )


HEADINGS: Final = (
    f"{'target':<10}{'executions':>11}{'each s':>9}{'edges':>8}{'inputs':>8}{'findings':>10}"
    f"{'MiB':>10}{'growth':>8}{'blocks':>9}"
)


def fuzz(name: str, folder: Path, executions: int, seed: int, progress: Progress) -> Outcome:
    """Run one target in a process of its own, whose files are in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    state.unlink(missing_ok=True)
    started = monotonic()
    command = [sys.executable, str(PROCESS), name, str(folder), str(executions), str(seed)]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        while process.poll() is None:
            sleep(0.5)
            progress(name, _read(state).get("executions", 0))
    return _outcome(name, folder, executions, monotonic() - started, process.returncode)


def _read(state: Path) -> dict[str, int]:
    try:
        found: dict[str, int] = json.loads(state.read_text())
    except FileNotFoundError:
        return {}
    return found


def _outcome(name: str, folder: Path, executions: int, seconds: float, status: int) -> Outcome:
    state = _read(folder / "state.json")
    done = state.get("executions", 0)
    growth = state.get("blocks", 0) - state.get("warm_blocks", 0)
    log = (folder / "log").read_text(errors="replace")
    edges, _, inputs = (int(text) for text in (_COVERAGE.findall(log) or [(0, 0, 0)])[-1])
    failures = [f"{_told(file)} ({file})" for file in sorted((folder / "findings").glob("*")) if not file.suffix]
    failures += [f"the process ended with status {status}, see {folder}/log"] if status else []
    failures += [f"only {done} of {executions} executions"] if done < executions else []
    failures += [f"Python's memory grew by {growth:,} blocks; allowed: {MAX_GROWTH:,}"] if growth > MAX_GROWTH else []
    return Outcome(
        target=name,
        executions=done,
        seconds=seconds,
        edges=edges,
        inputs=inputs,
        memory=state.get("memory", 0.0),
        warm_memory=state.get("warm_memory", 0.0),
        growth=growth,
        failures=failures,
    )


def _told(finding: Path) -> str:
    text = finding.with_suffix(".txt")
    return text.read_text().partition("\n")[0][:200] if text.exists() else "found by libFuzzer itself"


def fuzz_all(names: Sequence[str], folder: Path, executions: int, seed: int, progress: Progress) -> list[Outcome]:
    """Run the targets, two at a time; the first, the bodies, take about as long as all others."""
    with ThreadPoolExecutor(PROCESSES) as pool:
        return list(pool.map(lambda name: fuzz(name, folder / name, share(name, executions), seed, progress), names))


def share(name: str, executions: int) -> int:
    """Of `executions` of the bodies, how many a target gets: what is behind the bodies' parser is reached sooner."""
    return executions if name == "bodies" else executions // 2


def _show() -> Progress:
    started, done = monotonic(), dict[str, int]()

    def show(name: str, executions: int) -> None:
        done[name] = executions
        told = ", ".join(f"{name} {count:,}" for name, count in done.items())
        print(f"\r{told}, {monotonic() - started:.0f} s", end="", file=sys.stderr, flush=True)

    return show


def main() -> int:
    """Run from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--executions", type=int, default=1_000_000, help="of bodies; of each other target half as many"
    )
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="may be repeated; all by default")
    parser.add_argument("--folder", type=Path, default=Path(".fuzz"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", type=Path, help="run the input in this file on each --target, and nothing else")
    flags = parser.parse_args()
    names = flags.target or list(TARGETS)
    if flags.replay:
        for name in names:
            TARGETS[name].run(flags.replay.read_bytes())
        return 0
    outcomes = fuzz_all(names, flags.folder, flags.executions, flags.seed, _show())
    print(file=sys.stderr)
    print(HEADINGS, *(outcome.row for outcome in outcomes), "", sep="\n")
    failures = [f"FAILED: {outcome.target}: {failure}" for outcome in outcomes for failure in outcome.failures]
    print(*failures, "failed" if failures else "passed", sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
