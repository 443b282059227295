"""One target under libFuzzer, as a process of its own; started by ``coverage_guided.py``.

    python tests/fuzz/guided_target.py TARGET FOLDER RUNS SEED

A broken promise does not end the run: its input goes to FOLDER/findings, once for each kind of fault. FOLDER/state.json
says how far it is. What libFuzzer itself finds (a crash of the interpreter, an input that takes too long) does end it.
"""

from __future__ import annotations

import gc
import hashlib
import json
import sys
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Final

import atheris

if not __package__:  # run as a script; at the end, so that the installed wheel is what is used
    sys.path.append(str(Path(__file__).resolve().parents[2]))

with atheris.instrument_imports(include=["webhook", "ray_config"]):
    from tests.fuzz.targets import TARGETS, Target, dictionary

from tests.fuzz.mutate import TEXT_MUTATIONS

MAX_LENGTH: Final = 16 * 1024
"""Bytes of an input; twice the longest recorded review without its managedFields."""
SECONDS: Final = 10
"""After which libFuzzer calls an input too slow."""
RSS_LIMIT: Final = 2048
"""MiB at which libFuzzer ends the process."""
WARM_UP: Final = 0.2
"""Share of the runs after which memory is first looked at."""
_STEPS: Final = 100


@dataclass(kw_only=True, slots=True)
class Progress:
    """How far the run is.

    Attributes:
        blocks: memory blocks that Python has allocated, without libFuzzer's own.
        memory: MiB of resident memory, libFuzzer's inputs among them.
        warm_blocks, warm_memory: the same after the warm-up.
    """

    executions: int = 0
    blocks: int = 0
    memory: float = 0.0
    warm_blocks: int = 0
    warm_memory: float = 0.0


class Run:
    """Executes inputs one by one and keeps what came of them."""

    def __init__(self, target: Target, folder: Path, runs: int) -> None:
        """Keep findings and progress in `folder`."""
        self._target = target
        self._folder = folder
        self._runs = runs
        self._progress = Progress()
        self._findings = folder / "findings"
        self._findings.mkdir(exist_ok=True)

    def retry(self) -> None:
        """Forget those findings of the last run that are none any more."""
        for file in [file for file in self._findings.iterdir() if not file.suffix]:
            if self._error(file.read_bytes()) is None:
                file.unlink()
                file.with_suffix(".txt").unlink(missing_ok=True)

    def _error(self, data: bytes) -> Exception | None:
        try:
            self._target.run(data)
        except Exception as error:  # noqa: BLE001  whatever it is, it is a finding
            return error
        return None

    def execute(self, data: bytes) -> None:
        """Run the target on `data`."""
        error = self._error(data)
        if error is not None:
            self._keep(data, error)
        progress = self._progress
        progress.executions += 1
        if progress.executions == int(self._runs * WARM_UP):
            progress.warm_blocks, progress.warm_memory = _measure()
        if progress.executions % max(1, self._runs // _STEPS) == 0 or progress.executions >= self._runs:
            progress.blocks, progress.memory = _measure()
            new = self._folder / "state.json.new"
            new.write_text(json.dumps(asdict(progress)))
            new.replace(self._folder / "state.json")

    def _keep(self, data: bytes, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{Path(frame.filename).name}:{frame.name}:{frame.lineno}" for frame in frames]
        kind = hashlib.sha256(f"{type(error).__name__} {places[-2:]}".encode()).hexdigest()[:12]
        file = self._findings / kind
        if not file.exists():
            file.write_bytes(data)
            file.with_suffix(".txt").write_text(f"{type(error).__name__}: {error}\n" + "\n".join(places) + "\n")


def _measure() -> tuple[int, float]:
    gc.collect()
    return sys.getallocatedblocks(), int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def main(name: str, folder: Path, runs: int, seed: int) -> None:
    """Fuzz until `runs` inputs were executed; does not return."""
    target = TARGETS[name]
    seeds = target.seeds()
    for place, contents in (("seeds", seeds), ("corpus", [])):
        (folder / place).mkdir(parents=True, exist_ok=True)
        for content in contents:
            (folder / place / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
    words = folder / "dictionary"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in dictionary()))
    texts = [content.decode() for content in seeds] if target.is_json else []
    run = Run(target, folder, runs)
    run.retry()

    def mutate(data: bytes, max_size: int, mutation_seed: int) -> bytes:
        """Every other time a mutation of JSON text, else one of libFuzzer's own."""
        random = Random(mutation_seed)
        if mutation_seed % 2:
            try:
                content = random.choice(TEXT_MUTATIONS)(random, data.decode(), texts).encode()
            except UnicodeError:
                content = b""
            if 0 < len(content) <= max_size:
                return content
        return bytes(atheris.Mutate(data, max_size))

    flags = [
        f"-runs={runs}",
        f"-seed={seed}",
        f"-max_len={MAX_LENGTH}",
        f"-timeout={SECONDS}",
        f"-rss_limit_mb={RSS_LIMIT}",
        f"-dict={words}",
        f"-artifact_prefix={folder}/findings/",
        "-print_final_stats=1",
        str(folder / "corpus"),
        str(folder / "seeds"),
    ]
    atheris.Setup([sys.argv[0], *flags], run.execute, custom_mutator=mutate if target.is_json else None)
    atheris.Fuzz()


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
