"""Keys of ours where they do nothing: on the wrong object, as a label, or misspelt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from webhook import contract
from webhook.contract import Role
from webhook.errors import quote
from webhook.injection.codes import ReasonCode
from webhook.injection.findings import ManifestCode
from webhook.manifests.documents import Document
from webhook.manifests.workloads import value_at

KEYS: Final = (
    contract.ROLE,
    contract.CLUSTER,
    contract.SERVICE,
    contract.CONNECT,
    contract.RAY_NAMESPACE_ANNOTATION,
    contract.CONTAINERS,
    contract.SKIP_CONTAINERS,
    contract.ON_CONFLICT,
)
"""The annotations that users write."""
NAMESPACE_LABELS: Final[Mapping[str, str]] = {
    contract.DEFAULT_ROLE: Role.CLIENT.value,
    contract.INJECTION: contract.DISABLED,
}
"""A namespace's labels, and the one value of each that does something."""
_LIKENESS: Final = 0.8
_ALIKE: Final = 0.9
"""Of a key with another prefix, which may be somebody else's."""
_PLACES: Final = ((), ("spec", "jobTemplate"))
"""Where a workload has metadata that its pods do not get."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hint:
    """Something that does not do what somebody may have meant; `fix` says what does."""

    code: ReasonCode
    text: str
    fix: str


def pod_hints(pod: Document) -> Iterator[Hint]:
    """Unknown keys of ours on a pod or a pod template."""
    for key, meant in _strange(_metadata(pod, "annotations")):
        fix = f"did you mean {meant}?" if meant else ManifestCode.UNKNOWN_KEY.advice
        yield Hint(code=ManifestCode.UNKNOWN_KEY, text=f"annotation {quote(key)} is none of ours", fix=fix)
    for key in _ours(_metadata(pod, "labels")):
        fix = "write it as an annotation" if key in KEYS else ManifestCode.UNKNOWN_KEY.advice
        yield Hint(code=ManifestCode.UNKNOWN_KEY, text=f"label {quote(key)} does nothing on a pod", fix=fix)


def misplaced_hints(name: str, document: Document, templates: Sequence[Document]) -> Iterator[Hint]:
    """Keys of ours on the object called `name` itself, which its pods do not get."""
    heard = {key for template in templates for key in _metadata(template, "annotations")}
    for place in _PLACES:
        for field in ("annotations", "labels"):
            for key in _ours(_metadata(value_at(document, place), field)):
                if key not in heard and key != contract.STATUS:
                    where = f"{name} itself" if not place else f"the job template of {name}"
                    text = f"{field[:-1]} {quote(key)} stands on {where}, which its pods do not get"
                    yield Hint(code=ManifestCode.MISPLACED, text=text, fix=ManifestCode.MISPLACED.advice)


def namespace_hints(name: str, document: Document) -> Iterator[Hint]:
    """Keys of ours on a Namespace that do nothing there."""
    labels = _metadata(document, "labels")
    for key in _ours(labels):
        value, allowed = labels[key], NAMESPACE_LABELS.get(key)
        if value != allowed:
            meant = get_close_matches(key, NAMESPACE_LABELS, n=1, cutoff=_LIKENESS)
            fix = f"set it to {allowed}" if allowed else f"did you mean {meant[0]}?" if meant else "take it off"
            text = f"label {quote(key)} of namespace {name} is {quote(str(value))}, which does nothing"
            yield Hint(code=ManifestCode.IDLE_LABEL, text=text, fix=fix)
    for key in _ours(_metadata(document, "annotations")):
        fix = "label the namespace instead" if key in NAMESPACE_LABELS else "annotate pod templates instead"
        text = f"annotation {quote(key)} does nothing on the namespace {name}"
        yield Hint(code=ManifestCode.IDLE_LABEL, text=text, fix=fix)


def _strange(annotations: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Keys that are ours and unknown, or look like ours, with the one that is meant."""
    for key in annotations:
        if key in KEYS or key == contract.STATUS:
            continue
        is_ours = key.startswith(contract.PREFIX)
        meant = get_close_matches(key.lower(), KEYS, n=1, cutoff=_LIKENESS if is_ours else _ALIKE)
        if is_ours or meant:
            yield key, meant[0] if meant else None


def _ours(written: Mapping[str, Any]) -> list[str]:
    return [key for key in written if key.startswith(contract.PREFIX)]


def _metadata(document: Any, field: str) -> dict[str, Any]:
    found = value_at(document, ("metadata", field))
    return found if isinstance(found, dict) else {}
