"""Which containers are treated, and as what."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from webhook import contract
from webhook.errors import quote
from webhook.injection.annotations import Annotations
from webhook.injection.environment import last_declared
from webhook.injection.reasons import Code, DecisionWarning
from webhook.injection.review import AnyPod, Container
from webhook.injection.role import RoleFound
from webhook.injection.variables import is_direct_address

INIT = "initContainers"
REGULAR = "containers"
EPHEMERAL = "ephemeralContainers"


class Treatment(StrEnum):
    """As what a container is treated."""

    CLIENT = "client"
    NODE = "head or worker"
    KUBERAY_NODE = "KubeRay's Ray container"
    KUBERAY_ADDRESS = "KubeRay's Ray container, its address alone"
    KUBERAY_WAIT = "KubeRay's wait-gcs-ready"


class Selected(msgspec.Struct, frozen=True, kw_only=True):
    """A container that is treated; ``field`` and ``index`` say where it stands in the pod's spec."""

    field: str
    index: int
    container: Container
    treatment: Treatment

    @property
    def path(self) -> str:
        """The JSON pointer of its env."""
        return f"/spec/{self.field}/{self.index}/env"


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """The containers that are treated, and what there is to say about the lists."""

    selected: tuple[Selected, ...]
    warnings: tuple[DecisionWarning, ...]


def select(
    pod: AnyPod, found: RoleFound, annotations: Annotations, *, existing: frozenset[str] | None = None
) -> Selection:
    """Select the containers of `pod`.

    Args:
        existing: on pods/ephemeralcontainers, the names of the ephemeral containers that are there already; only the
            others are looked at. None on a creation.
    """
    selected: list[Selected] = []
    wrong: list[str] = []
    for field, index, container in _candidates(pod, existing):
        treatment = _treatment(field, index, container, found, annotations)
        if treatment is not None:
            selected.append(Selected(field=field, index=index, container=container, treatment=treatment))
        elif found.kuberay and container.name not in annotations.skip_containers and _has_wrong_address(container):
            wrong.append(container.name)
    warnings: tuple[DecisionWarning, ...] = ()
    if wrong or annotations.containers or annotations.skip_containers:
        warnings = (*_list_warnings(pod, found, annotations), *_wrong_elsewhere(wrong))
    return Selection(selected=tuple(selected), warnings=warnings)


def _candidates(pod: AnyPod, existing: frozenset[str] | None) -> Iterator[tuple[str, int, Container]]:
    if pod.spec is None:
        return
    if existing is not None:
        for index, container in enumerate(pod.spec.ephemeral_containers or ()):
            if container.name not in existing:
                yield EPHEMERAL, index, container
        return
    for index, container in enumerate(pod.spec.init_containers or ()):
        yield INIT, index, container
    for index, container in enumerate(pod.spec.containers or ()):
        yield REGULAR, index, container


def _treatment(
    field: str, index: int, container: Container, found: RoleFound, annotations: Annotations
) -> Treatment | None:
    if container.name in annotations.skip_containers:
        return None
    if found.kuberay is not None:
        return _kuberay_treatment(field, index, container, found, annotations)
    if annotations.containers is not None and container.name not in annotations.containers:
        return None
    return Treatment.CLIENT if found.role is contract.Role.CLIENT else Treatment.NODE


def _kuberay_treatment(
    field: str, index: int, container: Container, found: RoleFound, annotations: Annotations
) -> Treatment | None:
    if found.kuberay is not None and (field, index) == (REGULAR, found.kuberay.container):
        return Treatment.KUBERAY_NODE if found.annotated else Treatment.KUBERAY_ADDRESS
    if (field, container.name) == (INIT, contract.KUBERAY_WAIT_GCS):
        return Treatment.KUBERAY_WAIT
    listed = found.annotated and annotations.containers is not None and container.name in annotations.containers
    return Treatment.CLIENT if listed and container.name not in _NEVER_CLIENTS else None


_NEVER_CLIENTS = frozenset({contract.KUBERAY_WAIT_GCS, contract.KUBERAY_SUBMITTER})


def _has_wrong_address(container: Container) -> bool:
    entry = last_declared(container.env).get(contract.RAY_ADDRESS)
    return entry is not None and not is_direct_address(entry)


def _list_warnings(pod: AnyPod, found: RoleFound, annotations: Annotations) -> Iterator[DecisionWarning]:
    for key, names in (
        (contract.CONTAINERS, annotations.containers),
        (contract.SKIP_CONTAINERS, annotations.skip_containers),
    ):
        unknown = sorted(names - _names(pod)) if names else []
        if unknown:
            more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            text = f"annotation {key} lists {quote(unknown[0])}{more}, which no container of the pod is called (yet)"
            yield DecisionWarning(Code.UNKNOWN_CONTAINER, text)
    if found.kuberay is not None and annotations.containers is not None:
        yield from _kuberay_list_warnings(found, annotations.containers)


def _kuberay_list_warnings(found: RoleFound, names: frozenset[str]) -> Iterator[DecisionWarning]:
    if not found.annotated:
        text = f"annotation {contract.CONTAINERS} is ignored on a KubeRay pod without {contract.ROLE}"
        yield DecisionWarning(Code.ANNOTATION_IGNORED, text)
    for name in sorted(names & _NEVER_CLIENTS):
        text = f"annotation {contract.CONTAINERS} lists {quote(name)}, which is KubeRay's own and left alone"
        yield DecisionWarning(Code.ANNOTATION_IGNORED, text)


def _names(pod: AnyPod) -> frozenset[str]:
    if pod.spec is None:
        return frozenset()
    listed = (pod.spec.init_containers, pod.spec.containers, pod.spec.ephemeral_containers)
    return frozenset(container.name for containers in listed for container in containers or ())


def _wrong_elsewhere(names: list[str]) -> Iterator[DecisionWarning]:
    if names:
        text = (
            f"{contract.RAY_ADDRESS} of container {', '.join(map(quote, names))} is wrong inside a Ray pod "
            "and was left as it is"
        )
        yield DecisionWarning(Code.WRONG_ELSEWHERE, text)
