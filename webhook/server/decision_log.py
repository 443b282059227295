"""What a log line says of a decision: who it was about and what came of it, never a value of an env variable."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from webhook.injection.decision import Decision, Inject
from webhook.injection.review import AdmissionRequest

_T = TypeVar("_T")

MAX_LOGGED: Final = 256
"""Characters of a sender's text in a log line; Kubernetes' own names are at most 253 long."""


class _OwnerReference(msgspec.Struct):
    """One of a pod's owners, as far as a line names it."""

    kind: str
    name: str
    controller: bool | None = None


class _Meta(msgspec.Struct, rename="camel"):
    """What names a pod; a pod arrives before it is validated, so each part may be of any type."""

    name: str | None = None
    generate_name: str | None = None
    owner_references: list[_OwnerReference] | None = None


class _RawMeta(msgspec.Struct, rename="camel"):
    """The same, each part for itself."""

    name: msgspec.Raw = msgspec.Raw(b"null")
    generate_name: msgspec.Raw = msgspec.Raw(b"null")
    owner_references: msgspec.Raw = msgspec.Raw(b"null")


class _Pod(msgspec.Struct):
    metadata: _Meta | None = None


class _RawPod(msgspec.Struct):
    metadata: _RawMeta | None = None


_POD: Final[msgspec.json.Decoder[_Pod | None]] = msgspec.json.Decoder(_Pod | None)


def decided(request: AdmissionRequest, decision: Decision, seconds: float) -> dict[str, object]:
    """The fields of the line; `seconds` is how long it took."""
    fields: dict[str, object] = {"uid": request.uid[:MAX_LOGGED], "namespace": (request.namespace or "")[:MAX_LOGGED]}
    meta = _meta(request.object)
    owner = next((owner for owner in meta.owner_references or () if owner.controller), None)
    if owner is not None:
        fields["owner"] = f"{owner.kind}/{owner.name}"[:MAX_LOGGED]
    elif name := request.name or meta.name or meta.generate_name:
        fields["name"] = name[:MAX_LOGGED]
    fields["role"] = decision.role
    fields["codes"] = [decision.code, *[warning.code for warning in decision.warnings]]
    fields["operations"] = len(decision.operations) if isinstance(decision, Inject) else 0
    fields["ms"] = round(seconds * 1000, 3)
    return fields


def _meta(pod: msgspec.Raw) -> _Meta:
    try:
        read = _POD.decode(pod)
        return (read and read.metadata) or _Meta()
    except (msgspec.MsgspecError, RecursionError):
        raw = _lenient(pod, _RawPod)
    meta = (raw and raw.metadata) or _RawMeta()
    return _Meta(
        name=_lenient(meta.name, str),
        generate_name=_lenient(meta.generate_name, str),
        owner_references=_lenient(meta.owner_references, list[_OwnerReference]),
    )


def _lenient(raw: msgspec.Raw, wanted: type[_T]) -> _T | None:
    """What `raw` holds, if it is of the type `wanted`."""
    try:
        return msgspec.json.decode(raw, type=wanted)
    except (msgspec.MsgspecError, RecursionError):
        return None
