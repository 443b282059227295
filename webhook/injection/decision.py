"""The decision about one pod: the rule book, called by the server, the command line, the console and the audit alike.

Pure: the review's fields and what is known go in, a value comes out. No clock, no I/O, no logging.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from webhook import __version__, contract
from webhook.contract import OnConflict, Role
from webhook.errors import quote
from webhook.injection import kuberay
from webhook.injection.annotations import AnnotationFault, Annotations, parse_annotations
from webhook.injection.connection import Connection, resolve
from webhook.injection.environment import Operation
from webhook.injection.patch import content_hash, is_applicable, status_operation
from webhook.injection.reasons import Code, DecisionWarning
from webhook.injection.review import (
    AdmissionRequest,
    AnyPod,
    Pod,
    PodHead,
    is_about_pods,
    is_creation,
    parse_pod,
    parse_pod_head,
)
from webhook.injection.role import LeftAlone, RoleFound, RoleSource, find_role
from webhook.injection.selection import select
from webhook.injection.snapshot import Reference, Snapshot, TargetKind
from webhook.injection.treatment import Plan, Treated, conflict_text

EPHEMERAL_SUBRESOURCE = "ephemeralcontainers"


class Inject(msgspec.Struct, frozen=True, kw_only=True):
    """The pod is patched.

    Attributes:
        source: the level that gave the connection; None where only a KubeRay pod's address is mended.
        operations: JSON Patch operations that were proven to apply.
        treated: what was decided for each selected container.
    """

    code: Code
    role: Role
    role_source: RoleSource
    source: str | None
    operations: tuple[Operation, ...]
    treated: tuple[Treated, ...]
    warnings: tuple[DecisionWarning, ...] = ()


class Skip(msgspec.Struct, frozen=True, kw_only=True):
    """The pod is allowed as it is; the attributes are those of :class:`Inject`, as far as it came to them."""

    code: Code
    role: Role | None = None
    role_source: RoleSource | None = None
    source: str | None = None
    treated: tuple[Treated, ...] = ()
    warnings: tuple[DecisionWarning, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Deny:
    """The pod is refused; ``message`` names the annotation or key, its value, what is allowed and the fix."""

    code: Code
    message: str
    role: Role | None = None
    warnings: tuple[DecisionWarning, ...] = ()


Decision = Inject | Skip | Deny


def decide(request: AdmissionRequest, snapshot: Snapshot, *, default_role: Role | None) -> Decision:
    """Decide about the pod of an admission request; never raises for what a pod may contain.

    Args:
        default_role: the namespace's default role, which the request's path tells.
    """
    is_ephemeral = request.sub_resource == EPHEMERAL_SUBRESOURCE
    if not _is_looked_at(request, is_ephemeral=is_ephemeral):
        return Skip(code=Code.OTHER_REQUEST)
    namespace = request.namespace or ""
    try:
        existing = _existing(request) if is_ephemeral else None
        pod = parse_pod(request.object, commands=default_role is not None)
    except msgspec.ValidationError as error:
        return _malformed(request, str(error), snapshot, default_role=default_role)
    return decide_pod(pod, namespace=namespace, snapshot=snapshot, default_role=default_role, existing=existing)


def _is_looked_at(request: AdmissionRequest, *, is_ephemeral: bool) -> bool:
    if is_ephemeral:
        return request.operation == "UPDATE" and is_about_pods(request)
    return is_creation(request)


def _existing(request: AdmissionRequest) -> frozenset[str]:
    """The ephemeral containers that are there already."""
    if bytes(request.old_object) == b"null":
        raise msgspec.ValidationError("oldObject is missing")
    spec = parse_pod(request.old_object, commands=False).spec
    return frozenset(container.name for container in (spec.ephemeral_containers if spec else None) or ())


def decide_pod(
    pod: AnyPod,
    *,
    namespace: str,
    snapshot: Snapshot,
    default_role: Role | None = None,
    existing: frozenset[str] | None = None,
) -> Decision:
    """Decide about a pod that was decoded; see :func:`decide`.

    Args:
        existing: on pods/ephemeralcontainers the ephemeral containers that are there already, else None.
    """
    labels, annotations = _maps(pod)
    excluded = _excluded(annotations, namespace, snapshot)
    if excluded is not None:
        return Skip(code=excluded)
    found = find_role(labels, annotations, pod, default_role=default_role)
    if isinstance(found, LeftAlone):
        return Skip(code=found.code, role=found.role, warnings=found.warnings)
    if isinstance(found, AnnotationFault):
        decision: Decision = Deny(code=found.code, message=found.text)
    else:
        decision = _decide_role(pod, found, namespace, snapshot, existing)
    return _only_told(decision) if isinstance(decision, Deny) and existing is not None else decision


def _maps(pod: PodHead) -> tuple[Mapping[str, str | None], Mapping[str, str | None]]:
    meta = pod.metadata
    return (meta.labels or {}, meta.annotations or {}) if meta else ({}, {})


def _excluded(annotations: Mapping[str, str | None], namespace: str, snapshot: Snapshot) -> Code | None:
    if namespace in contract.SYSTEM_NAMESPACES or namespace == snapshot.webhook_namespace:
        return Code.EXCLUDED_NAMESPACE
    return Code.MIRROR_POD if annotations.get(contract.MIRROR_POD) is not None else None


def _only_told(denial: Deny) -> Skip:
    """On pods/ephemeralcontainers a denial is a warning."""
    told = DecisionWarning(Code.WOULD_BE_DENIED, f"{denial.code}: {denial.message}")
    return Skip(code=Code.EPHEMERAL_REFUSAL, role=denial.role, warnings=(*denial.warnings, told))


def _malformed(request: AdmissionRequest, fault: str, snapshot: Snapshot, *, default_role: Role | None) -> Skip:
    """A pod with a field of a wrong type is left alone, and told unless it would be left alone anyway."""
    try:
        head = parse_pod_head(request.object)
    except msgspec.ValidationError:
        head = None
    anyway = _left_alone_anyway(head, request.namespace or "", snapshot, default_role) if head else None
    if anyway is not None:
        return anyway
    text = f"pod: {fault}; the pod was left as it is"
    return Skip(code=Code.MALFORMED_POD, warnings=(DecisionWarning(Code.MALFORMED, text),))


def _left_alone_anyway(head: PodHead, namespace: str, snapshot: Snapshot, default_role: Role | None) -> Skip | None:
    """The decision where the metadata alone shows that the pod is none of the webhook's business."""
    labels, annotations = _maps(head)
    excluded = _excluded(annotations, namespace, snapshot)
    if excluded is not None:
        return Skip(code=excluded)
    if kuberay.node_role(labels) is not None and annotations.get(contract.ROLE) != Role.NONE:
        return None
    left = find_role(labels, annotations, Pod(), default_role=default_role)
    return Skip(code=left.code, role=left.role) if isinstance(left, LeftAlone) else None


def _decide_role(
    pod: AnyPod, found: RoleFound, namespace: str, snapshot: Snapshot, existing: frozenset[str] | None
) -> Decision:
    _, annotations = _maps(pod)
    written = parse_annotations(annotations, namespace=namespace)
    denial = None if found.kuberay else _annotation_denial(written, namespace, snapshot)
    if denial is not None:
        return Deny(code=denial.code, message=denial.text, role=found.role, warnings=found.warnings)
    connection = _connection(found, written, namespace, snapshot)
    broken = _broken_keys(found, connection)
    if broken and found.role is Role.CLIENT:
        text = f"{'; '.join(broken)}; {Code.BROKEN_SETTINGS.advice}"
        return Deny(code=Code.BROKEN_SETTINGS, message=text, role=found.role, warnings=found.warnings)
    warnings = [*found.warnings, *_ignored(found, written, annotations)]
    warnings += [DecisionWarning(Code.SETTINGS_KEY_BROKEN, text) for text in broken]
    selection = select(pod, found, written, existing=existing)
    plan = _plan(found, written, connection, namespace)
    treated = plan.treat(selection.selected)
    warnings += [*selection.warnings, *plan.warnings(treated, namespace)]
    conflict = conflict_text(treated)
    if conflict is not None:
        return Deny(code=Code.CONFLICT, message=conflict, role=found.role, warnings=tuple(warnings))
    return _finish(pod, found, connection, treated, warnings, is_creation=existing is None)


def _annotation_denial(written: Annotations, namespace: str, snapshot: Snapshot) -> AnnotationFault | None:
    if written.faults:
        return written.faults[0]
    reference = written.reference
    if reference is None or snapshot.allows(namespace, reference):
        return None
    key = contract.CLUSTER if reference.kind is TargetKind.CLUSTER else contract.SERVICE
    text = (
        f"annotation {key} is {quote(f'{reference.namespace}/{reference.name}')}; allowed for a pod of "
        f"{quote(namespace)}: its own namespace, and what {contract.RAY_ALLOWED_REFERENCES} opens to it; "
        f"{Code.REFERENCE_NOT_ALLOWED.advice}"
    )
    return AnnotationFault(code=Code.REFERENCE_NOT_ALLOWED, text=text)


def _connection(found: RoleFound, written: Annotations, namespace: str, snapshot: Snapshot) -> Connection:
    reference, head_host = written.reference, None
    if found.kuberay is not None:
        cluster = found.kuberay.cluster
        reference = Reference(kind=TargetKind.CLUSTER, namespace=namespace, name=cluster) if cluster else None
        head_host = found.kuberay.head_host
    return resolve(snapshot, namespace, reference=reference, head_host=head_host, ray_namespace=written.ray_namespace)


def _broken_keys(found: RoleFound, connection: Connection) -> list[str]:
    """What is wrong with the keys that this pod needs; a KubeRay pod that did not opt in needs none."""
    if not connection.broken or (found.kuberay and not found.annotated):
        return []
    is_node = found.role is not Role.CLIENT and not found.kuberay
    unneeded = (contract.RAY_PORT, *contract.AUTH_KEYS) if is_node else ()
    return [text for key, text in connection.broken.items() if key not in unneeded]


def _ignored(found: RoleFound, written: Annotations, annotations: Mapping[str, str | None]) -> list[DecisionWarning]:
    """On a KubeRay pod bad annotations are only told, and so are cluster and service."""
    if found.kuberay is None:
        return []
    warnings = [
        DecisionWarning(Code.ANNOTATION_IGNORED, f"{fault.text} (ignored: the pod is KubeRay's)")
        for fault in written.faults
    ]
    for key in (contract.CLUSTER, contract.SERVICE):
        value = annotations.get(key)
        if value is not None:
            text = f"annotation {key} is {quote(value)}, ignored: a KubeRay pod belongs to its own RayCluster"
            warnings.append(DecisionWarning(Code.ANNOTATION_IGNORED, text))
    return warnings


def _plan(found: RoleFound, written: Annotations, connection: Connection, namespace: str) -> Plan:
    default = OnConflict.KEEP if found.source is RoleSource.NAMESPACE else OnConflict.OVERRIDE
    token = connection.token
    return Plan(
        role=found.role,
        connection=connection,
        connect=written.connect,
        mode=written.on_conflict or default,
        token=token if token and token.namespace in (None, namespace) else None,
        kuberay=found.kuberay,
    )


def _finish(
    pod: AnyPod,
    found: RoleFound,
    connection: Connection,
    treated: list[Treated],
    warnings: list[DecisionWarning],
    *,
    is_creation: bool,
) -> Decision:
    operations = [operation for item in treated for operation in item.edit.operations]
    opted_in = found.kuberay is None or found.annotated
    source = connection.source if opted_in else None
    if not operations:
        code = Code.ALREADY_RIGHT if treated else Code.NOTHING_SELECTED
        return Skip(
            code=code,
            role=found.role,
            role_source=found.source,
            source=source,
            treated=tuple(treated),
            warnings=tuple(warnings),
        )
    code = _injected_code(found)
    if is_creation:
        operations += _status(pod, found.role, code, source, operations, warnings)
    if not is_applicable(pod, operations):
        text = "the patch might not apply, so the pod was left as it is"
        return Skip(code=Code.PATCH_REFUSED, role=found.role, warnings=(DecisionWarning(Code.PATCH_REFUSED, text),))
    return Inject(
        code=code,
        role=found.role,
        role_source=found.source,
        source=source,
        operations=tuple(operations),
        treated=tuple(treated),
        warnings=tuple(warnings),
    )


def _injected_code(found: RoleFound) -> Code:
    if found.kuberay is not None:
        return Code.KUBERAY if found.annotated else Code.KUBERAY_MENDED
    return {Role.CLIENT: Code.CLIENT, Role.HEAD: Code.HEAD}.get(found.role, Code.WORKER)


def _status(
    pod: AnyPod,
    role: Role,
    code: Code,
    source: str | None,
    operations: list[Operation],
    warnings: list[DecisionWarning],
) -> list[Operation]:
    record = {
        "role": role,
        "code": code,
        "warnings": sorted({warning.code.value for warning in warnings}) if warnings else (),
        "source": source,
        "hash": content_hash(operations),
        "version": __version__,
    }
    operation = status_operation(pod, record)
    return [operation] if operation else []
