"""The caBundle of our own entries in a webhook configuration; others in the same object are never touched.

An entry is ours if it calls our Service. Its bundle is written by server-side apply that says the entry's name, by
which such lists are merged, and the bundle, nothing else: so whoever applies the file, where no bundle is, keeps all
the rest, and neither takes it from the other.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from webhook.certificates.content import certificates_in
from webhook.cluster.lists import Object

TRUSTED: Final = "certificates.ray.seedcore.io/trusted"
"""On a configuration that has had a bundle from us. Where it is missing later, somebody has taken it away, and it is on
its way back: the guard (deploy/kustomize/components/guard) then refuses pods, where before a first certificate it lets
them pass."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """Whose entries are ours."""

    namespace: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundles:
    """The caBundle of each of our entries, by its name; empty bytes where it is missing or no base64."""

    version: str = ""
    entries: Mapping[str, bytes] = field(default_factory=dict)


def read_bundles(item: Object | None, service: Service) -> Bundles:
    """What a configuration says of our entries; nothing where there is none."""
    if item is None:
        return Bundles()
    version = str(item["metadata"].get("resourceVersion") or "")
    return Bundles(version=version, entries=dict(_ours(item.get("webhooks") or (), service)))


def bundle_fault(bundle: bytes) -> str | None:
    """Why the API server can trust nobody by a caBundle; None where it can."""
    if certificates_in([bundle]):
        return None
    return "the caBundle is without a certificate" if bundle else "the caBundle is missing"


def bundle_document(configuration: str, bundle: bytes, entries: Iterable[str], *, version: str) -> Object:
    """What to apply, to the configuration of this `version` alone: it has all these entries."""
    encoded = b64encode(bundle).decode()
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": configuration, "resourceVersion": version, "annotations": {TRUSTED: "true"}},
        "webhooks": [{"name": name, "clientConfig": {"caBundle": encoded}} for name in entries],
    }


def _ours(webhooks: Iterable[Mapping[str, Any]], service: Service) -> Iterator[tuple[str, bytes]]:
    for webhook in webhooks:
        client = webhook.get("clientConfig") or {}
        called = client.get("service") or {}
        if (called.get("namespace"), called.get("name")) == (service.namespace, service.name):
            yield webhook["name"], decoded(client.get("caBundle"))


def decoded(text: object) -> bytes:
    """The caBundle that an entry holds as `text`; empty where that is none, or no base64."""
    if not isinstance(text, str):
        return b""
    try:
        return b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""
