"""What a log line says of a decision: who it was about and what came of it, never a value of an env variable."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from webhook.injection.excerpt import Names
from webhook.injection.review import AdmissionRequest
from webhook.server.answers import Verdict

_T = TypeVar("_T")

MAX_LOGGED: Final = 256
"""Characters of a sender's text in a log line; Kubernetes' own names are at most 253 long."""


class _OwnerReference(msgspec.Struct):
    """One of a pod's owners, as far as a line names it."""

    kind: str
    name: str
    controller: bool | None = None


class _Pod(msgspec.Struct):
    metadata: Names | None = None


def names_in(pod: msgspec.Raw) -> Names:
    """What names a pod that is malformed, or of a request that no rule looks at."""
    read = _lenient(pod, _Pod)
    return (read and read.metadata) or Names()


def decided(request: AdmissionRequest, names: Names, verdict: Verdict, seconds: float) -> dict[str, object]:
    """The fields of the line; `seconds` is how long it took."""
    fields: dict[str, object] = {"uid": request.uid[:MAX_LOGGED], "namespace": (request.namespace or "")[:MAX_LOGGED]}
    owners = _lenient(names.owner_references, list[_OwnerReference]) or ()
    owner = next((owner for owner in owners if owner.controller), None)
    if owner is not None:
        fields["owner"] = f"{owner.kind}/{owner.name}"[:MAX_LOGGED]
    elif name := request.name or _lenient(names.name, str) or _lenient(names.generate_name, str):
        fields["name"] = name[:MAX_LOGGED]
    fields["role"] = verdict.role
    fields["codes"] = [verdict.code, *verdict.warnings]
    fields["operations"] = verdict.operations
    fields["ms"] = round(seconds * 1000, 3)
    return fields


def _lenient(raw: msgspec.Raw, wanted: type[_T]) -> _T | None:
    """What `raw` holds, if it is of the type `wanted`."""
    try:
        return msgspec.json.decode(raw, type=wanted)
    except (msgspec.MsgspecError, RecursionError):
        return None
