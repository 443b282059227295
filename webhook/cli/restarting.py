"""``ray-webhook audit --restart``: what a restart mends, done workload by workload, and what is left to people."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec

from webhook.cli.output import Style, option
from webhook.errors import UsageError, escape

if TYPE_CHECKING:
    from webhook.cluster.audit import Audit
    from webhook.cluster.auditor import Audited
    from webhook.cluster.client import Api
    from webhook.cluster.owners import Workload
    from webhook.cluster.restart import Restarter
    from webhook.injection.snapshot import Snapshot

_Command = TypeVar("_Command", bound=Callable[..., Any])
_SECONDS: Final = 600.0
_COLORS: Final = {"mended": "green", "planned": "cyan", "left": "yellow", "failed": "red"}
"""What becomes of a workload: its state, and the colour of that."""


def restart_options(command: _Command) -> _Command:
    """``--restart`` and the flags that go with it."""
    for add in (
        option("--keep-going", is_flag=True, help="With --restart: go on after a workload that could not be mended."),
        option(
            "--timeout",
            type=click.FloatRange(min=0, min_open=True),
            default=_SECONDS,
            show_default=True,
            help="With --restart: seconds to wait for a restart under way, a PodDisruptionBudget, and new pods each.",
        ),
        option("--yes", "-y", is_flag=True, help="With --restart: do not ask on a terminal."),
        option("--dry-run", is_flag=True, help="With --restart: say what would be restarted, in which order."),
        option(
            "--restart",
            is_flag=True,
            help="Restart Deployments, StatefulSets and DaemonSets whose pods that mends, one by one. Each is left as "
            "it is where a budget forbids it, or where a new pod would not be right either: one is created for "
            "trial and not stored, for which the right to create pods is needed. Where a budget counts its pods, "
            "restarts take turns by a Lease, for which those to list, create and patch Leases are needed.",
        ),
    ):
        command = add(command)
    return command


def check_restart_flags(output: str, flags: Mapping[str, Any]) -> None:
    """Refuse flags that do not go together."""
    if flags["dry_run"] and not flags["restart"]:
        raise UsageError("--dry-run is given without --restart", fix="give both, or none: an audit changes nothing")
    if flags["restart"] and output == "name":
        raise UsageError("--output is name, and --restart is given", fix="give one of them")


def restart(
    found: Audit, api: Api, style: Style, *, settings_names: Sequence[str], first: Snapshot, output: str, **flags: Any
) -> int:
    """Restart what that mends of what was `found`; the exit status."""
    from webhook.cluster.restart import Patience, Restarter

    mended = [audited for audited in found.workloads if audited.mend and audited.mend.restart]
    report = _Report(found, style, as_json=output == "json")
    waiting = deque(audited.workload for audited in mended)
    if flags["dry_run"]:
        for audited in mended:
            report.add(audited.workload, "planned", f"a restart mends {_counts(audited)}")
        return report.end()
    if waiting and not flags["yes"] and sys.stdin and sys.stdin.isatty() and not _is_confirmed(waiting):
        return report.end(waiting, "was not confirmed")
    restarter = Restarter(
        api,
        settings_names=settings_names,
        first=first,
        patience=Patience(seconds=flags["timeout"]),
        tell=_Progress(waiting).tell,
    )
    return _restart_all(restarter, waiting, report, keep_going=flags["keep_going"])


def _is_confirmed(waiting: Sequence[Workload]) -> bool:
    for workload in waiting:
        click.echo(f"  {_name(workload)}", err=True)
    return click.confirm(f"Restart {_counted(len(waiting), 'workload')}, one by one?", err=True)


def _restart_all(restarter: Restarter, waiting: deque[Workload], report: _Report, *, keep_going: bool) -> int:
    """Restart one after the other, until one is not mended by it, or somebody interrupts, or the cluster fails."""
    status, why = 0, "was not begun, for the cluster failed"
    try:
        while waiting:
            outcome = restarter.restart(waiting[0])
            report.add(waiting.popleft(), outcome.state, outcome.text)
            if outcome.state == "failed" and not keep_going:
                why = f"was not begun, for {_name(outcome.workload)} failed"
                break
    except KeyboardInterrupt:
        status, why = 130, "was not begun, for this was interrupted"
    finally:
        # Whatever came in between, what was done is told.
        if waiting and waiting[0] is restarter.under_way:
            report.add(waiting.popleft(), "failed", "restarted, and nobody waited for its new pods; audit again")
        left = report.end(waiting, why)
    return status or left


class _Progress:
    """Tells people who wait what happens to a workload."""

    def __init__(self, workloads: Collection[Workload]) -> None:
        self._numbers = {workload: number for number, workload in enumerate(workloads, start=1)}

    def tell(self, workload: Workload, text: str) -> None:
        """Write a line."""
        where = f"[{self._numbers[workload]}/{len(self._numbers)}]"
        click.echo(escape(f"{where} {_name(workload)}: {text}"), err=True)


class _Report:
    """What became of each workload: a line as it comes, or one JSON document at the end."""

    def __init__(self, found: Audit, style: Style, *, as_json: bool) -> None:
        self._found = found
        self._style = style
        self._as_json = as_json
        self._rows: list[dict[str, Any]] = []

    def add(self, workload: Workload, state: str, text: str, command: str | None = None) -> None:
        """Tell of a workload; the `command` is what people may do."""
        named = {key: getattr(workload, key) for key in ("group", "kind", "namespace", "name")}
        self._rows.append({**named, "state": str(state), "message": text, "command": command})
        if not self._as_json:
            told = f"{_name(workload)}: {text}{f': {command}' if command else ''}"
            click.echo(f"{self._style(f'{state:<7}', _COLORS[state])} {escape(told)}")

    def end(self, waiting: Sequence[Workload] = (), why: str = "") -> int:
        """Tell what is left to people, and of those that are still `waiting` why; the exit status."""
        for workload in waiting:
            self.add(workload, "left", why)
        for audited in self._found.workloads:
            if audited.findings and not (audited.mend and audited.mend.restart):
                text, command = _left(audited)
                self.add(audited.workload, "left", text, command)
        for item in self._found.settings:
            click.echo(escape(f"{item.code} {item.code.summary}: {item.source}, {item.key} {item.text}"), err=True)
        if beyond := sum(self._found.beyond.values()):
            click.echo(f"{_counted(beyond, 'pod')} of further workloads; run this again", err=True)
        is_fine = self._is_fine
        if self._as_json:
            click.echo(msgspec.json.format(msgspec.json.encode({"fine": is_fine, "workloads": self._rows})))
        elif not self._rows:
            click.echo("nothing to restart: all pods are right")
        return 0 if is_fine else 1

    @property
    def _is_fine(self) -> bool:
        broken = any(item.code == "RAY705" for item in self._found.settings)
        return not broken and not self._found.beyond and all(row["state"] == "mended" for row in self._rows)


def _left(audited: Audited) -> tuple[str, str | None]:
    """What people have to do about a workload that no restart mends, and the command where there is one."""
    counts = _counts(audited)
    if audited.mend:
        return f"{counts}; {audited.mend.text}", audited.mend.command
    first = next(iter(audited.findings.values()))
    return f"{counts}; {first.text or first.code.advice}", None


def _counts(audited: Audited) -> str:
    return ", ".join(
        f"{finding.count} {finding.code.summary} ({finding.code})" for finding in audited.findings.values()
    )


def _name(workload: Workload) -> str:
    return f"{workload.kind} {workload.namespace}/{workload.name}"


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
