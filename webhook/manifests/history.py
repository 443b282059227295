"""What a pod tells of its own past: why it has not what it would get today. Told, and never trusted."""

from __future__ import annotations

from typing import Any

import msgspec

from webhook import contract
from webhook.injection.findings import FindingCode
from webhook.manifests.documents import Document
from webhook.manifests.workloads import value_at


def why(pod: Document, code: FindingCode | None, *, installed: str | None, by_policy: bool = False) -> str:
    """Why the pod has not what it would get today, as far as that can be told.

    Args:
        code: what was found of it; None where it has that.
        installed: when the webhook was, where that is known.
        by_policy: whether a rendered policy does its work, which leaves no record on a pod.
    """
    if code is None:
        return "The pod has what it would get if it were created today."
    if code is FindingCode.MISSED:
        return _why_missed(pod, installed, by_policy=by_policy)
    if code is FindingCode.STALE:
        return f"{code.meaning} What it has came from {status_of(pod).get('source') or 'unknown settings'}."
    return code.meaning


def _why_missed(pod: Document, installed: str | None, *, by_policy: bool) -> str:
    created = str(value_at(pod, ("metadata", "creationTimestamp")) or "")
    later = _annotated_later(pod, created)
    if later:
        return (
            f"The annotation {contract.ROLE} was written to the pod at {later}, after its creation at {created}: "
            "its env cannot change any more. Write it in the pod template."
        )
    if installed and created and created < installed:
        who = "policy" if by_policy else "webhook"
        return f"The pod was created at {created}, before the {who} was installed at {installed}."
    at = created or "a time unknown"
    if by_policy:
        return f"The policy left the pod so when it was created, at {at}, or changed it by the settings of then."
    return f"The webhook did not treat the pod when it was created, at {at}: it was away then, or not sent the pod."


def _annotated_later(pod: Document, created: str) -> str | None:
    """When the role was written, if only after the pod's creation; both are RFC 3339 in UTC, which compare as text."""
    field = f"f:{contract.ROLE}"
    for entry in value_at(pod, ("metadata", "managedFields")) or ():
        at = str(value_at(entry, ("time",)) or "")
        if value_at(entry, ("fieldsV1", "f:metadata", "f:annotations", field)) is not None and at > created:
            return at
    return None


def record_of(pod: Document) -> str:
    """What the pod says that the webhook did to it, for whoever cannot compare."""
    if value_at(pod, ("metadata", "annotations", contract.STATUS)) is None:
        return "The webhook wrote no record on the pod when it was created: it was not sent, or had nothing to change."
    source = status_of(pod).get("source") or "unknown settings"
    return f"By its record the webhook treated it when it was created, with what came from {source}."


def status_of(pod: Document) -> dict[str, Any]:
    """The webhook's own record on the pod, which nothing but people trust; empty where there is none to read."""
    text = value_at(pod, ("metadata", "annotations", contract.STATUS))
    try:
        found = msgspec.json.decode(text) if isinstance(text, str) else {}
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
