"""What the rule book says of a pod template: which of the settings that it declares are the webhook's business."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import msgspec

from webhook import contract
from webhook.contract import OnConflict, Role
from webhook.injection.annotations import AnnotationFault, fault_text, parse_annotations
from webhook.injection.decision import Decision, Deny, decide
from webhook.injection.environment import is_right
from webhook.injection.reasons import Code
from webhook.injection.review import AdmissionRequest, EnvVar
from webhook.injection.role import RAY_START
from webhook.injection.selection import INIT, REGULAR, Treatment
from webhook.injection.treatment import Treated
from webhook.injection.variables import Accepts, Wanted
from webhook.manifests.documents import Document
from webhook.manifests.lint.context import Context
from webhook.manifests.workloads import value_at

NAMESPACE: Final = "default"
"""Of manifests that name none."""

_LEFT_ALONE: Final = frozenset(
    {
        Code.OPTED_OUT,
        Code.REDIS_CLEANUP,
        Code.SUBMITTER,
        Code.EXCLUDED_NAMESPACE,
        Code.MIRROR_POD,
        Code.MALFORMED_POD,
    }
)
_MODE: Final = (contract.ROLE, contract.ON_CONFLICT)
_HEAD: Final = re.compile(r"(?<![\w-])--head(?![\w-])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """A declared variable that the webhook replaces or removes, or would set to the same value.

    Attributes:
        field, container, index: where it stands: ``containers``, the container's index, the entry's in its env.
        container_name: for people.
        entry: what is declared.
        wanted: what the rule book has to say about the variable.
        treatment: as what the container is treated.
    """

    field: str
    container: int
    container_name: str
    index: int
    entry: EnvVar
    wanted: Wanted
    treatment: Treatment

    @property
    def is_wrong_inside(self) -> bool:
        """Whether it is a RAY_ADDRESS that breaks drivers inside Ray."""
        return self.wanted.accepts is Accepts.DIRECT_ADDRESS

    @property
    def is_right(self) -> bool:
        """Whether the webhook would set the same value."""
        return is_right(self.wanted, self.entry)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What there is to say about a pod.

    Attributes:
        decision: the webhook's, about the pod as it is.
        role: the one that holds, or, where `assumed`, the one that its commands suggest.
        faults: the annotations whose values are not allowed.
        treated: the containers that the webhook treats, by field and index, and as what.
        settings: those of its declared variables that are the webhook's business; none where they are to be kept.
        denies: whether it is refused where a declared value differs (``on-conflict: deny``).
    """

    decision: Decision
    role: Role | None = None
    assumed: bool = False
    faults: tuple[AnnotationFault, ...] = ()
    treated: Mapping[tuple[str, int], Treatment] = field(default_factory=lambda: MappingProxyType({}))
    settings: tuple[Setting, ...] = ()
    denies: bool = False


def judge(pod: Document, context: Context, *, namespace: str | None) -> Judgement:
    """Judge a pod, as the API server would send it; `namespace` is the manifest's."""
    place = namespace or NAMESPACE
    decision = _decide(pod, context, place)
    if decision.code in _LEFT_ALONE:
        return Judgement(decision=decision, role=decision.role)
    written = annotations_of(pod)
    faults = _faults(written, place)
    asked, assumed = _as_meant(pod, written, faults)
    meant = _decide(asked, context, place)
    if written.get(contract.ON_CONFLICT) == OnConflict.KEEP:
        return Judgement(decision=decision, role=meant.role, assumed=assumed, faults=faults)
    return Judgement(
        decision=decision,
        role=meant.role,
        assumed=assumed,
        faults=faults,
        treated={(item.selected.field, item.selected.index): item.selected.treatment for item in _treated(meant)},
        settings=tuple(_settings(meant)),
        denies=written.get(contract.ON_CONFLICT) == OnConflict.DENY,
    )


def annotations_of(pod: Document) -> Mapping[str, str | None]:
    """The annotations of a pod that the rule book has found well-formed."""
    return (pod.get("metadata") or {}).get("annotations") or {}


def _decide(pod: Document, context: Context, namespace: str) -> Decision:
    raw = msgspec.Raw(msgspec.json.encode(pod))
    request = AdmissionRequest(uid="lint", operation="CREATE", namespace=namespace, object=raw)
    return decide(request, context.snapshot, default_role=None)


def _faults(written: Mapping[str, str | None], namespace: str) -> tuple[AnnotationFault, ...]:
    role = written.get(contract.ROLE)
    faults = parse_annotations(written, namespace=namespace).faults
    if role is None or role in list(Role):
        return faults
    text = fault_text(contract.ROLE, role, ", ".join(Role), Code.BAD_ROLE.advice)
    return (AnnotationFault(code=Code.BAD_ROLE, text=text), *faults)


_KEYS: Final[Mapping[Code, tuple[str, ...]]] = {
    Code.BAD_ROLE: (contract.ROLE,),
    Code.CLUSTER_AND_SERVICE: (contract.CLUSTER, contract.SERVICE),
    Code.BAD_REFERENCE: (contract.CLUSTER, contract.SERVICE),
    Code.REFERENCE_NOT_ALLOWED: (contract.CLUSTER, contract.SERVICE),
    Code.BAD_CONNECT: (contract.CONNECT,),
    Code.BAD_RAY_NAMESPACE: (contract.RAY_NAMESPACE_ANNOTATION,),
    Code.BAD_CONTAINERS: (contract.CONTAINERS, contract.SKIP_CONTAINERS),
    Code.BAD_ON_CONFLICT: (contract.ON_CONFLICT,),
    Code.UNKNOWN_CONTAINER: (contract.CONTAINERS, contract.SKIP_CONTAINERS),
    Code.ROLE_OVERRULED: (contract.ROLE,),
    Code.ANNOTATION_IGNORED: (contract.CLUSTER, contract.SERVICE, contract.CONTAINERS),
}


def keys_of(code: Code) -> tuple[str, ...]:
    """The annotations that a code may be about."""
    return _KEYS.get(code, ())


def _as_meant(
    pod: Document, written: Mapping[str, str | None], faults: tuple[AnnotationFault, ...]
) -> tuple[Document, bool]:
    """The pod without its faults and with a role, so that all that it declares is judged; whether it had none."""
    bad = {key for fault in faults for key in keys_of(fault.code)}
    meant = {key: value for key, value in written.items() if key not in bad}
    assumed = meant.get(contract.ROLE) is None
    if assumed:
        meant[contract.ROLE] = _likely_role(pod)
    if meant.get(contract.ON_CONFLICT) == OnConflict.DENY:
        meant[contract.ON_CONFLICT] = OnConflict.OVERRIDE.value
    return {**pod, "metadata": {**(pod.get("metadata") or {}), "annotations": meant}}, assumed


def _likely_role(pod: Document) -> Role:
    """What a pod without a role is: one that starts Ray is a head or worker, KubeRay's has a label that overrules."""
    command = " ".join(_command_lines(pod))
    if RAY_START.search(command) is None:
        return Role.CLIENT
    return Role.HEAD if _HEAD.search(command) else Role.WORKER


def _command_lines(pod: Document) -> Iterator[str]:
    """The words of all command lines; a pod that is left alone anyway may be malformed."""
    for listing in (INIT, REGULAR):
        listed = value_at(pod, ("spec", listing))
        for container in listed if isinstance(listed, list) else ():
            for words in (value_at(container, ("command",)), value_at(container, ("args",))):
                yield from (word for word in (words if isinstance(words, list) else ()) if isinstance(word, str))


def _treated(decision: Decision) -> tuple[Treated, ...]:
    return () if isinstance(decision, Deny) else decision.treated


def _settings(decision: Decision) -> Iterator[Setting]:
    for item in _treated(decision):
        wanted = {one.name: one for one in item.wanted}
        for index, entry in enumerate(item.selected.container.env or ()):
            one = wanted.get(entry.name)
            if one is None or one.accepts is Accepts.ANYTHING:
                continue
            if one.accepts is Accepts.DIRECT_ADDRESS and is_right(one, entry):
                continue
            yield Setting(
                field=item.selected.field,
                container=item.selected.index,
                container_name=item.selected.container.name,
                index=index,
                entry=entry,
                wanted=one,
                treatment=item.selected.treatment,
            )


def settings_in(entries: Mapping[str, str], role: Role, context: Context) -> list[Setting]:
    """Those of `entries` that are the webhook's business in a pod of `role`: of what is in no pod, but reaches one."""
    return settings_of([{"name": name, "value": value} for name, value in entries.items()], role, context)


def settings_of(
    env: Sequence[Mapping[str, Any]], role: Role, context: Context, annotations: Mapping[str, str] | None = None
) -> list[Setting]:
    """The same for entries as an env has them; none where they are malformed, or where `annotations` keep them."""
    if candidates(context).isdisjoint(str(entry.get("name")) for entry in env):
        return []
    given = annotations or {}
    written = {contract.ROLE: role.value} | {key: given[key] for key in _MODE if key in given}
    pod = {"metadata": {"annotations": written}, "spec": {"containers": [{"name": "app", "env": env}]}}
    return list(judge(pod, context, namespace=None).settings)


def candidates(context: Context) -> frozenset[str]:
    """The names that any role's variables have: a mapping or list without them needs no judgement."""
    return contract.ROLE_VARIABLES.union(context.settings.aliases if context.settings else ())
