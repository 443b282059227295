"""One tree of errors: what may go wrong at the edges, each with a stable code, an exit status and the fix.

An error's text names the thing, its value, what is allowed and the fix, in that order, on one line of ASCII.
Decisions about pods are values, not errors; their codes are in :mod:`webhook.injection.reasons`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar, Final

QUOTED_LENGTH: Final = 80
_LONGEST_PATH: Final = 4096


def escape(text: str) -> str:
    """`text` in printable ASCII on one line; what is neither is written as a backslash escape."""
    return text.encode("ascii", "backslashreplace").decode().translate(_CONTROL)


def quote(text: str, limit: int = QUOTED_LENGTH) -> str:
    r"""`text` in double quotes, in printable ASCII without line breaks, cut after `limit` characters.

    >>> print(quote('a"b\nc'))
    "a\"b\nc"
    """
    cut = text if len(text) <= limit else text[:limit] + "..."
    return '"' + escape(cut.replace("\\", "\\\\").replace('"', '\\"')) + '"'


_CONTROL: Final = {ordinal: f"\\x{ordinal:02x}" for ordinal in (*range(0x20), 0x7F)} | {
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
}


class WebhookError(Exception):
    """Base of every error that a user may see."""

    code: ClassVar[str] = "RAY800"
    summary: ClassVar[str] = "unexpected failure"
    meaning: ClassVar[str] = "The command failed in a way that has no code of its own; the message says how."
    exit_status: ClassVar[int] = 1

    def __init__(self, thing: str, *, value: str | None = None, allowed: str | None = None, fix: str) -> None:
        """Make the one-line message; `value` is quoted and escaped, the other parts are our own words."""
        parts = [thing if value is None else f"{thing} is {quote(value)}"]
        parts += [f"allowed: {allowed}"] if allowed else []
        self.thing, self.fix = thing, fix
        self.message = "; ".join([*parts, fix])
        super().__init__(f"{self.code}: {self.message}")


class UsageError(WebhookError):
    """A flag, argument or environment variable of a command is wrong."""

    code = "RAY801"
    summary = "wrong usage"
    meaning = "A command, a flag or a RAY_WEBHOOK_* variable is unknown, missing or has a value that is not allowed."
    exit_status = 2


class InputError(WebhookError):
    """A file that a command was given cannot be read or understood."""

    code = "RAY802"
    summary = "unusable input"
    meaning = "A file is missing, cannot be read, is not text, or is not the YAML or JSON that the command expects."
    exit_status = 2


class SettingsError(WebhookError):
    """The settings file is missing or broken when the service starts."""

    code = "RAY803"
    summary = "broken settings"
    meaning = (
        "The settings file has a line or a key that is not allowed. At the start the service ends; "
        "while it runs, the last good settings stay in force."
    )
    exit_status = 2


class CertificateError(WebhookError):
    """A certificate or key file is missing, unreadable or does not match."""

    code = "RAY804"
    summary = "unusable certificate"
    meaning = "A certificate or a private key cannot be read, is not PEM, or the two do not belong together."
    exit_status = 2


class ListenError(WebhookError):
    """The service cannot listen on a host and port."""

    code = "RAY805"
    summary = "cannot listen"
    meaning = "The host or port that the service was told to listen on is taken, privileged or not of this machine."
    exit_status = 3


class ClusterError(WebhookError):
    """The Kubernetes API server could not be reached, or did not do what it was asked.

    Attributes:
        status: the HTTP status of its answer, or None where none came.
        retry_after: the seconds that it wants to be left alone for, where it says so.
        following: where the rest of a list can be had that took too long to be one of one moment (status 410).
        said: its own words, on one line of ASCII.
    """

    code = "RAY806"
    summary = "cluster out of reach"
    meaning = "The Kubernetes API server could not be reached, refused the request, or answered what is no answer."
    exit_status = 3
    status: int | None = None
    retry_after: float | None = None
    following: str | None = None
    said: str = ""


class KubeconfigError(WebhookError):
    """The kubeconfig file, or the service account of the pod, cannot be used."""

    code = "RAY807"
    summary = "unusable kubeconfig"
    meaning = "The kubeconfig file or the pod's service account is missing, broken, or lacks the context asked for."
    exit_status = 2


class RequestError(WebhookError):
    """An HTTP request that the service answers with an error status and a JSON body."""

    code = "RAY810"
    summary = "bad request"
    meaning = "The HTTP request could not be served; the message says why."
    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST


class BodyTooLargeError(RequestError):
    """The body is larger than the service reads."""

    code = "RAY811"
    summary = "body too large"
    meaning = "The body is larger than any AdmissionReview that a Kubernetes API server sends."
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class MediaTypeError(RequestError):
    """The body is not declared as JSON."""

    code = "RAY812"
    summary = "wrong Content-Type"
    meaning = "The Content-Type of an admission request is application/json; the API server always says so."
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class NotJsonError(RequestError):
    """The body is not one JSON text in UTF-8 of a sane depth."""

    code = "RAY813"
    summary = "not JSON"
    meaning = "The body is cut off, is not UTF-8, is not JSON, or is nested too deep to be an AdmissionReview."


class NotAReviewError(RequestError):
    """The body is JSON but no AdmissionReview v1 with a request."""

    code = "RAY814"
    summary = "not an AdmissionReview"
    meaning = "The body is JSON, but not an admission.k8s.io/v1 AdmissionReview with a request and its uid."


class SlowBodyError(RequestError):
    """The body did not arrive in time."""

    code = "RAY815"
    summary = "body too slow"
    meaning = "The body did not arrive within the time that any API server waits for an answer."
    status = HTTPStatus.REQUEST_TIMEOUT


class MethodError(RequestError):
    """The path is right, the method is not."""

    code = "RAY816"
    summary = "wrong method"
    meaning = "There is something at the path, but for another method; admission requests are sent with POST."
    status = HTTPStatus.METHOD_NOT_ALLOWED


class PathError(RequestError):
    """There is nothing at this path."""

    code = "RAY817"
    summary = "unknown path"
    meaning = "There is nothing at the path; those of the admission port are in its OpenAPI document."
    status = HTTPStatus.NOT_FOUND


class SlowHeaderError(RequestError):
    """The header did not arrive in time."""

    code = "RAY818"
    summary = "header too slow"
    meaning = "A connection was opened, but no whole request header came; it was closed."
    status = HTTPStatus.REQUEST_TIMEOUT


class DisconnectedError(RequestError):
    """The sender went away before it could be answered."""

    code = "RAY819"
    summary = "sender gone"
    meaning = "The connection ended before the whole body had arrived or was decided, so nobody could be answered."


class NotHttpError(RequestError):
    """What came is no HTTP request."""

    code = "RAY820"
    summary = "not HTTP"
    meaning = "What came on the connection is no HTTP/1.1 request; the connection was closed."


class HeaderTooLargeError(RequestError):
    """The header is larger than the service reads."""

    code = "RAY821"
    summary = "header too large"
    meaning = "The request's header is larger than any that a Kubernetes API server sends."
    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


class ClientNameError(RequestError):
    """The client's certificate is good, but of somebody who may not ask."""

    code = "RAY822"
    summary = "client not allowed"
    meaning = "The client's certificate bears none of the common names that --client-name allows."
    status = HTTPStatus.FORBIDDEN


class HostError(RequestError):
    """The console is asked for by a name that is not this machine's own."""

    code = "RAY823"
    summary = "wrong host"
    meaning = (
        "The console answers under loopback names alone, so that no page of another site can read it through a name "
        "that it has made to lead here."
    )
    status = HTTPStatus.MISDIRECTED_REQUEST


class CrossSiteError(RequestError):
    """A form was sent to the console by a page of another site."""

    code = "RAY824"
    summary = "form of another site"
    meaning = "The console's form is taken from its own page alone, so that no other site can send one unseen."
    status = HTTPStatus.FORBIDDEN


class FormError(RequestError):
    """What was sent to the console is no form."""

    code = "RAY825"
    summary = "not a form"
    meaning = "The console's form is sent by a browser, as application/x-www-form-urlencoded in UTF-8."


class NotReadyError(RequestError):
    """The service has no settings yet; the API server asks again within its time-out."""

    code = "RAY511"
    summary = "not ready"
    meaning = "The service has not read its settings yet. It answers 503 with Retry-After; the API server asks again."
    status = HTTPStatus.SERVICE_UNAVAILABLE


class OverloadedError(RequestError):
    """The service has as much work as it may hold."""

    code = "RAY512"
    summary = "overloaded"
    meaning = (
        "The service holds as many bytes of bodies, or as many reviews, as it may, or could not decide one within a "
        "second. It answers 503 with Retry-After; ask again."
    )
    status = HTTPStatus.SERVICE_UNAVAILABLE


def quote_path(path: object) -> str:
    """A file's path, quoted whole: whoever has to find the file needs all of it."""
    return quote(str(path), limit=_LONGEST_PATH)


def all_errors(base: type[WebhookError] = WebhookError) -> list[type[WebhookError]]:
    """Every class of the tree, in the order of their codes."""
    found = [base, *(error for child in base.__subclasses__() for error in all_errors(child))]
    return sorted(found, key=lambda error: error.code)
