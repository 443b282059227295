"""What happens to the pods of a text of manifests, or of recorded AdmissionReviews, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from webhook.errors import InputError, RequestError, escape
from webhook.injection.decision import decide
from webhook.injection.review import AdmissionRequest, parse_review
from webhook.manifests.decisions import names_no_cluster, targets_of
from webhook.manifests.documents import Document, parse_documents
from webhook.manifests.explanation import Explained, explain_new, explain_unnamed, hints, influences
from webhook.manifests.influences import ReadConfigMap, runtime_influences
from webhook.manifests.keys import misplaced_hints, pod_hints
from webhook.manifests.outcomes import Given
from webhook.manifests.reviews import review_of
from webhook.manifests.workloads import KINDS, value_at, workloads_of


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplainedPod:
    """A pod of the text as it would be created, and its explanation, in the shape of the JSON output."""

    pod: Document
    explained: Explained


def explain_text(
    text: str, given: Given, *, source: str, check: Callable[[Sequence[Document]], None] = lambda _pods: None
) -> list[ExplainedPod]:
    """What happens to each pod template in `text`, which errors call `source`.

    What `given` knows of RayClusters and RayServices is joined by those of the text. `check` is shown the pods before
    they are decided about, and may raise.

    Raises:
        InputError: it cannot be read, or has no pod in it.
    """
    documents = parse_documents(text, source=source)
    targets = {**given.snapshot.targets, **targets_of(documents, namespace=given.namespace)}
    given = replace(given, snapshot=replace(given.snapshot, targets=targets))
    read = _ConfigMaps(documents, given.namespace)
    found = list(_reviews(documents, given.namespace))
    if not found:
        kinds = ", ".join((*KINDS, "AdmissionReview"))
        raise InputError(f"{source} has no pod in it", allowed=kinds, fix="give one")
    check([asked.pod for asked in found])
    return [_explain(asked, given, read, source) for asked in found]


class _ConfigMaps:
    """Those of the manifests, which are all that is known of a cluster here."""

    def __init__(self, documents: Sequence[Document], namespace: str) -> None:
        self._found = {
            (
                str(value_at(item, ("metadata", "namespace")) or namespace),
                str(value_at(item, ("metadata", "name"))),
            ): item
            for item in documents
            if item["kind"] == "ConfigMap"
        }

    def of(self, namespace: str) -> ReadConfigMap:
        """How to read those of a namespace."""

        def read(name: str) -> Mapping[str, Any] | str:
            found = self._found.get((namespace, name))
            data = value_at(found, ("data",))
            if isinstance(data, dict):
                return data
            return "it is in none of the manifests" if found is None else {}

        return read


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """A pod template: a name for people, its review, the document; `is_unnamed` where its cluster has no name yet."""

    name: str
    review: Document
    document: Document
    is_unnamed: bool = False

    @property
    def pod(self) -> Document:
        """The pod as it would be created."""
        return value_at(self.review, ("request", "object")) or {}


def _reviews(documents: Sequence[Document], namespace: str) -> Iterator[_Asked]:
    for number, document in enumerate(documents, start=1):
        if document["kind"] == "AdmissionReview":
            yield _Asked(name=f"AdmissionReview {number}", review=document, document=document)
            continue
        for workload in workloads_of(document):
            yield _Asked(
                name=workload.title(namespace),
                review=review_of(workload, namespace=workload.namespace or namespace, uid="explain"),
                document=document,
                is_unnamed=names_no_cluster(workload),
            )


def _explain(asked: _Asked, given: Given, config_maps: _ConfigMaps, source: str) -> ExplainedPod:
    pod = asked.pod
    brought_in = influences(runtime_influences(asked.document))
    if asked.is_unnamed:
        return ExplainedPod(pod=pod, explained={**explain_unnamed(asked.name), "mayBringIn": brought_in, "hints": []})
    request = _request(asked, source)
    decision = decide(request, given.snapshot, default_role=given.default_role)
    title = " ".join(asked.name.split()[:2])
    is_recorded = asked.document is asked.review
    found = [] if is_recorded else [*misplaced_hints(title, asked.document, [pod])]
    return ExplainedPod(
        pod=pod,
        explained={
            **explain_new(asked.name, pod, decision, config_maps.of(request.namespace or "default")),
            "mayBringIn": brought_in,
            "hints": hints([*found, *pod_hints(pod)]),
        },
    )


def _request(asked: _Asked, source: str) -> AdmissionRequest:
    """The request of the review, which is the user's own if it was recorded."""
    try:
        return parse_review(msgspec.json.encode(asked.review))
    except RequestError as error:
        problem = error.message.removesuffix(f"; {error.fix}")
        raise InputError(f"{source} has no usable {escape(asked.name)}, {problem}", fix=error.fix) from None
