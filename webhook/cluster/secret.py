"""The Secret that holds a certificate which looks after itself, read and written as a value.

It has the type and the keys ``tls.crt`` and ``tls.key`` that every consumer of such Secrets knows, ``ca.crt`` with all
that is trusted, and ``ca.key``. The annotation `ROTATE` asks for a new authority, by any value that is not yet in
`ROTATED`; so it can stand in a manifest that is applied again and again.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from time import monotonic
from typing import Any, Final

from webhook.certificates.authority import KeyPair
from webhook.certificates.content import MAX_AUTHORITIES, Content, checked, split
from webhook.cluster.lists import Object
from webhook.cluster.watched import Watched
from webhook.errors import CertificateError

ROTATE: Final = "certificates.ray.seedcore.io/rotate"
ROTATED: Final = "certificates.ray.seedcore.io/rotated"
_OTHERS: Final = "cert-manager.io/"
_LONGEST_MARK: Final = 64
UNKNOWN: Final = "unknown"
"""The owner of a pair without ``ca.key``: somebody's own, or one of ours that lost its key, as `certificate` tells."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """What the Secret says.

    Attributes:
        version: its resourceVersion; empty where there is no Secret.
        content: None where there is none, or a broken one.
        fault: why it is broken; never a part of it.
        owner: who else looks after it; empty for nobody.
        certificate: what ``tls.crt`` holds, good or not.
        asked, done: the values of `ROTATE` and `ROTATED`; a hash of a long one.
        is_immutable: whether nobody can change it.
    """

    version: str = ""
    content: Content | None = field(default=None, repr=False)
    fault: str = ""
    owner: str = ""
    certificate: bytes = b""
    asked: str = ""
    done: str = ""
    is_immutable: bool = False


class SecretView(Watched[Stored]):
    """The Secret as it is watched.

    Attributes:
        known: the last good content that was seen, whatever became of it.
    """

    def __init__(self, changed: Callable[[], None], clock: Callable[[], float] = monotonic) -> None:
        """Have seen nothing."""
        super().__init__(read_secret, changed, clock)
        self.known: Content | None = None

    def _replace(self, value: Stored) -> None:
        self.known = value.content or self.known
        super()._replace(value)


def read_secret(item: Object | None) -> Stored:
    """The value of the Secret as the API server sends it, of whatever form it is."""
    if item is None:
        return Stored()
    metadata = item["metadata"]
    annotations: Mapping[str, Any] = metadata.get("annotations") or {}
    content: Content | None = None
    fault = ""
    try:
        content = _content(item.get("data"))
    except CertificateError as error:
        fault = error.message
    except Exception as error:  # noqa: BLE001  what cannot be judged is broken: the Secret is whatever somebody wrote
        fault = f"the Secret cannot be read ({type(error).__name__})"
    return Stored(
        version=str(metadata.get("resourceVersion") or ""),
        content=content,
        fault=fault,
        owner=_owner(metadata, item.get("data")),
        certificate=_certificate(item.get("data")),
        asked=_mark(str(annotations.get(ROTATE) or "")),
        done=str(annotations.get(ROTATED) or ""),
        is_immutable=item.get("immutable") is True,
    )


def _owner(metadata: Mapping[str, Any], data: Any) -> str:
    """Who else looks after it: cert-manager, the controller that made it, or somebody unknown with a pair of theirs."""
    if any(key.startswith(_OTHERS) for key in metadata.get("annotations") or {}):
        return "cert-manager"
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller"):
            return f"{owner.get('kind')}/{owner.get('name')}"
    has = {key for key, value in data.items() if value} if isinstance(data, dict) else set()
    return UNKNOWN if {"tls.crt", "tls.key"} <= has and "ca.key" not in has else ""


def _certificate(data: Any) -> bytes:
    try:
        return _value(data, "tls.crt")
    except CertificateError:
        return b""


def _mark(asked: str) -> str:
    """What can be told from another wish, and fits into an annotation beside it."""
    return asked if len(asked) <= _LONGEST_MARK else f"sha256:{sha256(asked.encode()).hexdigest()}"


def secret_document(name: str, namespace: str, content: Content, *, done: str, version: str) -> Object:
    """What to apply: to the Secret of this `version` alone, or, where that is empty, to one that is not there yet.

    The type is said at the creation only, by a field manager of that moment's own, and cannot be changed afterwards.
    """
    data = {
        "ca.crt": content.bundle,
        "ca.key": content.authority.key,
        "tls.crt": content.serving.certificate,
        "tls.key": content.serving.key,
    }
    metadata: Object = {"name": name, "namespace": namespace, "annotations": {ROTATED: done} if done else {}}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata | ({"resourceVersion": version} if version else {}),
        "data": {key: b64encode(value).decode() for key, value in data.items()},
    } | ({} if version else {"type": "kubernetes.io/tls"})


def _content(data: Any) -> Content:
    authorities = split(_value(data, "ca.crt"))
    if not 0 < len(authorities) <= MAX_AUTHORITIES:
        raise CertificateError(
            f"ca.crt holds {len(authorities)} certificates", allowed=f"1 to {MAX_AUTHORITIES}", fix="delete the Secret"
        )
    return checked(
        Content(
            authority=KeyPair(certificate=authorities[0], key=_value(data, "ca.key")),
            older=authorities[1:],
            serving=KeyPair(certificate=_value(data, "tls.crt"), key=_value(data, "tls.key")),
        )
    )


def _value(data: Any, key: str) -> bytes:
    try:
        return b64decode(data[key], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise CertificateError(f"{key} is missing or no base64", allowed="PEM", fix="delete the Secret") from None
