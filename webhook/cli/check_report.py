"""What ``check`` prints: grouped ticks for people, a document for programs, and progress while it waits.

The document's shape is stable and told by ``check --help``; what is added later has new keys.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import click
import msgspec

from webhook import __version__
from webhook.cli.output import Style
from webhook.cluster.checks.outcome import Failed, Group, Outcome, Passed, Result, Skipped, State, Warned, state_of
from webhook.errors import escape

_TITLES: Final = {
    Group.BEFORE: "Before an installation",
    Group.CLUSTER: "Cluster",
    Group.CONFIGURATION: "Webhook configuration",
    Group.CERTIFICATES: "Certificates",
    Group.REPLICAS: "Replicas",
    Group.SETTINGS: "Settings",
    Group.ADMISSION: "Admission, by trial pods that are not stored",
    Group.POLICIES: "Policies",
    Group.RAY: "Ray clusters",
    Group.NETWORK: "Ray's network",
}
_MARKS: Final = {
    State.PASSED: ("\N{CHECK MARK}", "+", "green"),
    State.WARNED: ("!", "!", "yellow"),
    State.FAILED: ("\N{BALLOT X}", "x", "red"),
    State.SKIPPED: ("-", "-", None),
}


class Report:
    """Takes the results one by one.

    Args:
        cluster: the API server's URL.
    """

    def __init__(self, *, no_color: bool, is_json: bool, cluster: str) -> None:
        """Have printed nothing."""
        self._style = Style(no_color=no_color)
        self._is_json, self._cluster = is_json, cluster
        self._results: list[Result] = []
        self._is_plain = not _can_encode("".join(mark for mark, _, _ in _MARKS.values()))

    @property
    def has_failed(self) -> bool:
        """Whether a check failed."""
        return any(result.state is State.FAILED for result in self._results)

    def add(self, result: Result) -> None:
        """Print a result as soon as it is there, unless the document is wanted."""
        if not self._is_json:
            if not self._results or self._results[-1].check.group is not result.check.group:
                click.echo(self._style(_TITLES[result.check.group], bold=True))
            for line in self._lines(result):
                click.echo(line)
        self._results.append(result)

    def end(self) -> None:
        """Print what is said of all results together."""
        if self._is_json:
            click.echo(msgspec.json.format(msgspec.json.encode(self._document())))
            return
        counts = Counter(result.state for result in self._results)
        told = [f"{counts[state]} {state}" for state in State if counts[state]]
        total = len(self._results)
        click.echo(f"\n{total} check{'' if total == 1 else 's'}: {', '.join(told)}")

    def _document(self) -> dict[str, Any]:
        return {
            "fine": not self.has_failed,
            "cluster": self._cluster,
            "version": __version__,
            "checks": [_row(result) for result in self._results],
        }

    def _lines(self, result: Result) -> Iterator[str]:
        mark, plain, color = _MARKS[result.state]
        mark = plain if self._is_plain else mark
        told = escape(result.check.title + _told(result))
        yield f"  {self._style(mark, color) if color else mark} {told}"
        for outcome in result.outcomes:
            if isinstance(outcome, Warned | Failed):
                code = self._style(outcome.code, _MARKS[state_of(outcome)][2])
                yield f"      {code} {outcome.code.summary}: {escape(outcome.detail)}"
                yield f"      To mend it: {escape(outcome.hint)}"


def _told(result: Result) -> str:
    """What was seen where all is right, or why nothing was looked at."""
    details = "; ".join(one.detail for one in result.outcomes if isinstance(one, Passed | Skipped) and one.detail)
    if not details or result.state in (State.WARNED, State.FAILED):
        return ""
    return f" (skipped: {details})" if result.state is State.SKIPPED else f": {details}"


def _row(result: Result) -> dict[str, Any]:
    check = result.check
    return {
        "group": check.group,
        "name": check.name,
        "title": check.title,
        "state": result.state,
        "outcomes": [_outcome(outcome) for outcome in result.outcomes],
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    code, hint = (outcome.code, outcome.hint) if isinstance(outcome, Warned | Failed) else (None, None)
    return {"state": state_of(outcome), "code": code, "detail": outcome.detail, "hint": hint}


def _can_encode(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


class Progress:
    """What is waited for, on standard error: on a terminal one line that is written anew, elsewhere changes only."""

    def __init__(self) -> None:
        """Show nothing yet."""
        self._is_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._last = ""

    def show(self, text: str, *, left: float) -> None:
        """Show `text`, and on a terminal the seconds that are `left`."""
        text = escape(text)
        if self._is_terminal:
            line = f"{text} ({left:.0f} s left)"
            width = shutil.get_terminal_size().columns - 1
            click.echo(f"\r\x1b[K{line if len(line) <= width else line[: width - 3] + '...'}", err=True, nl=False)
        elif text != self._last:
            click.echo(text, err=True)
        self._last = text

    def clear(self) -> None:
        """Leave the line to others."""
        if self._is_terminal and self._last:
            click.echo("\r\x1b[K", err=True, nl=False)
