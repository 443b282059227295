"""Restarts workloads, one by one, so that their pods are created anew: carefully, and nothing that would not help.

Each is looked at again just before, and its pods just after. The way of a restart is kubectl's: an annotation of the
pod template. Pods are never deleted; what no roll-out replaces is left to people.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import msgspec

from webhook.cluster.audit import PAGE, Audit, audit_workload, namespaces
from webhook.cluster.auditor import Auditor
from webhook.cluster.budgets import forbidding, selecting
from webhook.cluster.client import Api
from webhook.cluster.lease import new_identity
from webhook.cluster.owners import COMMANDED, Workload
from webhook.cluster.reading import Reading, read
from webhook.cluster.rollouts import RESTARTED_AT, Rolled, is_restarting, progress_of
from webhook.cluster.turn import Turn
from webhook.errors import ClusterError
from webhook.injection.findings import FindingCode
from webhook.injection.snapshot import Snapshot

MANAGER: Final = "ray-webhook-audit"
_MENDED_MEANWHILE: Final = "its pods are right meanwhile"
_OF_ONE_WORKLOAD: Final = {
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""Refusals that say nothing about the next workload."""


class State(StrEnum):
    """What became of a workload."""

    MENDED = "mended"
    LEFT = "left"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a workload: mended, left as it was, or restarted and not mended by that; `text` says why."""

    workload: Workload
    state: State
    text: str


class _LeftError(Exception):
    """The workload is left as it is; the text says why."""


class _FailedError(Exception):
    """The workload was restarted, and is not mended; the text says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long to wait.

    Attributes:
        seconds: for an earlier restart, then for a budget, and then for the roll-out.
        interval: seconds between two looks.
        clock, sleep: what a test replaces.
    """

    seconds: float
    interval: float = 1.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Restarter:
    """Restarts workloads.

    Args:
        settings_names, first: as of :func:`~webhook.cluster.audit.audit`.
        tell: called with what happens to a workload, for people who wait.

    Attributes:
        under_way: the workload that was restarted and whose roll-out is not known to have ended.
    """

    def __init__(
        self,
        api: Api,
        *,
        settings_names: Sequence[str],
        first: Snapshot,
        patience: Patience,
        tell: Callable[[Workload, str], None],
        page: int = PAGE,
    ) -> None:
        self._api = api
        self._names = settings_names
        self._first = first
        self._patience = patience
        self._tell = tell
        self._page = page
        self._identity = new_identity()
        self._turns: dict[str, Turn] = {}
        self.under_way: Workload | None = None

    def restart(self, workload: Workload) -> Outcome:
        """Restart a Deployment, StatefulSet or DaemonSet if that helps, and wait until its new pods are there.

        Raises:
            ClusterError: the API server could not be reached, or failed.
        """
        outcome = partial(Outcome, workload=workload)
        try:
            made = outcome(state=State.MENDED, text=self._restart(workload))
        except _LeftError as left:
            made = outcome(state=State.LEFT, text=str(left))
        except _FailedError as failed:
            made = outcome(state=State.FAILED, text=str(failed))
        except ClusterError as error:
            if error.status not in _OF_ONE_WORKLOAD:
                raise
            state = State.FAILED if self.under_way else State.LEFT
            made = outcome(state=state, text=error.message)
        self.under_way = None
        self._turn(workload).give_up()
        return made

    def _restart(self, workload: Workload) -> str:
        rolled = self._read(workload)
        before = self._audit(workload, rolled)
        if before.wrong and is_restarting(workload.kind, rolled):
            rolled = self._await_earlier(workload)
            before = self._audit(workload, rolled)
        if FindingCode.SETTINGS_UNREADABLE in before.counts:
            raise _LeftError(f"you may not read all settings of its pods ({FindingCode.SETTINGS_UNREADABLE})")
        if not before.wrong:
            return _MENDED_MEANWHILE
        self._check(workload, rolled, before)
        if self._await_turn(workload, rolled) and not self._audit(workload, self._read(workload)).wrong:
            return _MENDED_MEANWHILE
        self._patch(workload)
        self._await_rollout(workload)
        after = self._audit(workload, rolled)
        if after.wrong:
            raise _FailedError(
                f"restarted, and still {_told(after)}; see ray-webhook explain, and whether the webhook answers"
            )
        return f"{after.pods} new pod{'' if after.pods == 1 else 's'}"

    def _turn(self, workload: Workload) -> Turn:
        """That of its namespace."""
        place = workload.namespace
        return self._turns.setdefault(place, Turn(self._api, place, self._identity, clock=self._patience.clock))

    def _read(self, workload: Workload) -> Rolled:
        rolled = self._api.get(_path(workload), {}, Rolled)
        if rolled.metadata.uid != workload.uid:
            raise _LeftError("it was deleted and created anew meanwhile; audit again")
        return rolled

    def _audit(self, workload: Workload, rolled: Rolled) -> Audit:
        return audit_workload(
            self._api,
            workload,
            labels=rolled.spec.selector.query,
            reading=self._reading(workload),
            page=self._page,
        )

    def _reading(self, workload: Workload) -> Reading:
        place = workload.namespace
        return read(self._api, settings_names=self._names, first=self._first, page=self._page, place=place)

    def _wait(self, workload: Workload, look: Callable[[], str | None]) -> str | None:
        """Wait until `look` gives no reason to, and tell each; returns the one that holds when the time is up."""
        ends_at, last = self._patience.clock() + self._patience.seconds, None
        while reason := look():
            if reason != last:
                self._tell(workload, reason)
                last = reason
            if self._patience.clock() >= ends_at:
                return reason
            self._patience.sleep(self._patience.interval)
        return None

    def _await_earlier(self, workload: Workload) -> Rolled:
        """Wait for a restart that somebody else began; one that does not end is no reason to make none."""

        def look() -> str | None:
            is_under_way = is_restarting(workload.kind, self._read(workload))
            return "waiting, for it was restarted already" if is_under_way else None

        self._wait(workload, look)
        return self._read(workload)

    def _check(self, workload: Workload, rolled: Rolled, before: Audit) -> None:
        """Make sure that a restart helps, by what is there and by a pod that is created and not stored."""
        if rolled.hindrance:
            raise _LeftError(rolled.hindrance)
        if FindingCode.WOULD_BE_REFUSED in before.counts:
            raise _LeftError(f"{_told(before)}; mend its pod template first")
        found = self._next_pod(workload, rolled)
        if found.wrong:
            raise _LeftError(
                f"a new pod of it would not be right either ({_told(found)}); see whether the webhook answers"
            )

    def _next_pod(self, workload: Workload, rolled: Rolled) -> Audit:
        """The audit of a pod of the template as the API server would create it now."""
        path = f"/api/v1/namespaces/{workload.namespace}/pods"
        try:
            pod = self._api.try_creation(path, _pod(workload, rolled.spec.template), msgspec.Raw)
        except ClusterError as error:
            if error.status is None or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            raise _LeftError(f"a new pod of it would be refused: {error.message}") from None
        auditor = Auditor(self._reading(workload), namespaces(self._api, workload.namespace, page=self._page))
        auditor.look_at(pod)
        found = tuple(auditor.audited.values())
        return Audit(pods=1, concerned=auditor.concerned, workloads=found, beyond=auditor.beyond)

    def _await_turn(self, workload: Workload, rolled: Rolled) -> bool:
        """Wait until the budgets allow it, and nobody else is at it; returns whether there was something to wait for.

        Without a budget nobody is asked.
        """

        def forbidden() -> tuple[bool, str | None]:
            budgets = selecting(self._api, workload.namespace, rolled.labels, page=self._page)
            return bool(budgets), forbidding(budgets, pods=rolled.at_once)

        def look() -> str | None:
            has_budget, reason = forbidden()
            if has_budget and reason is None:
                reason = turn.take()
                if reason is None and (reason := forbidden()[1]):
                    turn.give_up()
            return reason and f"waiting, for {reason}"

        turn, begun = self._turn(workload), self._patience.clock()
        reason = self._wait(workload, look)
        if reason:
            raise _LeftError(f"{reason.removeprefix('waiting, for ')}, after {self._patience.seconds:g} s still")
        return self._patience.clock() - begun >= self._patience.interval

    def _patch(self, workload: Workload) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        template = {"metadata": {"annotations": {RESTARTED_AT: now}}}
        document = {"metadata": {"uid": workload.uid}, "spec": {"template": template}}
        self.under_way = workload
        try:
            self._api.merge(_path(workload), document, manager=MANAGER)
        except ClusterError as error:
            if error.status is not None:
                self.under_way = None
            raise
        self._tell(workload, "restarted")

    def _await_rollout(self, workload: Workload) -> None:
        told = self._wait(workload, lambda: self._progress(workload))
        if told:
            raise _FailedError(f"restarted, and after {self._patience.seconds:g} s still {told}; see kubectl describe")

    def _progress(self, workload: Workload) -> str | None:
        """How far the roll-out is, or None for done; an API server that is away for a while is waited for."""
        self._turn(workload).keep()
        try:
            progress = progress_of(workload.kind, self._read(workload))
        except ClusterError as error:
            if error.status in _OF_ONE_WORKLOAD:
                raise
            return f"not known, since {error.message}"
        except _LeftError as left:
            raise _FailedError(f"restarted, and {left}") from None
        if progress.has_failed:
            raise _FailedError(f"restarted, and {progress.text}; see kubectl describe")
        return None if progress.is_done else progress.text


def _path(workload: Workload) -> str:
    return f"{COMMANDED[workload.key]}/namespaces/{workload.namespace}/{workload.kind.lower()}s/{workload.name}"


def _pod(workload: Workload, template: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {
        **(template.get("metadata") or {}),
        "generateName": f"{workload.name}-",
        "namespace": workload.namespace,
    }
    return {"apiVersion": "v1", "kind": "Pod", **template, "metadata": metadata}


def _told(found: Audit) -> str:
    return ", ".join(f"{count} {code.summary} ({code})" for code, count in found.wrong.items())
