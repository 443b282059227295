"""Judges pods one after the other, and keeps of them what people need: by workload, counted in full, named in part.

What is kept does not grow with the number of pods: of a finding some names, of a workload some texts, and of workloads
as many as anybody can read. The numbers are exact all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from webhook.cluster.mending import Mend, mend_of
from webhook.cluster.owners import OwnerReference, Workload, controller_of
from webhook.cluster.reading import Reading
from webhook.errors import ClusterError, quote
from webhook.injection.decision import Deny, Inject
from webhook.injection.findings import FindingCode
from webhook.injection.reasons import DecisionWarning
from webhook.injection.review import parse_pod
from webhook.injection.routing import is_followed, route
from webhook.injection.standing import Difference, Standing, judge

MAX_WORKLOADS: Final = 10_000
"""Workloads that are told one by one, at some 5 KB each; pods of others are only counted."""
MAX_NAMES: Final = 20
"""Names of pods of one finding."""
MAX_TEXTS: Final = 20
"""Findings of one workload, or warnings, that differ in their text alone."""
MAX_DIFFERENCES: Final = 50
"""Variables of one pod of a finding."""

HELPED: Final = frozenset({FindingCode.MISSED, FindingCode.STALE, FindingCode.TAMPERED})
"""What is gone in pods that are created anew."""
DOUBTFUL: Final = frozenset({FindingCode.WOULD_BE_REFUSED, FindingCode.SETTINGS_UNREADABLE})
"""Where creating them anew may make it worse."""


class Metadata(msgspec.Struct, rename="camel"):
    """Of an object's metadata what routing and grouping need."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    labels: dict[str, str | None] | None = None
    annotations: dict[str, str | None] | None = None
    deletion_timestamp: str | None = None
    owner_references: list[OwnerReference] | None = None


class Headed(msgspec.Struct):
    """An object of which only the metadata is read."""

    metadata: Metadata


_HEADED: Final = msgspec.json.Decoder(Headed)


@dataclass(kw_only=True, slots=True)
class Finding:
    """What is wrong with some pods of one workload.

    Attributes:
        text: what a new pod would be told, where it would be refused; else empty.
        count: how many pods.
        pods: the names of the first of them.
        differences: what the first one would have otherwise.
    """

    code: FindingCode
    text: str
    count: int = 0
    pods: list[str] = field(default_factory=list)
    differences: tuple[Difference, ...] = ()

    def add(self, count: int, pods: Collection[str]) -> None:
        """Note further pods."""
        self.count += count
        self.pods += list(pods)[: MAX_NAMES - len(self.pods)]


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
        """None where there is nothing to mend, or where new pods would, or might, be refused or no better."""
        codes = {finding.code for finding in self.findings.values()}
        if codes.isdisjoint(HELPED) or not codes.isdisjoint(DOUBTFUL):
            return None
        return mend_of(self.workload, is_missing=self.is_missing)

    def add(self, pod: str, code: FindingCode | None, standing: Standing) -> None:
        """Note what there is to say about a pod; where its settings may not be read, nothing of theirs."""
        if code is FindingCode.SETTINGS_UNREADABLE:
            self._find(code, "", ()).add(1, [pod])
            return
        for warning in standing.decision.warnings:
            self._note(warning, 1)
        if code is not None:
            self._find(code, _text(standing), standing.differences[:MAX_DIFFERENCES]).add(1, [pod])

    def join(self, other: Audited) -> None:
        """Take over what was noted of `other`, which belongs to the same workload."""
        for finding in other.findings.values():
            self._find(finding.code, finding.text, finding.differences).add(finding.count, finding.pods)
        for warning, count in other.notes.items():
            self._note(warning, count)

    def _find(self, code: FindingCode, text: str, differences: tuple[Difference, ...]) -> Finding:
        key = (code, text if (code, text) in self.findings or len(self.findings) < MAX_TEXTS else "")
        return self.findings.setdefault(key, Finding(code=code, text=key[1], differences=differences))

    def _note(self, warning: DecisionWarning, count: int) -> None:
        if warning not in self.notes and len(self.notes) >= MAX_TEXTS:
            warning = DecisionWarning(warning.code, "further ones of this kind")
        self.notes[warning] = self.notes.get(warning, 0) + count


def code_of(standing: Standing) -> FindingCode | None:
    """What is wrong with a pod, or None."""
    if isinstance(standing.decision, Deny):
        return FindingCode.WOULD_BE_REFUSED
    if not isinstance(standing.decision, Inject):
        return None
    if standing.late:
        return FindingCode.LATE_CONTAINER
    if standing.tampered:
        return FindingCode.TAMPERED
    return FindingCode.STALE if standing.treated else FindingCode.MISSED


def _text(standing: Standing) -> str:
    decision = standing.decision
    return f"{decision.code}: {decision.message}" if isinstance(decision, Deny) else ""


class Auditor:
    """Looks at one pod after the other.

    Args:
        namespaces: the labels of each that pods may be of.
        controllers: where only pods with a controller of one of these UIDs count.

    Attributes:
        pods: how many were looked at; those that are being deleted do not count.
        concerned: how many of them the API server would send to the webhook.
        audited: those about which there is something to say, by the controller that the pods name.
        beyond: pods of further ones, by what is wrong with them.
    """

    def __init__(
        self,
        reading: Reading,
        namespaces: Mapping[str, Mapping[str, str | None]],
        *,
        controllers: Collection[str] | None = None,
    ) -> None:
        self._reading, self._snapshot = reading, reading.snapshot
        self._followed = {
            name: labels
            for name, labels in namespaces.items()
            if is_followed(name, labels, webhook_namespace=self._snapshot.webhook_namespace)
        }
        self._controllers = controllers
        self.pods = 0
        self.concerned = 0
        self.audited: dict[Workload, Audited] = {}
        self.beyond: Counter[FindingCode] = Counter()

    def look_at(self, raw: msgspec.Raw) -> None:
        """Judge a pod, and keep what there is to say about it.

        Raises:
            ClusterError: what the API server sent is no pod.
        """
        try:
            metadata = _HEADED.decode(raw).metadata
            owner = controller_of(metadata.namespace, metadata.owner_references)
            if metadata.deletion_timestamp is not None or not self._counts(owner):
                return
            standing = self._judge(metadata, raw)
        except (msgspec.ValidationError, RecursionError) as error:
            raise ClusterError(
                f"the list of pods has not the form of Kubernetes' API ({quote(str(error), limit=300)[1:-1]})",
                fix="see what answers there in place of an API server",
            ) from None
        if standing is not None:
            self._keep(owner or _bare(metadata), metadata.name, standing)

    def _counts(self, owner: Workload | None) -> bool:
        return self._controllers is None or (owner is not None and owner.uid in self._controllers)

    def _judge(self, metadata: Metadata, raw: msgspec.Raw) -> Standing | None:
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

    def _keep(self, workload: Workload, pod: str, standing: Standing) -> None:
        code = self._code(workload.namespace, standing)
        if code is None and not standing.decision.warnings:
            return
        if workload in self.audited or len(self.audited) < MAX_WORKLOADS:
            self.audited.setdefault(workload, Audited(workload=workload)).add(pod, code, standing)
        elif code is not None:
            self.beyond[code] += 1

    def _code(self, namespace: str, standing: Standing) -> FindingCode | None:
        is_open = self._reading.leaves_open(standing.decision, namespace)
        return FindingCode.SETTINGS_UNREADABLE if is_open else code_of(standing)


def _bare(metadata: Metadata) -> Workload:
    return Workload(namespace=metadata.namespace, kind="Pod", name=metadata.name, group="", uid=metadata.uid)
