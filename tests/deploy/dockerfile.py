"""The Dockerfile as data, and its instructions carried out in a folder, where no container engine is at hand.

A stage lives in the same folder while it is built, and is moved away when it is done: a path in it means the same to
the stages that copy it, as in an image, so what was recorded (first lines of scripts, pyvenv.cfg) stays right.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCKERFILE: Final = ROOT / "Dockerfile"

_ABSOLUTE: Final = re.compile(r"(?<![\w.*)/-])/(?=(?:opt|src|usr)/)")
"""The beginning of a path of the image; a pattern such as that of ``compileall -x`` is none."""
_PROGRAMS: Final = {"pip", "python"}
"""What RUN may call: it is done on this machine, and only these two can be pointed at the folder."""
_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its name in capitals and the rest of it, continued lines joined."""

    name: str
    text: str


def instructions(text: str) -> list[Instruction]:
    """The instructions of a Dockerfile, in order."""
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    lines = (line.strip() for line in re.sub(r"\\\n\s*", "", kept).splitlines())
    return [
        Instruction(name.upper(), rest.strip()) for name, _, rest in (line.partition(" ") for line in lines if line)
    ]


def ignored(path: str, patterns: list[str]) -> bool:
    """Whether a .dockerignore of these patterns keeps a file from the build: of those that match the last one holds."""
    parents = ["/".join(path.split("/")[: count + 1]) for count in range(path.count("/") + 1)]
    found = False
    for pattern in patterns:
        if any(fnmatchcase(parent, pattern.removeprefix("!")) for parent in parents):
            found = not pattern.startswith("!")
    return found


@dataclass
class Image:
    """What the instructions leave behind: files below `root`, and how they are run.

    `environment` and `entrypoint` name paths as they are on this machine.
    """

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    entrypoint: list[str] = field(default_factory=list)
    user: str = "0"
    labels: dict[str, str] = field(default_factory=dict)


class Build:
    """Carries out a Dockerfile below `folder`; the base image is an empty one of this Python with its pip.

    Args:
        context: the folder that COPY copies from.
        arguments: those of ``--build-arg``.
    """

    def __init__(self, folder: Path, context: Path, arguments: Mapping[str, str]) -> None:
        self._folder, self._context = folder, context
        self._arguments, self._known = arguments, dict[str, str]()
        self._stages: dict[str, Image] = {}
        self._image = Image(folder / "root")
        self._name, self._cwd = "", "/"

    def run(self, text: str) -> Image:
        """The last stage's image."""
        for instruction in instructions(text):
            getattr(self, f"_{instruction.name.lower()}")(instruction.text)
        return self._image

    def _arg(self, text: str) -> None:
        name, _, default = text.partition("=")
        self._known[name] = self._arguments.get(name, self._known.get(name, default))

    def _from(self, text: str) -> None:
        self._end_stage()
        base, _, name = self._expand(text).partition(" AS ")
        root = self._folder / "root"
        if base in self._stages:
            shutil.copytree(self._stages[base].root, root, symlinks=True)
            environment = dict(self._stages[base].environment)
        else:
            assert base == "{BASE}@{DIGEST}".format(**self._arguments), f"{base}: no stage and not the base image"
            environment = self._make_base(root)
        self._image, self._name, self._cwd = Image(root, environment), name, "/"

    def _make_base(self, root: Path) -> dict[str, str]:
        subprocess.run([sys.executable, "-m", "venv", root / "usr/local"], check=True)
        return {"PATH": f"{root}/usr/local/bin{os.pathsep}/usr/bin{os.pathsep}/bin"}

    def _end_stage(self) -> None:
        if self._name:
            self._image.root = self._image.root.rename(self._folder / self._name)
            self._stages[self._name] = self._image

    def _env(self, text: str) -> None:
        self._image.environment |= self._pairs(text)

    def _label(self, text: str) -> None:
        self._image.labels |= self._pairs(text)

    def _pairs(self, text: str) -> dict[str, str]:
        return dict(word.split("=", 1) for word in shlex.split(self._mapped(self._expand(text))))

    def _workdir(self, text: str) -> None:
        self._cwd = text
        self._here().mkdir(parents=True, exist_ok=True)

    def _copy(self, text: str) -> None:
        *sources, target = shlex.split(text)
        origin = self._context
        if sources[0].startswith("--from="):
            origin = self._stages[sources.pop(0).removeprefix("--from=")].root
        where = self._here(target)
        for source in sources:
            _copy_one(origin / source.lstrip("/"), where, into=target.endswith("/") or len(sources) > 1)

    def _run(self, text: str) -> None:
        for words in map(shlex.split, text.split("&&")):
            outside = [word for word in words if word[0] == "/" and "(" not in word and not _ABSOLUTE.match(word)]
            possible = words[0] in _PROGRAMS and not outside
            assert possible, f"RUN {text}: cannot be carried out without a container"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        command, environment = self._mapped(text), kept | self._image.environment
        done = subprocess.run(
            ["/bin/sh", "-ec", command], cwd=self._here(), env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"RUN {command}: {done.stderr or done.stdout}"

    def _user(self, text: str) -> None:
        self._image.user = text

    def _expose(self, text: str) -> None:
        """Documents ports."""

    def _entrypoint(self, text: str) -> None:
        self._image.entrypoint = json.loads(text)

    def _here(self, path: str = ".") -> Path:
        return self._image.root / str(Path(self._cwd, path)).lstrip("/")

    def _expand(self, text: str) -> str:
        known = self._known | self._image.environment
        return _VARIABLE.sub(lambda found: known[found[1] or found[2]], text)

    def _mapped(self, text: str) -> str:
        return _ABSOLUTE.sub(f"{self._image.root}/", text)


def _copy_one(source: Path, target: Path, *, into: bool) -> None:
    """As COPY does it: a folder's content, a file by its name if the target is a folder."""
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        target = target / source.name if into else target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def make_context(target: Path) -> Path:
    """The project's files that a build is given: all but those that .dockerignore keeps out."""
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    for name in _files(ROOT):
        if not ignored(name, patterns):
            _copy_one(ROOT / name, target / name, into=False)
    return target


def _files(top: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if name not in {".git", ".venv"}]
        yield from (str((Path(folder) / name).relative_to(top)) for name in names)
