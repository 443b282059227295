"""What the API server is told of a decision: an AdmissionReview with the response, where only the uid is the pod's."""

from __future__ import annotations

from typing import Final

import msgspec

from webhook.injection.decision import Decision, Deny, Inject
from webhook.injection.review import API_VERSION


class Status(msgspec.Struct, omit_defaults=True):
    """The metav1.Status of a denial."""

    code: int
    reason: str
    message: str


class AdmissionResponse(msgspec.Struct, rename="camel", omit_defaults=True):
    """The response of an AdmissionReview; msgspec writes the patch's bytes in base64, as the API wants them."""

    uid: str
    allowed: bool
    patch_type: str | None = None
    patch: bytes | None = None
    status: Status | None = None
    warnings: list[str] | None = None
    audit_annotations: dict[str, str] | None = None


class AnsweredReview(msgspec.Struct, rename="camel"):
    """An AdmissionReview that carries a response."""

    response: AdmissionResponse
    api_version: str = API_VERSION
    kind: str = "AdmissionReview"


_encode: Final = msgspec.json.Encoder().encode
_BEGINNING: Final = b'{"response":{"uid":'


class Verdict(msgspec.Struct, frozen=True):
    """A decision as it is answered, counted and logged, ready for every pod that it is about.

    Attributes:
        code, role: as plain text, which is cheaper to look up and to write than an enumeration's members.
        warnings: their codes, in their order.
        operations: how many there are.
        ending: of the answer's bytes, what follows the uid.
        told: what the console is told of it.
    """

    code: str
    role: str | None
    warnings: tuple[str, ...]
    operations: int
    ending: bytes
    told: object = None

    def answer(self, uid: str) -> bytes:
        """The answer's bytes for the request `uid`."""
        return b"".join((_BEGINNING, _encode(uid), self.ending))


def verdict_of(decision: Decision, *, observes: bool, told: object = None) -> Verdict:
    """What comes of a decision; where the service only `observes`, nothing is patched or denied."""
    blank = _encode(AnsweredReview(response=_response(decision, observes=observes)))
    return Verdict(
        code=decision.code.value,
        role=decision.role.value if decision.role else None,
        warnings=tuple(warning.code.value for warning in decision.warnings),
        operations=len(decision.operations) if isinstance(decision, Inject) else 0,
        ending=blank.removeprefix(_BEGINNING + b'""'),
        told=told,
    )


def _response(decision: Decision, *, observes: bool) -> AdmissionResponse:
    """The response without its uid."""
    audit = {"code": decision.code.value}
    if observes:
        return AdmissionResponse(uid="", allowed=True, audit_annotations={**audit, "mode": "observe"})
    warnings = [str(warning) for warning in decision.warnings]
    if isinstance(decision, Deny):
        status = Status(code=403, reason="Forbidden", message=f"{decision.code.value}: {decision.message}")
        return AdmissionResponse(
            uid="", allowed=False, status=status, warnings=warnings or None, audit_annotations=audit
        )
    response = AdmissionResponse(uid="", allowed=True, warnings=warnings or None, audit_annotations=audit)
    if isinstance(decision, Inject):
        response.patch_type = "JSONPatch"
        response.patch = _encode(decision.operations)
    return response
