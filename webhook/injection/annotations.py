"""What a user wrote on the pod: each annotation parsed on its own, with the fault where its value is not allowed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeVar

from webhook import contract
from webhook.contract import Connect, OnConflict
from webhook.errors import quote
from webhook.injection.reasons import Code
from webhook.injection.settings import is_dns_subdomain, is_readable
from webhook.injection.snapshot import Reference, TargetKind

_DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotationFault:
    """An annotation whose value is not allowed; ``text`` names it, its value, what is allowed and the fix."""

    code: Code
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotations:
    """The annotations that were understood; None or the default stands for one that is absent or faulty.

    Attributes:
        on_conflict: None where the pod does not say, since the default depends on the way the pod came.
        containers: None where the pod does not say: every container.
        faults: one for each annotation that was not understood, in the order of the contract's table.
    """

    reference: Reference | None = None
    connect: Connect = Connect.CLIENT
    ray_namespace: str | None = None
    containers: frozenset[str] | None = None
    skip_containers: frozenset[str] = frozenset()
    on_conflict: OnConflict | None = None
    faults: tuple[AnnotationFault, ...] = ()


_NONE_WRITTEN: Final = Annotations()
_KEYS: Final = frozenset(contract.ANNOTATIONS) - {contract.ROLE}


def parse_annotations(written: Mapping[str, str | None], *, namespace: str) -> Annotations:
    """Parse all annotations but the role; `namespace` is the pod's, which a bare name means."""
    if _KEYS.isdisjoint(written):
        return _NONE_WRITTEN
    faults: list[AnnotationFault] = []
    parsed = Annotations(
        reference=_reference(written, namespace, faults),
        connect=_choice(written, contract.CONNECT, Connect, Code.BAD_CONNECT, faults) or Connect.CLIENT,
        ray_namespace=_ray_namespace(written, faults),
        containers=_names(written, contract.CONTAINERS, faults) or None,
        skip_containers=_names(written, contract.SKIP_CONTAINERS, faults),
        on_conflict=_choice(written, contract.ON_CONFLICT, OnConflict, Code.BAD_ON_CONFLICT, faults),
    )
    faults += _listed_twice(parsed)
    return replace(parsed, faults=tuple(faults)) if faults else parsed


def fault_text(key: str, value: str, allowed: str, fix: str) -> str:
    """The message for a wrong annotation: the thing, its value, what is allowed, the fix."""
    return f"annotation {key} is {quote(value)}; allowed: {allowed}; {fix}"


def _choice(
    written: Mapping[str, str | None], key: str, choices: type[_Choice], code: Code, faults: list[AnnotationFault]
) -> _Choice | None:
    value = written.get(key)
    if value is None:
        return None
    try:
        return choices(value)
    except ValueError:
        faults.append(AnnotationFault(code=code, text=fault_text(key, value, ", ".join(choices), code.advice)))
        return None


def _reference(written: Mapping[str, str | None], namespace: str, faults: list[AnnotationFault]) -> Reference | None:
    cluster, service = written.get(contract.CLUSTER), written.get(contract.SERVICE)
    if cluster is not None and service is not None:
        text = (
            f"annotations {contract.CLUSTER} and {contract.SERVICE} are {quote(cluster)} and {quote(service)}; "
            f"allowed: one of the two; {Code.CLUSTER_AND_SERVICE.advice}"
        )
        faults.append(AnnotationFault(code=Code.CLUSTER_AND_SERVICE, text=text))
        return None
    if service is not None:
        return _parse_reference(contract.SERVICE, service, TargetKind.SERVICE, namespace, faults)
    if cluster is not None:
        return _parse_reference(contract.CLUSTER, cluster, TargetKind.CLUSTER, namespace, faults)
    return None


def _parse_reference(
    key: str, value: str, kind: TargetKind, namespace: str, faults: list[AnnotationFault]
) -> Reference | None:
    owner, slash, name = value.rpartition("/")
    if is_dns_subdomain(name) and (_DNS_LABEL.fullmatch(owner) if slash else True):
        return Reference(kind=kind, namespace=owner or namespace, name=name)
    text = fault_text(key, value, "NAME or NAMESPACE/NAME", Code.BAD_REFERENCE.advice)
    faults.append(AnnotationFault(code=Code.BAD_REFERENCE, text=text))
    return None


def _ray_namespace(written: Mapping[str, str | None], faults: list[AnnotationFault]) -> str | None:
    value = written.get(contract.RAY_NAMESPACE_ANNOTATION)
    if not value or is_readable(value):
        return value or None
    allowed = "text without blanks, control characters or $("
    text = fault_text(contract.RAY_NAMESPACE_ANNOTATION, value, allowed, Code.BAD_RAY_NAMESPACE.advice)
    faults.append(AnnotationFault(code=Code.BAD_RAY_NAMESPACE, text=text))
    return None


def _names(written: Mapping[str, str | None], key: str, faults: list[AnnotationFault]) -> frozenset[str]:
    value = written.get(key) or ""
    names = frozenset(name for part in value.split(",") if (name := part.strip()))
    wrong = sorted(name for name in names if not _DNS_LABEL.fullmatch(name))
    if not wrong:
        return names
    text = fault_text(key, value, "container names, comma-separated", f"mend {quote(wrong[0])}")
    faults.append(AnnotationFault(code=Code.BAD_CONTAINERS, text=text))
    return frozenset()


def _listed_twice(parsed: Annotations) -> list[AnnotationFault]:
    twice = sorted((parsed.containers or frozenset()) & parsed.skip_containers)
    if not twice:
        return []
    text = (
        f"annotations {contract.CONTAINERS} and {contract.SKIP_CONTAINERS} both hold {quote(twice[0])}; "
        f"allowed: each container in one of the two; {Code.BAD_CONTAINERS.advice}"
    )
    return [AnnotationFault(code=Code.BAD_CONTAINERS, text=text)]
