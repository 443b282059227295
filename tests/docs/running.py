"""Do what a page says, command by command, and say where it prints something else.

With ``UPDATE_DOCS=1`` the page gets what is printed now, where that differs; read it before you commit it.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.control_plane.process import free_ports
from tests.docs.comparison import difference, matches
from tests.docs.page import ROOT, Command, Fence, Page
from tests.docs.session import Session

_LEFT_OUT: Final = shutil.ignore_patterns(
    ".git", ".venv", ".cluster", "dist", "local", "results", "__pycache__", ".*_cache", ".hypothesis"
)
_BIN: Final = Path(sys.executable).parent
SWITCH: Final = "UPDATE_DOCS"
RUNNING_ON: Final = 60.0
"""The longest that a command which runs on may take until it has printed what the page says."""

Environments = Callable[[str | None], Mapping[str, str]]
"""The variables of a pod of that role, or of the reader's own shell."""


@dataclass
class Walk:
    """A page that is followed in `folder`: the shells that are open, and what was found."""

    page: Page
    folder: Path
    environments: Environments
    stack: ExitStack
    sessions: dict[str, Session] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    written: dict[tuple[int, int], str] = field(default_factory=dict)
    """New contents of fences, by their places in the page."""

    def follow(self, fence: Fence) -> None:
        """Do what one fence asks for."""
        if "file" in fence.said:
            (self.session().folder / fence.said["file"]).write_text(fence.content, encoding="utf-8")
        elif fence.language == "console" and "not run" not in fence.said:
            self._type(fence)

    def session(self, terminal: str = "", pod: str | None = None) -> Session:
        """The shell of a terminal or a pod, opened when it is first used."""
        name = pod or terminal
        if name not in self.sessions:
            self.sessions[name] = session = Session(self.folder, self.environments(pod))
            self.stack.callback(session.close)
        return self.sessions[name]

    def _type(self, fence: Fence) -> None:
        session = self.session(fence.said.get("terminal", ""), fence.said.get("pod"))
        commands = fence.commands
        shown = []
        for command in commands:
            runs_on = "terminal" in fence.said and command is commands[-1]
            printed = self._run(session, command, runs_on=runs_on)
            is_right = matches(command.expected, printed)
            if not is_right:
                told = f"{self.page}:{fence.line}: {command.shown}\n{difference(command.expected, printed)}"
                self.differences.append(told)
            output = command.expected if is_right else printed
            shown.append(f"{command.shown}\n{output}".rstrip() + "\n")
        self.written[fence.span] = "".join(shown)

    def _run(self, session: Session, command: Command, *, runs_on: bool) -> str:
        """What a command prints; one that runs on is left when it has printed what was expected, or not for so long."""
        if runs_on:
            with suppress(TimeoutError):
                session.run(command.text, seconds=RUNNING_ON, until=lambda printed: matches(command.expected, printed))
            return session.printed
        try:
            return session.run(command.text)
        except TimeoutError as error:
            others = [f"in terminal {name!r}:\n{one.printed}" for name, one in self.sessions.items() if one != session]
            raise AssertionError("\n".join((f"{self.page}: {error}", *others))) from None


def follow(page: Page, folder: Path, environments: Environments) -> tuple[list[str], str]:
    """Follow `page` in `folder`; returns where it differs, as texts to show, and the page as it should read."""
    with ExitStack() as stack:
        walk = Walk(page, folder, environments, stack)
        for fence in page.fences:
            walk.follow(fence)
    text = page.text
    for (start, end), content in sorted(walk.written.items(), reverse=True):
        text = text[:start] + content + text[end:]
    return walk.differences, text


def check(page: Page, folder: Path, environments: Environments, ports: Mapping[int, int] | None = None) -> None:
    """Fail where the page's commands print something else than it says, or write what they print into it.

    Args:
        ports: what stands here for a port that the page names; those of its front matter are free ones.
    """
    written = page.fields.get("ports", [])
    ours = {**dict(zip(written, free_ports(len(written)), strict=True)), **(ports or {})}
    here = Page(path=page.path, text=with_ports(page.text, ours))
    differences, text = follow(here, folder, environments)
    if os.environ.get(SWITCH):
        page.path.write_text(with_ports(text, {our: port for port, our in ours.items()}), encoding="utf-8")
        return
    assert not differences, "\n\n".join(("the page says -, what happens is +", *differences))


def with_ports(text: str, numbers: Mapping[int, int]) -> str:
    """The text with other numbers where it has ports: after a colon or a quote, or as a flag's value."""
    return re.sub(
        r"(?<=[:'])\d{4,5}\b|(?<=port )\d{4,5}\b", lambda found: str(numbers.get(int(found[0]), found[0])), text
    )


def checkout(folder: Path) -> Path:
    """What a reader has after `git clone` and `make demo`: the tree, with this one's .venv."""
    made = folder / "ray-webhook"
    shutil.copytree(ROOT, made, ignore=_LEFT_OUT)
    (made / ".venv").symlink_to(_BIN.parent)
    return made


_OWN: Final = ("RAY_", "SEEDCORE_", "KUBE", "MAKE")
"""How variables begin that a program of the documentation would read, make's of its caller among them."""


def shell_environment(**more: str) -> dict[str, str]:
    """Of a reader's shell: the program is on its PATH, and nothing is set that the program would read."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
    path = os.pathsep.join((str(_BIN), os.environ.get("PATH", os.defpath)))
    fixed = {
        "PATH": path,
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "TERM": "dumb",
    }
    return kept | fixed | more
