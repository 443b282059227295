"""Deployments, StatefulSets and DaemonSets as a restart needs them, and how far their roll-out is.

What counts as complete is what ``kubectl rollout status`` says (rollout_status.go in
k8s.io/kubectl/pkg/polymorphichelpers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from webhook.cluster.selectors import LabelSelector

RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"
"""The annotation of a pod template by which kubectl restarts a workload."""
_ON_DELETE: Final = "OnDelete"
_DEADLINE: Final = "ProgressDeadlineExceeded"


class _Metadata(msgspec.Struct):
    uid: str
    generation: int = 0


class _Rolling(msgspec.Struct, rename="camel"):
    max_unavailable: int | str | None = None
    partition: int | None = None


class _Strategy(msgspec.Struct, rename="camel"):
    type: str = "RollingUpdate"
    rolling_update: _Rolling | None = None


class _Spec(msgspec.Struct, rename="camel"):
    template: dict[str, Any]
    selector: LabelSelector
    replicas: int | None = None
    paused: bool = False
    strategy: _Strategy | None = None
    update_strategy: _Strategy | None = None


class _Condition(msgspec.Struct):
    type: str
    reason: str = ""


class _Status(msgspec.Struct, rename="camel"):
    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""
    desired_number_scheduled: int = 0
    updated_number_scheduled: int = 0
    number_available: int = 0
    conditions: list[_Condition] | None = None


class Rolled(msgspec.Struct):
    """A workload whose pods a roll-out replaces."""

    metadata: _Metadata
    spec: _Spec
    status: _Status = msgspec.field(default_factory=_Status)

    @property
    def labels(self) -> Mapping[str, str | None]:
        """The labels of its pods."""
        labels: Mapping[str, str | None] = (self.spec.template.get("metadata") or {}).get("labels") or {}
        return labels

    @property
    def hindrance(self) -> str | None:
        """Why a restart would replace none, or not all of its pods."""
        if self.spec.paused:
            return "it is paused, so nothing would happen; resume it with kubectl rollout resume"
        if self._strategy.type == _ON_DELETE:
            return (
                "its updateStrategy is OnDelete, so its pods are replaced as they are deleted; delete them one by one"
            )
        partition = self._rolling.partition
        if partition:
            return f"its updateStrategy has the partition {partition}, which pods below it do not cross; set it to 0"
        return None

    @property
    def at_once(self) -> int:
        """How many of its pods a restart takes away before others are there; at least 1."""
        pods = self.spec.replicas if self.spec.replicas is not None else self.status.desired_number_scheduled or 1
        if self._strategy.type == "Recreate":
            return max(pods, 1)
        allowed = self._rolling.max_unavailable
        if allowed is None:
            allowed = "25%" if self.spec.strategy else 1
        if isinstance(allowed, str):
            percent = allowed.removesuffix("%")
            allowed = pods * int(percent) // 100 if percent.isdecimal() else 1
        return max(allowed, 1)

    @property
    def _strategy(self) -> _Strategy:
        return self.spec.strategy or self.spec.update_strategy or _Strategy()

    @property
    def _rolling(self) -> _Rolling:
        return self._strategy.rolling_update or _Rolling()


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a roll-out is: done, given up by its controller, or neither yet."""

    text: str
    is_done: bool = False
    has_failed: bool = False


def progress_of(kind: str, rolled: Rolled) -> Progress:
    """The progress of the roll-out of a workload of that kind."""
    if rolled.status.observed_generation < rolled.metadata.generation:
        return Progress(text="waiting for its controller")
    return _PROGRESS[kind](rolled.spec.replicas if rolled.spec.replicas is not None else 1, rolled.status)


def is_restarting(kind: str, rolled: Rolled) -> bool:
    """Whether a restart, whoever made it, goes on still, so that its end may be waited for.

    Other roll-outs do not count: crash-looping pods may be what a restart mends.
    """
    annotations = (rolled.spec.template.get("metadata") or {}).get("annotations") or {}
    if RESTARTED_AT not in annotations or rolled.hindrance:
        return False
    progress = progress_of(kind, rolled)
    return not progress.is_done and not progress.has_failed


def _deployment(replicas: int, status: _Status) -> Progress:
    if any(item.type == "Progressing" and item.reason == _DEADLINE for item in status.conditions or ()):
        return Progress(text="it exceeded its progressDeadlineSeconds", has_failed=True)
    if status.updated_replicas < replicas:
        return Progress(text=f"{status.updated_replicas} of {replicas} new pods are there")
    if status.replicas > status.updated_replicas:
        return Progress(text=f"{status.replicas - status.updated_replicas} old pods are still there")
    return _available(status.available_replicas, status.updated_replicas)


def _stateful_set(replicas: int, status: _Status) -> Progress:
    if status.update_revision != status.current_revision:
        return Progress(text=f"{status.updated_replicas} of {replicas} new pods are there")
    return _available(min(status.ready_replicas, status.available_replicas), replicas)


def _daemon_set(_: int, status: _Status) -> Progress:
    wanted = status.desired_number_scheduled
    if status.updated_number_scheduled < wanted:
        return Progress(text=f"{status.updated_number_scheduled} of {wanted} new pods are there")
    return _available(status.number_available, wanted)


def _available(available: int, wanted: int) -> Progress:
    return Progress(text=f"{available} of {wanted} new pods are available", is_done=available >= wanted)


_PROGRESS: Final[dict[str, Callable[[int, _Status], Progress]]] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
}
