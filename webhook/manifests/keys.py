"""Keys of ours where they do nothing: on the wrong object, as a label, or misspelt."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from webhook import contract
from webhook.contract import Role
from webhook.errors import quote
from webhook.injection.codes import ReasonCode
from webhook.injection.findings import ManifestCode
from webhook.manifests.documents import Document
from webhook.manifests.workloads import Path, value_at

NAMESPACE_LABELS: Final[Mapping[str, str]] = {
    contract.DEFAULT_ROLE: Role.CLIENT.value,
    contract.INJECTION: contract.DISABLED,
}
"""A namespace's labels, and the one value of each that does something."""
LIKENESS: Final = 0.7
"""Of a misspelt word and the right one, by difflib's ratio: one letter of four, two of seven."""
_ALIKE: Final = 0.9
"""Of another's whole key and ours, so that it is taken for a misspelt one."""
_PLACES: Final[Sequence[Path]] = ((), ("spec", "jobTemplate"))
"""Where a workload has metadata that its pods do not get."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hint:
    """Something that does not do what somebody may have meant; `fix` says what does."""

    code: ReasonCode
    text: str
    fix: str


def pod_hints(pod: Document) -> Iterator[Hint]:
    """Unknown keys of ours on a pod or a pod template."""
    for key, likely in strange(_metadata(pod, "annotations")):
        if key == contract.STATUS:
            continue
        fix = f"did you mean {likely}?" if likely else ManifestCode.UNKNOWN_KEY.advice
        yield Hint(code=ManifestCode.UNKNOWN_KEY, text=f"annotation {quote(key)} is none of ours", fix=fix)
    for key in ours(_metadata(pod, "labels")):
        fix = "write it as an annotation" if key in contract.ANNOTATIONS else ManifestCode.UNKNOWN_KEY.advice
        yield Hint(code=ManifestCode.UNKNOWN_KEY, text=f"label {quote(key)} does nothing on a pod", fix=fix)


def misplaced_hints(name: str, document: Document, templates: Sequence[Document]) -> Iterator[Hint]:
    """Keys of ours on the object called `name` itself, which its pods do not get."""
    heard = {key for template in templates for key in _metadata(template, "annotations")}
    for place, field, key in misplaced(document, {*heard, contract.STATUS}):
        where = f"the job template of {name}" if place else f"{name} itself"
        text = f"{field[:-1]} {quote(key)} stands on {where}, which its pods do not get"
        yield Hint(code=ManifestCode.MISPLACED, text=text, fix=ManifestCode.MISPLACED.advice)


def namespace_hints(name: str, document: Document) -> Iterator[Hint]:
    """Keys of ours on a Namespace that do nothing there."""
    labels = _metadata(document, "labels")
    for key in ours(labels):
        value, allowed = labels[key], NAMESPACE_LABELS.get(key)
        if value == allowed:
            continue
        likely = None if allowed else meant(key, NAMESPACE_LABELS)
        fix = f"set it to {allowed}" if allowed else f"did you mean {likely}?" if likely else "take it off"
        text = f"label {quote(key)} of namespace {name} is {quote(str(value))}, which does nothing"
        yield Hint(code=ManifestCode.IDLE_LABEL if allowed else ManifestCode.UNKNOWN_KEY, text=text, fix=fix)
    for key in ours(_metadata(document, "annotations")):
        fix = "label the namespace instead" if key in NAMESPACE_LABELS else "annotate pod templates instead"
        text = f"annotation {quote(key)} does nothing on the namespace {name}"
        yield Hint(code=ManifestCode.UNKNOWN_KEY, text=text, fix=fix)


def strange(annotations: object) -> Iterator[tuple[str, str | None]]:
    """Keys that are ours and unknown, or look like ours, with the one that is meant."""
    for key in annotations if isinstance(annotations, dict) else ():
        if key not in contract.ANNOTATIONS:
            likely = meant(key, contract.ANNOTATIONS)
            if likely or key.startswith(contract.PREFIX):
                yield key, likely


def meant(key: str, known: Iterable[str]) -> str | None:
    """Which of our `known` keys somebody may have meant with `key`."""
    if not key.startswith(contract.PREFIX):
        return next(iter(get_close_matches(key.lower(), known, n=1, cutoff=_ALIKE)), None)
    names = {other.removeprefix(contract.PREFIX): other for other in known}
    found = get_close_matches(key.removeprefix(contract.PREFIX).lower(), names, n=1, cutoff=LIKENESS)
    return names[found[0]] if found else None


def misplaced(document: object, heard: Collection[str]) -> Iterator[tuple[Path, str, str]]:
    """Keys of ours on a workload itself or on the job of a CronJob, but for those `heard` of: path, field and key."""
    for place in _PLACES:
        for field in ("annotations", "labels"):
            found = ours(value_at(document, (*place, "metadata", field)))
            yield from ((place, field, key) for key in found if key not in heard)


def ours(written: object) -> list[str]:
    """The keys that begin as ours do."""
    return [key for key in written if key.startswith(contract.PREFIX)] if isinstance(written, dict) else []


def _metadata(document: Any, field: str) -> dict[str, Any]:
    found = value_at(document, ("metadata", field))
    return found if isinstance(found, dict) else {}
