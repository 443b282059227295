"""What is read of an AdmissionReview: partial structs of the fields that the rules look at.

The rest of the pod is never decoded, so nothing newer than these structs can be lost, and a review costs some
microseconds. The pod itself is decoded in a second step, so that a malformed pod inside a well-formed review is told
apart from a body that is no review at all.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

import msgspec

from webhook.errors import NotAReviewError, NotJsonError

_T = TypeVar("_T")

MAX_CONTAINERS: Final = 500
"""Of one kind in a pod. No node runs as many, and a pod of 3 MB could hold 250,000, whose patch would have 250 MB."""

API_VERSION: Final = "admission.k8s.io/v1"


class Source(msgspec.Struct, gc=False):
    """An object of which only the presence matters: a valueFrom, or one entry of envFrom."""


class EnvVar(msgspec.Struct, rename="camel", gc=False):
    """One entry of a container's env."""

    name: str
    value: str | None = None
    value_from: Source | None = None


class Container(msgspec.Struct, rename="camel"):
    """A container, init container or ephemeral container."""

    name: str
    env: list[EnvVar] | None = None
    env_from: list[Source] | None = None


class CommandedContainer(Container, rename="camel"):
    """A container with its command line, which only the default-role path looks at."""

    command: list[str] | None = None
    args: list[str] | None = None


_FEW: Final = msgspec.Meta(max_length=MAX_CONTAINERS)
Containers = Annotated[list[Container], _FEW]
CommandedContainers = Annotated[list[CommandedContainer], _FEW]


class PodMeta(msgspec.Struct, rename="camel"):
    """The metadata's maps."""

    labels: dict[str, str | None] | None = None
    annotations: dict[str, str | None] | None = None


class PodSpec(msgspec.Struct, rename="camel"):
    """The pod's containers."""

    containers: Containers | None = None
    init_containers: Containers | None = None
    ephemeral_containers: Containers | None = None


class CommandedPodSpec(msgspec.Struct, rename="camel"):
    """The pod's containers with their command lines."""

    containers: CommandedContainers | None = None
    init_containers: CommandedContainers | None = None
    ephemeral_containers: CommandedContainers | None = None


class PodHead(msgspec.Struct):
    """A pod of which only the metadata is read."""

    metadata: PodMeta | None = None


class Pod(PodHead):
    """A pod, as far as the rules read it."""

    spec: PodSpec | None = None


class CommandedPod(PodHead):
    """A pod with its containers' command lines."""

    spec: CommandedPodSpec | None = None


AnyPod = Pod | CommandedPod


class GroupVersionResource(msgspec.Struct):
    """The resource that a request is about."""

    resource: str = ""


class AdmissionRequest(msgspec.Struct, rename="camel"):
    """The request of an AdmissionReview; the objects are left as JSON."""

    uid: str
    operation: str
    namespace: str | None = None
    name: str | None = None
    resource: GroupVersionResource | None = None
    sub_resource: str | None = None
    object: msgspec.Raw = msgspec.Raw(b"null")
    old_object: msgspec.Raw = msgspec.Raw(b"null")


class AdmissionReview(msgspec.Struct, rename="camel"):
    """An AdmissionReview, as the API server sends it."""

    request: AdmissionRequest
    api_version: str = API_VERSION
    kind: str = "AdmissionReview"


def is_about_pods(request: AdmissionRequest) -> bool:
    """Whether it is about pods, or a resource of theirs."""
    return request.resource is None or request.resource.resource == "pods"


def is_creation(request: AdmissionRequest) -> bool:
    """Whether a pod is created."""
    return request.operation == "CREATE" and not request.sub_resource and is_about_pods(request)


_REVIEW: Final = msgspec.json.Decoder(AdmissionReview)
_POD: Final[msgspec.json.Decoder[Pod | None]] = msgspec.json.Decoder(Pod | None)
_COMMANDED_POD: Final[msgspec.json.Decoder[CommandedPod | None]] = msgspec.json.Decoder(CommandedPod | None)
_POD_HEAD: Final[msgspec.json.Decoder[PodHead | None]] = msgspec.json.Decoder(PodHead | None)


def parse_review(body: bytes) -> AdmissionRequest:
    """The request of the review in `body`.

    Raises:
        NotJsonError: the body is not one JSON text in UTF-8, or is nested too deep.
        NotAReviewError: it is JSON, but no AdmissionReview v1 with a request and a uid.
    """
    try:
        # msgspec skips unread strings without looking at their encoding, so that is asked first.
        review = _REVIEW.decode(str(body, "utf-8"))
    except UnicodeDecodeError as error:
        raise NotJsonError(f"body has a byte at {error.start} that is not UTF-8", fix="send JSON in UTF-8") from None
    except msgspec.ValidationError as error:
        raise NotAReviewError(f"body: {error}", fix=f"send an AdmissionReview of {API_VERSION}") from None
    except msgspec.DecodeError as error:
        raise NotJsonError(f"body: {error}", fix="send one whole JSON text") from None
    except RecursionError:
        raise NotJsonError("body is nested too deep", fix="send an AdmissionReview") from None
    _check(review)
    return review.request


def _check(review: AdmissionReview) -> None:
    if (review.api_version, review.kind) != (API_VERSION, "AdmissionReview"):
        raise NotAReviewError(
            "apiVersion and kind",
            value=f"{review.api_version} {review.kind}",
            allowed=f"{API_VERSION} AdmissionReview",
            fix="register the webhook with admissionReviewVersions: [v1]",
        )
    if not review.request.uid:
        raise NotAReviewError("request.uid", value="", allowed="any other text", fix="send the request's uid")


def parse_pod(raw: msgspec.Raw, *, commands: bool) -> AnyPod:
    """The pod in `raw`, with command lines if `commands`; an absent (null) one is empty.

    Raises:
        msgspec.ValidationError: a field that the rules read has a wrong type; the text names it.
    """
    if commands:
        return _decoded(_COMMANDED_POD, raw) or CommandedPod()
    return _decoded(_POD, raw) or Pod()


def parse_pod_head(raw: msgspec.Raw) -> PodHead:
    """The metadata alone of the pod in `raw`, for a pod that :func:`parse_pod` refuses.

    Raises:
        msgspec.ValidationError: the metadata's maps are of a wrong type too.
    """
    return _decoded(_POD_HEAD, raw) or PodHead()


def _decoded(decoder: msgspec.json.Decoder[_T], raw: msgspec.Raw) -> _T:
    """What `raw` holds; a depth that the review's own decoding just bore may be too much further down the stack."""
    try:
        return decoder.decode(raw)
    except RecursionError:
        raise msgspec.ValidationError("nested too deep") from None
