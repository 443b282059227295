"""The decision about a pod that stands, as if it were created anew: what a restart of its workload would change.

Such a pod is the one that was reviewed, but for three things:

- What the webhook wrote now looks declared, so ``deny`` and ``keep`` would take it for the user's. A pod that has our
  status was let in, so under ``deny`` nothing declared differed then. Under ``keep`` the hash in the status proves
  which entries were ours: those at the end of each env, if operations that add them make the same hash.
- Ephemeral containers came later; what they run does not tell what the pod is.
- Other webhooks may have added containers after ours: see :attr:`Standing.late`.

An env cannot change once its pod is there, so one that the webhook cannot have written was created with our status
upon it, past the webhook: see :attr:`Standing.tampered`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from webhook import contract
from webhook.contract import OnConflict, Role
from webhook.injection.decision import Decision, Deny, Inject, Skip, decide_pod
from webhook.injection.environment import Operation, is_right, last_declared
from webhook.injection.patch import content_hash
from webhook.injection.reasons import Code
from webhook.injection.review import AnyPod, CommandedContainer, Container, EnvVar
from webhook.injection.settings import parse_settings
from webhook.injection.snapshot import Snapshot
from webhook.injection.treatment import Treated
from webhook.injection.variables import Entry

_Decide = Callable[[AnyPod], Decision]


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A variable that a new pod would have otherwise: as text, None where it is absent."""

    container: str
    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What there is to say about a pod that stands.

    Attributes:
        treated: whether it bears the webhook's status, which is told and never trusted.
        differences: what a new one would have otherwise.
        late: whether all of these are in containers without any trace of the webhook, beside others that have it.
        tampered: whether no settings would have made this env, whatever they were when the pod was created: what
            follows from its own connection differs. Never said of a pod that keeps what its manifest declares.
    """

    decision: Decision
    treated: bool
    differences: tuple[Difference, ...]
    late: bool
    tampered: bool


def judge(pod: AnyPod, *, namespace: str, snapshot: Snapshot, default_role: Role | None) -> Standing:
    """Decide about a pod that stands; `default_role` as for :func:`~webhook.injection.decision.decide`."""

    def decide(asked: AnyPod) -> Decision:
        return decide_pod(asked, namespace=namespace, snapshot=snapshot, default_role=default_role)

    _forget_commands(pod)
    status = _status(pod)
    decision = decide(pod)
    differences = tuple(_differences(decision))
    if status is not None and isinstance(decision, Deny) and decision.code is Code.CONFLICT:
        decision = decide(_overriding(pod))
        differences = tuple(_differences(decision))
    elif status is not None and isinstance(decision, Skip) and _keeps_another(decision.treated):
        decision, differences = _judge_kept(pod, decision, str(status.get("hash")), decide)
    wrong = decision.treated if status is not None and isinstance(decision, Inject) else ()
    late = bool(wrong) and _is_late(wrong)
    return Standing(
        decision=decision,
        treated=status is not None,
        differences=differences,
        late=late,
        tampered=not late and _is_tampered(pod, wrong, namespace, default_role),
    )


def _forget_commands(pod: AnyPod) -> None:
    for container in (pod.spec.ephemeral_containers if pod.spec else None) or ():
        if isinstance(container, CommandedContainer):
            container.command = container.args = None


def _status(pod: AnyPod) -> dict[str, object] | None:
    text = (pod.metadata.annotations or {}).get(contract.STATUS) if pod.metadata else None
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError):
        return {}


def _overriding(pod: AnyPod) -> AnyPod:
    """The pod with ``on-conflict: override``."""
    if pod.metadata is None:
        return pod
    annotations = {**(pod.metadata.annotations or {}), contract.ON_CONFLICT: OnConflict.OVERRIDE.value}
    return msgspec.structs.replace(pod, metadata=msgspec.structs.replace(pod.metadata, annotations=annotations))


def _is_tampered(pod: AnyPod, wrong: Sequence[Treated], namespace: str, default_role: Role | None) -> bool:
    own = {item.selected.container.name: _own_settings(item) for item in wrong if _has_trace(item)}
    first = next((settings for settings in own.values() if settings), None)
    annotations = (pod.metadata.annotations or {}) if pod.metadata else {}
    if first is None or default_role is not None or annotations.get(contract.ON_CONFLICT) == OnConflict.KEEP:
        return False
    snapshot = Snapshot(namespaces={namespace: parse_settings(first, source="the pod itself", cluster_wide=False)})
    again = decide_pod(_unbound(_overriding(pod)), namespace=namespace, snapshot=snapshot)
    differing = {item.name for item in _differences(again) if item.container in own}
    return isinstance(again, Deny) or not differing.isdisjoint(contract.ROLE_VARIABLES)  # denied: no setting may be so


def _has_trace(item: Treated) -> bool:
    return contract.SEEDCORE_RAY_ROLE not in item.edit.added


def _own_settings(item: Treated) -> dict[str, str]:
    """The settings that a container's connection would come from; empty where it names no host."""
    declared = last_declared(item.selected.container.env)
    found: dict[str, str] = {key: declared[key].value or "" for key in contract.CONNECTION_KEYS if key in declared}
    return found if found.get(contract.RAY_HOST) else {}


def _unbound(pod: AnyPod) -> AnyPod:
    """The pod without what names or marks a RayCluster or RayService, so that settings give its connection."""
    if pod.metadata is None:
        return pod
    labels, annotations = ({**(written or {})} for written in (pod.metadata.labels, pod.metadata.annotations))
    for key in (contract.CLUSTER, contract.SERVICE):
        annotations.pop(key, None)
    labels.pop(contract.KUBERAY_CLUSTER, None)
    metadata = msgspec.structs.replace(pod.metadata, labels=labels, annotations=annotations)
    return msgspec.structs.replace(pod, metadata=metadata)


def _differences(decision: Decision) -> Iterator[Difference]:
    """What a decision's operations change, but for duplicates that they tidy up."""
    for item in decision.treated if isinstance(decision, Inject) else ():
        name, declared = item.selected.container.name, last_declared(item.selected.container.env)
        for wanted in item.edit.written:
            after = wanted.mend if wanted.name in declared else wanted.add
            yield Difference(
                container=name, name=wanted.name, before=_shown(declared.get(wanted.name)), after=_shown_entry(after)
            )
        for gone in item.edit.removed:
            yield Difference(container=name, name=gone, before=_shown(declared.get(gone)), after=None)


def _shown(entry: EnvVar | None) -> str | None:
    if entry is None:
        return None
    return "valueFrom" if entry.value_from is not None else entry.value or ""


def _shown_entry(entry: Entry | None) -> str | None:
    return None if entry is None else str(entry.get("value", "valueFrom"))


def _is_late(treated: Sequence[Treated]) -> bool:
    changed = [item for item in treated if item.edit.operations]
    return len(changed) < len(treated) and not any(map(_has_trace, changed))


def _keeps_another(treated: Sequence[Treated]) -> bool:
    """Whether a value stays, as if it were declared, that differs from what a new pod would get."""
    for item in treated:
        declared = last_declared(item.selected.container.env)
        if any(
            wanted.keeps and wanted.name in declared and not is_right(wanted, declared[wanted.name])
            for wanted in item.wanted
        ):
            return True
    return False


def _judge_kept(pod: AnyPod, decision: Skip, written: str, decide: _Decide) -> tuple[Decision, tuple[Difference, ...]]:
    """Decide about the pod without the entries that were ours, if the hash `written` proves which those were."""
    ours = [(item, _tail(item)) for item in decision.treated]
    operations = [operation for item, tail in ours for operation in _additions(item, tail)]
    if content_hash(operations) != written:
        return decision, ()
    again = decide(_without(pod, ours))
    old = {(item.selected.container.name, entry.name): entry.value or "" for item, tail in ours for entry in tail}
    new = {(change.container, change.name): change.after for change in _differences(again)}
    if isinstance(again, Skip) or new == old:
        return decision, ()
    return again, tuple(
        Difference(container=key[0], name=key[1], before=old.get(key), after=new.get(key))
        for key in {**old, **new}
        if old.get(key) != new.get(key)
    )


def _tail(item: Treated) -> list[EnvVar]:
    """The entries at the end of the env that may be ours, by their names."""
    names = {wanted.name for wanted in item.wanted}
    env = item.selected.container.env or []
    start = next((at for at in range(len(env), 0, -1) if env[at - 1].name not in names), 0)
    return env[start:]


def _additions(item: Treated, tail: Sequence[EnvVar]) -> list[Operation]:
    """The operations that would have added these entries (:mod:`webhook.injection.environment`)."""
    entries = [{"name": entry.name, "value": entry.value or ""} for entry in tail]
    path = item.selected.path
    if len(entries) == len(item.selected.container.env or ()):
        return [{"op": "add", "path": path, "value": entries}] if entries else []
    return [{"op": "add", "path": f"{path}/-", "value": entry} for entry in entries]


def _without(pod: AnyPod, ours: Sequence[tuple[Treated, Sequence[EnvVar]]]) -> AnyPod:
    """The pod without those entries."""
    if pod.spec is None:
        return pod
    spec = msgspec.structs.replace(
        pod.spec,
        containers=list(pod.spec.containers or ()),
        init_containers=list(pod.spec.init_containers or ()),
    )
    listed: dict[str, list[Container] | list[CommandedContainer] | None] = {
        "containers": spec.containers,
        "initContainers": spec.init_containers,
    }
    for item, tail in ours:
        container = item.selected.container
        kept = (container.env or [])[: len(container.env or ()) - len(tail)]
        containers: list[Container] = listed[item.selected.field]  # type: ignore[assignment]  # both kinds alike
        containers[item.selected.index] = msgspec.structs.replace(container, env=kept or None)
    return msgspec.structs.replace(pod, spec=spec)
