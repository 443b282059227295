"""What the rules read of a pod that is created, as JSON: about pods with equal excerpts they decide the same.

The pods of a workload differ in much that no rule looks at: names, labels with an index or a hash, the name of the
volume that holds their token. So who decides about the excerpt instead of the pod may keep the decision for the next
one. That needs no proof about the rules, which see nothing but what is compared.

Each container's env stands in the excerpt byte by byte; whether it is well-formed shows when it is decided about.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from webhook import contract
from webhook.injection.review import MAX_CONTAINERS, AdmissionRequest, is_creation

NULL: Final = msgspec.Raw(b"null")
_LABELS: Final = (
    contract.KUBERAY_NODE_TYPE,
    contract.KUBERAY_CLUSTER,
    contract.KUBERAY_ORIGIN_NAME,
    contract.KUBERAY_ORIGIN_KIND,
    contract.KUBERAY_CREATED_BY,
)
_ANNOTATIONS: Final = (*contract.ANNOTATIONS, contract.MIRROR_POD)
_FEW: Final = msgspec.Meta(max_length=MAX_CONTAINERS)
_Map = dict[str, str | None]


class Names(msgspec.Struct, rename="camel"):
    """What names a pod, which no rule reads; each part may be of any type."""

    name: msgspec.Raw = NULL
    generate_name: msgspec.Raw = NULL
    owner_references: msgspec.Raw = NULL


class _Meta(Names, rename="camel"):
    labels: _Map | None = None
    annotations: _Map | None = None


class _MetaExcerpt(msgspec.Struct, omit_defaults=True):
    labels: _Map | None = None
    annotations: _Map | None = None


class _Container(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    name: str
    env: msgspec.Raw = NULL
    env_from: msgspec.Raw = NULL


class _CommandedContainer(_Container, rename="camel", omit_defaults=True, gc=False):
    command: msgspec.Raw = NULL
    args: msgspec.Raw = NULL


class _Spec(msgspec.Struct, rename="camel", omit_defaults=True):
    containers: Annotated[list[_Container], _FEW] | None = None
    init_containers: Annotated[list[_Container], _FEW] | None = None
    ephemeral_containers: Annotated[list[_Container], _FEW] | None = None


class _CommandedSpec(msgspec.Struct, rename="camel", omit_defaults=True):
    containers: Annotated[list[_CommandedContainer], _FEW] | None = None
    init_containers: Annotated[list[_CommandedContainer], _FEW] | None = None
    ephemeral_containers: Annotated[list[_CommandedContainer], _FEW] | None = None


class _Pod(msgspec.Struct):
    metadata: _Meta | None = None
    spec: _Spec | None = None


class _CommandedPod(msgspec.Struct):
    metadata: _Meta | None = None
    spec: _CommandedSpec | None = None


class _Excerpt(msgspec.Struct, omit_defaults=True):
    metadata: _MetaExcerpt | None
    spec: _Spec | _CommandedSpec | None


_POD: Final = msgspec.json.Decoder(_Pod)
_COMMANDED_POD: Final = msgspec.json.Decoder(_CommandedPod)
_NO_NAMES: Final = Names()
_encode: Final = msgspec.json.Encoder().encode


def excerpt(request: AdmissionRequest, *, commands: bool) -> tuple[bytes, Names] | None:
    """The excerpt of a pod that is created, with command lines if `commands`, and what names the pod.

    None for any other request, and for a pod of which the excerpt alone shows that it is malformed.
    """
    if not is_creation(request):
        return None
    try:
        pod = (_COMMANDED_POD if commands else _POD).decode(request.object)
    except (msgspec.DecodeError, RecursionError):
        return None
    meta = pod.metadata
    kept = None if meta is None else _MetaExcerpt(_few(meta.labels, _LABELS), _few(meta.annotations, _ANNOTATIONS))
    return _encode(_Excerpt(kept, pod.spec)), meta or _NO_NAMES


def _few(written: _Map | None, keys: tuple[str, ...]) -> _Map | None:
    """What of a map is read: none is not the same as an empty one, to which an annotation can be added."""
    return written and {key: written[key] for key in keys if key in written}
