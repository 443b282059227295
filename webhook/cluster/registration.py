"""Whether the API server would send a namespace's pods, by the MutatingWebhookConfiguration that is there.

Its CEL match conditions cannot be evaluated here: of them :mod:`webhook.injection.routing` is taken to be the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from webhook import contract
from webhook.cluster.client import Api
from webhook.cluster.lists import Page, pages
from webhook.cluster.names import CONFIGURATIONS
from webhook.cluster.selectors import LabelSelector, Requirement
from webhook.contract import Role
from webhook.errors import ClusterError, quote
from webhook.injection.routing import Labels


class _ClientConfig(msgspec.Struct, rename="camel"):
    ca_bundle: str | None = None


class _Entry(msgspec.Struct, rename="camel"):
    name: str
    client_config: _ClientConfig
    namespace_selector: LabelSelector | None = None
    object_selector: LabelSelector | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    name: str
    creation_timestamp: str = ""


class _Configuration(msgspec.Struct):
    metadata: _Metadata
    webhooks: list[_Entry] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """What the configurations of a cluster say of some pods.

    Attributes:
        fault: why the API server does not send them, or would call in vain; None where all is well.
        created: when the configuration was created, as RFC 3339, where there is one.
        unknown: why nothing is known, where this identity may not read configurations.
    """

    fault: str | None = None
    created: str | None = None
    unknown: str | None = None


def registration_of(
    api: Api, default_role: Role | None, *, namespace: str, namespace_labels: Labels, labels: Labels, page: int
) -> Registration:
    """What becomes of pods with these `labels` in a `namespace` with these, which go by the path of `default_role`.

    Raises:
        ClusterError: the configurations could not be had, for another reason than missing rights.
    """
    try:
        answers = pages(api, CONFIGURATIONS, {}, Page[_Configuration], size=page, may_change=True)
        found = [item for answer in answers for item in answer.items or ()]
    except ClusterError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return Registration(unknown="the webhook configurations may not be read; they are taken to be as shipped")
    name = contract.ENTRIES[default_role]
    for configuration in found:
        for entry in configuration.webhooks or ():
            if entry.name == name:
                where = f"the entry {name} of MutatingWebhookConfiguration {configuration.metadata.name}"
                fault = _fault(entry, where, namespace, namespace_labels, labels)
                return Registration(fault=fault, created=configuration.metadata.creation_timestamp or None)
    return Registration(fault=f"no MutatingWebhookConfiguration has the entry {name}: the webhook is not installed")


def _fault(entry: _Entry, where: str, namespace: str, namespace_labels: Labels, labels: Labels) -> str | None:
    whole = {"kubernetes.io/metadata.name": namespace, **namespace_labels}
    unmet = (entry.namespace_selector or LabelSelector()).unmet(whole)
    if unmet:
        return f"{where} selects namespaces with {quote(unmet.query)}, and {namespace} has {_told(unmet, whole)}"
    unmet = (entry.object_selector or LabelSelector()).unmet(labels)
    if unmet:
        return f"{where} selects pods with {quote(unmet.query)}, and this one has {_told(unmet, labels)}"
    return None if entry.client_config.ca_bundle else f"{where} has no caBundle, so the API server cannot call it"


def _told(unmet: Requirement, labels: Labels) -> str:
    return f"{unmet.key}={labels[unmet.key]}" if unmet.key in labels else f"no label {unmet.key}"
