"""Pods that the webhook missed, or that have not what they would get now: found by the rule book, told by workload.

Nothing is watched and nothing is written. Settings, targets and namespaces are listed once; then the pods come page by
page, and of each only what the rules read is decoded, so memory holds a page and what was found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from webhook.cluster.client import Api
from webhook.cluster.lists import Page, pages
from webhook.cluster.mending import Mend, mend_of
from webhook.cluster.owners import OwnerReference, Workload, controller_of, missing_of, owners_of
from webhook.cluster.reading import read
from webhook.errors import ClusterError, InputError, quote
from webhook.injection.decision import Deny, Inject
from webhook.injection.findings import FindingCode
from webhook.injection.reasons import DecisionWarning
from webhook.injection.review import parse_pod
from webhook.injection.routing import is_followed, route
from webhook.injection.settings import Settings
from webhook.injection.snapshot import Snapshot
from webhook.injection.standing import Difference, Standing, judge

PAGE: Final = 500
"""Objects of one page of a list; 500 pods are some 6 MB."""
_RUNNING: Final = {"fieldSelector": "status.phase!=Succeeded,status.phase!=Failed"}


class _Metadata(msgspec.Struct, rename="camel"):
    """Of an object's metadata what routing and grouping need."""

    name: str
    namespace: str = ""
    uid: str = ""
    labels: dict[str, str | None] | None = None
    annotations: dict[str, str | None] | None = None
    deletion_timestamp: str | None = None
    owner_references: list[OwnerReference] | None = None


class _Headed(msgspec.Struct):
    metadata: _Metadata


_HEADED: Final = msgspec.json.Decoder(_Headed)


@dataclass(kw_only=True, slots=True)
class Finding:
    """What is wrong with some pods of one workload.

    Attributes:
        text: what a new pod would be told, where it would be refused; else empty.
        differences: what the first of the pods would have otherwise.
    """

    code: FindingCode
    text: str
    pods: list[str]
    differences: tuple[Difference, ...]


@dataclass(kw_only=True, slots=True)
class Audited:
    """A workload about whose pods there is something to say.

    Attributes:
        notes: warnings, each with the number of pods; a pod may be all right and have some.
        is_missing: as of :func:`~webhook.cluster.mending.mend_of`.
        mend: what would mend the findings, where doing it anew does.
    """

    workload: Workload
    findings: dict[tuple[FindingCode, str], Finding] = field(default_factory=dict)
    notes: dict[DecisionWarning, int] = field(default_factory=dict)
    is_missing: bool = False

    @property
    def mend(self) -> Mend | None:
        """None where there is nothing to mend, or where new pods would be refused or no better."""
        codes = {finding.code for finding in self.findings.values()}
        is_helped = not codes.isdisjoint({FindingCode.MISSED, FindingCode.STALE})
        if not is_helped or FindingCode.WOULD_BE_REFUSED in codes:
            return None
        return mend_of(self.workload, is_missing=self.is_missing)

    def add(self, pod: str, standing: Standing) -> None:
        """Note what there is to say about a pod."""
        for warning in standing.decision.warnings:
            self.notes[warning] = self.notes.get(warning, 0) + 1
        found = _found(standing)
        if found is not None:
            finding = self.findings.setdefault(
                found, Finding(code=found[0], text=found[1], pods=[], differences=standing.differences)
            )
            finding.pods.append(pod)

    def join(self, other: Audited) -> None:
        """Take over what was noted of `other`, which belongs to the same workload."""
        for key, finding in other.findings.items():
            if key in self.findings:
                self.findings[key].pods += finding.pods
            else:
                self.findings[key] = finding
        for warning, count in other.notes.items():
            self.notes[warning] = self.notes.get(warning, 0) + count


def _found(standing: Standing) -> tuple[FindingCode, str] | None:
    if isinstance(standing.decision, Deny):
        return FindingCode.WOULD_BE_REFUSED, f"{standing.decision.code}: {standing.decision.message}"
    if not isinstance(standing.decision, Inject):
        return None
    if standing.late:
        return FindingCode.LATE_CONTAINER, ""
    return (FindingCode.STALE if standing.treated else FindingCode.MISSED), ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingsFinding:
    """A key of the settings that is broken, or has no effect."""

    code: FindingCode
    source: str
    key: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """What was found.

    Attributes:
        pods: how many were looked at; those that have ended or are being deleted do not count.
        concerned: how many of them the API server would send to the webhook.
        workloads: those with findings or notes, in order.
    """

    pods: int
    concerned: int
    workloads: tuple[Audited, ...]
    settings: tuple[SettingsFinding, ...]

    @property
    def is_fine(self) -> bool:
        """Whether nothing needs to be mended; notes and keys without effect are only told."""
        broken = any(finding.code is FindingCode.BROKEN_SETTINGS for finding in self.settings)
        return not broken and not any(audited.findings for audited in self.workloads)


def audit(
    api: Api, *, namespace: str | None, settings_names: Sequence[str], first: Snapshot, page: int = PAGE
) -> Audit:
    """Look at the pods of `namespace`, or at all.

    Args:
        settings_names, first: as of :class:`~webhook.cluster.source.ClusterSource`.

    Raises:
        ClusterError: a list could not be had, or is none of Kubernetes' API.
        InputError: there is no such namespace.
    """
    reading = read(api, settings_names=settings_names, first=first, page=page)
    auditor = _Auditor(reading.snapshot, _namespaces(api, namespace, page))
    path = f"/api/v1/namespaces/{namespace}/pods" if namespace else "/api/v1/pods"
    for answer in pages(api, path, _RUNNING, Page[msgspec.Raw], size=page):
        for raw in answer.items or ():
            auditor.look_at(raw)
    owners = owners_of(api, auditor.audited.keys(), namespace=namespace, page=page)
    joined = _joined(auditor.audited, owners)
    missing = missing_of(api, [one.workload for one in joined if one.findings], namespace=namespace, page=page)
    for one in joined:
        one.is_missing = one.workload in missing
    places = None if namespace is None else (namespace, first.webhook_namespace)
    concerning = [settings for place, settings in reading.settings if places is None or place in places]
    return Audit(
        pods=auditor.pods,
        concerned=auditor.concerned,
        workloads=tuple(joined),
        settings=tuple(finding for settings in concerning for finding in _settings_findings(settings)),
    )


def _namespaces(api: Api, namespace: str | None, page: int) -> dict[str, Mapping[str, str | None]]:
    """The labels of each namespace, or of the one."""
    selector = {"fieldSelector": f"metadata.name={namespace}"} if namespace else {}
    found: dict[str, Mapping[str, str | None]] = {
        item.metadata.name: item.metadata.labels or {}
        for answer in pages(api, "/api/v1/namespaces", selector, Page[_Headed], size=page)
        for item in answer.items or ()
    }
    if namespace and not found:
        raise InputError(f"the namespace {quote(namespace)} does not exist", fix="see kubectl get namespaces")
    return found


class _Auditor:
    """Looks at one pod after the other."""

    def __init__(self, snapshot: Snapshot, namespaces: Mapping[str, Mapping[str, str | None]]) -> None:
        self._snapshot = snapshot
        self._followed = {
            name: labels
            for name, labels in namespaces.items()
            if is_followed(name, labels, webhook_namespace=snapshot.webhook_namespace)
        }
        self.pods = 0
        self.concerned = 0
        self.audited: dict[Workload, Audited] = {}

    def look_at(self, raw: msgspec.Raw) -> None:
        """Judge a pod, and keep what there is to say about it."""
        try:
            metadata = _HEADED.decode(raw).metadata
            standing = self._judge(metadata, raw)
        except (msgspec.ValidationError, RecursionError) as error:
            raise ClusterError(
                f"the list of pods has not the form of Kubernetes' API ({quote(str(error), limit=300)[1:-1]})",
                fix="see what answers there in place of an API server",
            ) from None
        if standing is not None and (standing.decision.warnings or _found(standing)):
            workload = controller_of(metadata.namespace, metadata.owner_references) or _bare(metadata)
            self.audited.setdefault(workload, Audited(workload=workload)).add(metadata.name, standing)

    def _judge(self, metadata: _Metadata, raw: msgspec.Raw) -> Standing | None:
        if metadata.deletion_timestamp is not None:
            return None
        self.pods += 1
        namespace_labels = self._followed.get(metadata.namespace)
        if namespace_labels is None:
            return None
        sent = route(metadata.labels or {}, metadata.annotations or {}, namespace_labels=namespace_labels)
        if sent is None:
            return None
        self.concerned += 1
        pod = parse_pod(raw, commands=sent.default_role is not None)
        return judge(pod, namespace=metadata.namespace, snapshot=self._snapshot, default_role=sent.default_role)


def _bare(metadata: _Metadata) -> Workload:
    return Workload(namespace=metadata.namespace, kind="Pod", name=metadata.name, group="", uid=metadata.uid)


def _joined(audited: Mapping[Workload, Audited], owners: Mapping[Workload, Workload]) -> list[Audited]:
    """By the workloads that people know, in order."""
    joined: dict[Workload, Audited] = {}
    for workload, found in audited.items():
        owner = owners.get(workload, workload)
        joined.setdefault(owner, Audited(workload=owner)).join(found)
    return [joined[workload] for workload in sorted(joined)]


def _settings_findings(settings: Settings) -> Iterator[SettingsFinding]:
    for code, told in (
        (FindingCode.BROKEN_SETTINGS, settings.broken),
        (FindingCode.IGNORED_SETTING, settings.ignored),
    ):
        for key, text in told.items():
            yield SettingsFinding(code=code, source=settings.source, key=key, text=text)
