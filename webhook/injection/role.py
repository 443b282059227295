"""Which role holds: the contract's five steps, in their order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from webhook import contract
from webhook.contract import Role
from webhook.errors import quote
from webhook.injection import kuberay
from webhook.injection.annotations import AnnotationFault, fault_text
from webhook.injection.kuberay import KubeRayPod
from webhook.injection.reasons import Code, DecisionWarning
from webhook.injection.review import AnyPod, CommandedContainer

RAY_START: Final = re.compile(r"(?<![\w.-])ray\s+start(?![\w.-])")


class RoleSource(StrEnum):
    """Where a pod's role came from."""

    ANNOTATION = "annotation"
    KUBERAY = "KubeRay's label"
    NAMESPACE = "the namespace's default"


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleFound:
    """The role that holds.

    Attributes:
        annotated: whether the pod has a role annotation, which opts a KubeRay pod in to the shared variables.
        kuberay: the KubeRay pod that this is, or None.
    """

    role: Role
    source: RoleSource
    annotated: bool
    kuberay: KubeRayPod | None = None
    warnings: tuple[DecisionWarning, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftAlone:
    """The pod is none of the webhook's business, for the reason that `code` names."""

    code: Code
    role: Role | None = None
    warnings: tuple[DecisionWarning, ...] = ()


def find_role(
    labels: Mapping[str, str | None], annotations: Mapping[str, str | None], pod: AnyPod, *, default_role: Role | None
) -> RoleFound | LeftAlone | AnnotationFault:
    """The role of the pod; `default_role` is what the request's path says of the namespace."""
    written = annotations.get(contract.ROLE)
    if written == Role.NONE:
        return LeftAlone(code=Code.OPTED_OUT, role=Role.NONE)
    if kuberay.is_redis_cleanup(labels):
        return LeftAlone(code=Code.REDIS_CLEANUP)
    if kuberay.is_submitter(labels, pod):
        return LeftAlone(code=Code.SUBMITTER)
    found = kuberay.recognise(labels, pod)
    if found is not None:
        return _kuberay_role(found, written)
    warnings = _label_alone(labels)
    if written is not None:
        return _annotated_role(written, warnings)
    if default_role is None:
        return LeftAlone(code=Code.NO_ROLE, warnings=warnings)
    return _default_role(default_role, pod, warnings)


def _kuberay_role(found: KubeRayPod, written: str | None) -> RoleFound:
    warnings: tuple[DecisionWarning, ...] = ()
    if written is not None and written != found.role:
        text = f"annotation {contract.ROLE} is {quote(written)} on KubeRay's {found.role} pod; the label holds"
        warnings = (DecisionWarning(Code.ROLE_OVERRULED, text),)
    return RoleFound(
        role=found.role, source=RoleSource.KUBERAY, annotated=written is not None, kuberay=found, warnings=warnings
    )


def _label_alone(labels: Mapping[str, str | None]) -> tuple[DecisionWarning, ...]:
    role = kuberay.node_role(labels)
    if role is None:
        return ()
    text = (
        f"label {contract.KUBERAY_NODE_TYPE} is {quote(role)}, but no container has "
        f"{contract.KUBERAY_START_COMMAND}; the label is ignored"
    )
    return (DecisionWarning(Code.KUBERAY_LABEL_ALONE, text),)


def _annotated_role(written: str, warnings: tuple[DecisionWarning, ...]) -> RoleFound | AnnotationFault:
    try:
        role = Role(written)
    except ValueError:
        text = fault_text(contract.ROLE, written, ", ".join(Role), Code.BAD_ROLE.advice)
        return AnnotationFault(code=Code.BAD_ROLE, text=text)
    return RoleFound(role=role, source=RoleSource.ANNOTATION, annotated=True, warnings=warnings)


def _default_role(role: Role, pod: AnyPod, warnings: tuple[DecisionWarning, ...]) -> RoleFound | LeftAlone:
    starter = _ray_starter(pod)
    if starter is None:
        return RoleFound(role=role, source=RoleSource.NAMESPACE, annotated=False, warnings=warnings)
    text = f"container {quote(starter)} runs `ray start`, so it is no {role} by default; {Code.STARTS_RAY.advice}"
    return LeftAlone(code=Code.RAY_STARTER, warnings=(*warnings, DecisionWarning(Code.STARTS_RAY, text)))


def _ray_starter(pod: AnyPod) -> str | None:
    """The name of a container whose command line starts Ray itself."""
    for listed in (pod.spec.init_containers, pod.spec.containers, pod.spec.ephemeral_containers) if pod.spec else ():
        for container in listed or ():
            if isinstance(container, CommandedContainer):
                line = " ".join([*(container.command or ()), *(container.args or ())])
                if RAY_START.search(line):
                    return container.name
    return None
