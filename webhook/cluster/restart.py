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
from webhook.cluster.budgets import forbidding
from webhook.cluster.client import Api
from webhook.cluster.owners import COMMANDED, Workload
from webhook.cluster.reading import Reading, read
from webhook.cluster.rollouts import RESTARTED_AT, Rolled, is_restarting, progress_of
from webhook.errors import ClusterError
from webhook.injection.findings import FindingCode
from webhook.injection.snapshot import Snapshot

MANAGER: Final = "ray-webhook-audit"
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
        seconds: for a budget, and then for the roll-out.
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
        return made

    def _restart(self, workload: Workload) -> str:
        rolled = self._read(workload)
        before = self._audit(workload, rolled)
        if before.wrong and is_restarting(workload.kind, rolled):
            rolled = self._await_earlier(workload)
            before = self._audit(workload, rolled)
        if not before.wrong:
            return "its pods are right meanwhile"
        self._check(workload, rolled, before)
        self._await_budget(workload, rolled)
        self._patch(workload)
        self._await_rollout(workload)
        after = self._audit(workload, rolled)
        if after.wrong:
            raise _FailedError(
                f"restarted, and still {_told(after)}; see ray-webhook explain, and whether the webhook answers"
            )
        return f"{after.pods} new pod{'' if after.pods == 1 else 's'}"

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

    def _await_earlier(self, workload: Workload) -> Rolled:
        """Wait for a restart that somebody else began; one that does not end is no reason to make none."""
        ends_at = self._patience.clock() + self._patience.seconds
        self._tell(workload, "waiting, for it was restarted already")
        while is_restarting(workload.kind, rolled := self._read(workload)) and self._patience.clock() < ends_at:
            self._patience.sleep(self._patience.interval)
        return rolled

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

    def _await_budget(self, workload: Workload, rolled: Rolled) -> None:
        ends_at = self._patience.clock() + self._patience.seconds
        last = None
        while reason := forbidding(self._api, workload.namespace, rolled.labels, pods=rolled.at_once, page=self._page):
            if self._patience.clock() >= ends_at:
                raise _LeftError(f"{reason}, after {self._patience.seconds:g} s still")
            if reason != last:
                self._tell(workload, f"waiting, for {reason}")
                last = reason
            self._patience.sleep(self._patience.interval)

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
        ends_at = self._patience.clock() + self._patience.seconds
        last = ""
        while True:
            told, is_done = self._look(workload)
            if is_done:
                return
            if told != last:
                self._tell(workload, told)
                last = told
            if self._patience.clock() >= ends_at:
                raise _FailedError(
                    f"restarted, and after {self._patience.seconds:g} s still {told}; see kubectl describe"
                )
            self._patience.sleep(self._patience.interval)

    def _look(self, workload: Workload) -> tuple[str, bool]:
        """How far the roll-out is; an API server that is away for a while is waited for."""
        try:
            progress = progress_of(workload.kind, self._read(workload))
        except ClusterError as error:
            if error.status in _OF_ONE_WORKLOAD:
                raise
            return f"not known, since {error.message}", False
        except _LeftError as left:
            raise _FailedError(f"restarted, and {left}") from None
        if progress.has_failed:
            raise _FailedError(f"restarted, and {progress.text}; see kubectl describe")
        return progress.text, progress.is_done


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
