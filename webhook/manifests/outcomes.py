"""What becomes of each pod template of a text, for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from webhook.contract import Role
from webhook.injection.codes import ReasonCode
from webhook.injection.findings import InjectCode
from webhook.injection.snapshot import Snapshot
from webhook.manifests.layout import start_of
from webhook.manifests.source import Source, node_at
from webhook.manifests.workloads import Workload, workloads_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What is known beside the manifests: as for the service, and what they leave out.

    Attributes:
        namespace: of manifests that name none.
        is_assumed: whether that is but a guess.
        default_role: of pods without a role, as a namespace's label gives it.
    """

    snapshot: Snapshot
    namespace: str
    is_assumed: bool = False
    default_role: Role | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one pod template.

    Attributes:
        title, line: the workload, and the line on which its template began.
        detail: what there is to say beside the code's own words; may be empty.
        failed: whether it is not as the user asked.
    """

    title: str
    line: int
    code: ReasonCode
    detail: str = ""
    warnings: tuple[str, ...] = ()
    failed: bool = False
    changed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """A text after the command, and what became of its templates."""

    text: str
    outcomes: tuple[Outcome, ...]


def templates(source: Source) -> Iterator[tuple[int, Workload]]:
    """Each pod template with the index of its document."""
    for at, document in enumerate(source.documents):
        for workload in workloads_of(document.value):
            yield at, workload


def line_of(source: Source, at: int, workload: Workload) -> int:
    """The line on which the template begins."""
    return source.place(start_of(node_at(source.documents[at].root, workload.path)))[0]


def shared(outcome: Outcome) -> Outcome:
    """The outcome where the change could not be carried out."""
    code = InjectCode.SHARED
    return Outcome(title=outcome.title, line=outcome.line, code=code, detail=code.advice, failed=True)
