"""Pick, of all inputs that the coverage-guided fuzzer kept, few and short ones that reach as much of the code.

    python tests/fuzz/minimise.py [--folder .fuzz] [--output tests/fuzz/corpus.jsonl]

After the seeds, and shortest first, an input is picked if it takes a step from one line to the next that none before it
took. ``make test`` replays the seeds and the picked.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Final

if not __package__:  # run as a script; at the end, so that the installed wheel is what is used
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from tests.fuzz.targets import TARGETS, Target

CORPUS: Final = Path(__file__).with_name("corpus.jsonl")
_PARTS: Final = ("/site-packages/webhook/", "/site-packages/ray_config/")

Step = tuple[str, int, int]


class Tracer:
    """Records the steps from line to line in our own code."""

    def __init__(self) -> None:
        """Know none yet."""
        self.steps: set[Step] = set()
        self._last: dict[FrameType, int] = {}

    def begin(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Follow a function of ours."""
        if not any(part in frame.f_code.co_filename for part in _PARTS):
            return None
        self._last[frame] = 0
        return self._follow

    def _follow(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "return":
            self._last.pop(frame, None)
        elif event == "line":
            self.steps.add((frame.f_code.co_filename, self._last.get(frame, 0), frame.f_lineno))
            self._last[frame] = frame.f_lineno
        return self._follow


def steps_of(target: Target, data: bytes) -> set[Step]:
    """The steps that the target takes with `data`; a finding's are none, for findings are kept elsewhere."""
    tracer = Tracer()
    sys.settrace(tracer.begin)
    try:
        target.run(data)
    except Exception:  # noqa: BLE001  as in the fuzzer
        return set()
    finally:
        sys.settrace(None)
    return tracer.steps


def picked(target: Target, inputs: Iterable[bytes]) -> Iterator[bytes]:
    """Those of `inputs` that reach what neither the seeds nor those before them do."""
    seen = set[Step]().union(*(steps_of(target, data) for data in target.seeds()))
    for data in sorted(set(inputs), key=lambda data: (len(data), data)):
        steps = steps_of(target, data)
        if not steps <= seen:
            seen |= steps
            yield data


def line_of(name: str, data: bytes) -> str:
    """One line of the corpus: the target, and the input as text where it is some."""
    try:
        content = {"text": data.decode()}
    except UnicodeDecodeError:
        content = {"base64": base64.b64encode(data).decode()}
    return json.dumps({"target": name, **content})


def read_corpus(file: Path = CORPUS) -> list[tuple[str, bytes]]:
    """The targets' names and inputs of a corpus."""
    lines = map(json.loads, file.read_text().splitlines())
    return [
        (line["target"], line["text"].encode() if "text" in line else base64.b64decode(line["base64"]))
        for line in lines
    ]


def minimised(name: str, folder: Path) -> Sequence[str]:
    """The lines of one target, whose inputs are in `folder`."""
    target = TARGETS[name]
    files = list((folder / "corpus").glob("*"))
    lines = [line_of(name, data) for data in picked(target, (file.read_bytes() for file in files))]
    print(f"{name}: {len(lines)} of {len(files)} inputs", file=sys.stderr)
    return lines


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(".fuzz"))
    parser.add_argument("--output", type=Path, default=CORPUS)
    flags = parser.parse_args()
    lines = [line for name in TARGETS for line in minimised(name, flags.folder / name)]
    flags.output.write_text("".join(line + "\n" for line in lines))


if __name__ == "__main__":
    main()
