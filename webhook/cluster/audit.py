"""Pods that the webhook missed, or that have not what they would get now: found by the rule book, told by workload.

Nothing is watched and nothing is written. Settings, targets and namespaces are listed once; then the pods come page by
page, and of each only what the rules read is decoded, so memory holds a page and what was found
(:mod:`webhook.cluster.auditor`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import msgspec

from webhook.cluster.auditor import Audited, Auditor, Headed
from webhook.cluster.client import Api
from webhook.cluster.lists import Page, pages
from webhook.cluster.owners import Owners, Workload, controllers_of
from webhook.cluster.reading import Reading, read
from webhook.errors import ClusterError, InputError, quote
from webhook.injection.findings import FindingCode
from webhook.injection.settings import Settings
from webhook.injection.snapshot import Snapshot

PAGE: Final = 500
"""Objects of one page of a list; 500 pods are some 6 MB."""
_NOT_WRONG: Final = {FindingCode.LATE_CONTAINER, FindingCode.SETTINGS_UNREADABLE}
_RUNNING: Final = {"fieldSelector": "status.phase!=Succeeded,status.phase!=Failed"}


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
        beyond: pods of further workloads, by what is wrong with them.
        unseen: what may not be read and what that means, for people.
    """

    pods: int
    concerned: int
    workloads: tuple[Audited, ...]
    settings: tuple[SettingsFinding, ...] = ()
    beyond: Mapping[FindingCode, int]
    unseen: tuple[str, ...] = ()

    @property
    def is_fine(self) -> bool:
        """Whether nothing needs to be mended; notes and keys without effect are only told."""
        broken = any(finding.code is FindingCode.BROKEN_SETTINGS for finding in self.settings)
        return not broken and not self.counts

    @property
    def counts(self) -> Counter[FindingCode]:
        """How many pods there are of each finding."""
        counts = Counter(self.beyond)
        for audited in self.workloads:
            for finding in audited.findings.values():
                counts[finding.code] += finding.count
        return counts

    @property
    def wrong(self) -> dict[FindingCode, int]:
        """What creating pods anew is to mend, or what it would make worse."""
        return {code: count for code, count in self.counts.items() if code not in _NOT_WRONG}


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
    reading = read(api, settings_names=settings_names, first=first, page=page, place=namespace)
    labels, unseen = _labels(api, namespace, page)
    auditor = Auditor(reading, labels)
    _look_at_pods(api, auditor, namespace, "", page)
    found = Owners(api, namespace=namespace, page=page)
    joined = _joined(auditor.audited, found.owners_of(auditor.audited.keys()))
    missing = found.missing_of([one.workload for one in joined if one.findings])
    for one in joined:
        one.is_missing = one.workload in missing
    places = None if namespace is None else (namespace, first.webhook_namespace)
    concerning = [settings for place, settings in reading.settings if places is None or place in places]
    return Audit(
        pods=auditor.pods,
        concerned=auditor.concerned,
        workloads=tuple(joined),
        settings=tuple(finding for settings in concerning for finding in _settings_findings(settings)),
        beyond=auditor.beyond,
        unseen=(*reading.unseen, *unseen, *found.unseen),
    )


def _labels(api: Api, namespace: str | None, page: int) -> tuple[dict[str, Mapping[str, str | None]], tuple[str, ...]]:
    """The labels of the namespaces, and what may not be read of them."""
    try:
        return namespaces(api, namespace, page=page), ()
    except ClusterError as error:
        if namespace is None or error.status != HTTPStatus.FORBIDDEN:
            raise
    unseen = f"namespaces, nor get {namespace}: it is taken to have none of our labels"
    return {namespace: {}}, (unseen,)


def audit_workload(
    api: Api,
    workload: Workload,
    *,
    labels: str = "",
    reading: Reading,
    page: int = PAGE,
) -> Audit:
    """Look at the pods of one workload, which the API server has; errors as of :func:`audit`.

    Args:
        labels: a label selector that its pods meet, so that others need not be listed.
        reading: what the rules know.
    """
    auditor = Auditor(
        reading,
        namespaces(api, workload.namespace, page=page),
        controllers=controllers_of(api, workload, page=page),
    )
    _look_at_pods(api, auditor, workload.namespace, labels, page)
    joined = _joined(auditor.audited, dict.fromkeys(auditor.audited, workload))
    return Audit(pods=auditor.pods, concerned=auditor.concerned, workloads=tuple(joined), beyond=auditor.beyond)


def _look_at_pods(api: Api, auditor: Auditor, namespace: str | None, labels: str, page: int) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods" if namespace else "/api/v1/pods"
    selector = {**_RUNNING, **({"labelSelector": labels} if labels else {})}
    for answer in pages(api, path, selector, Page[msgspec.Raw], size=page, may_change=True):
        for raw in answer.items or ():
            auditor.look_at(raw)


def namespaces(api: Api, namespace: str | None, *, page: int) -> dict[str, Mapping[str, str | None]]:
    """The labels of each namespace, or of the one; errors as of :func:`audit`.

    The one is listed, as the component audit may, or asked for by its name, as who works in it may.
    """
    selector = {"fieldSelector": f"metadata.name={namespace}"} if namespace else {}
    try:
        answers = pages(api, "/api/v1/namespaces", selector, Page[Headed], size=page, may_change=True)
        listed = [item for answer in answers for item in answer.items or ()]
    except ClusterError as error:
        if namespace is None or error.status != HTTPStatus.FORBIDDEN:
            raise
        listed = [api.get(f"/api/v1/namespaces/{namespace}", {}, Headed)]
    if namespace and not listed:
        raise InputError(f"the namespace {quote(namespace)} does not exist", fix="see kubectl get namespaces")
    return {item.metadata.name: item.metadata.labels or {} for item in listed}


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
