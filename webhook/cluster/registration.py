"""Whether the API server would send a namespace's pods, by the MutatingWebhookConfiguration that is there.

Where it would not, a rendered policy may do the work (``ray-webhook render policy``). The CEL match conditions of
either cannot be evaluated here: of them :mod:`webhook.injection.routing` is taken to be the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

import msgspec

from webhook import contract
from webhook.cluster.bundle import bundle_fault, decoded
from webhook.cluster.client import Api
from webhook.cluster.lists import Page, pages
from webhook.cluster.names import ADMISSION, CONFIGURATIONS
from webhook.cluster.selectors import LabelSelector, Requirement
from webhook.contract import Role
from webhook.errors import ClusterError, quote
from webhook.injection.routing import Labels
from webhook.manifests.policy.objects import DEFAULT_ROLE_PREFIX, LABELS


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


class _Constraints(msgspec.Struct, rename="camel"):
    namespace_selector: LabelSelector | None = None


class _PolicySpec(msgspec.Struct, rename="camel"):
    """Of a policy, or of a binding, what is read."""

    policy_name: str = ""
    match_constraints: _Constraints = msgspec.field(default_factory=_Constraints)


class _Policy(msgspec.Struct):
    metadata: _Metadata
    spec: _PolicySpec


_POLICIES: Final = f"{ADMISSION}/mutatingadmissionpolicies"
_BINDINGS: Final = f"{ADMISSION}/mutatingadmissionpolicybindings"
_OURS: Final = {"labelSelector": ",".join(f"{key}={value}" for key, value in LABELS.items())}


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """What the configurations of a cluster say of some pods.

    Attributes:
        fault: why the API server does not send them, or would call in vain; None where all is well.
        policy: the policy that does the webhook's work for them; None where the webhook does, or nobody.
        created: when the configuration was created, as RFC 3339, where there is one.
        unknown: why nothing is known, where this identity may not read configurations.
    """

    fault: str | None = None
    policy: str | None = None
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
    whole = {"kubernetes.io/metadata.name": namespace, **namespace_labels}
    registered = _registered(found, contract.ENTRIES[default_role], whole, labels)
    return registered if registered.fault is None else _by_policy(api, registered, default_role, whole, page)


def _registered(found: Sequence[_Configuration], name: str, namespace: Labels, labels: Labels) -> Registration:
    """What the first configuration with the entry says."""
    for configuration in found:
        for entry in configuration.webhooks or ():
            if entry.name == name:
                where = f"the entry {name} of MutatingWebhookConfiguration {configuration.metadata.name}"
                fault = _fault(entry, where, namespace, labels)
                return Registration(fault=fault, created=configuration.metadata.creation_timestamp or None)
    return Registration(fault=f"no MutatingWebhookConfiguration has the entry {name}: the webhook is not installed")


def _by_policy(
    api: Api, registered: Registration, default_role: Role | None, namespace: Labels, page: int
) -> Registration:
    """The same, unless a policy that is bound selects the namespace; one by default bears that in its name."""
    try:
        bound = {item.spec.policy_name for item in _listed(api, _BINDINGS, page)}
        for policy in _listed(api, _POLICIES, page):
            name, selector = policy.metadata.name, policy.spec.match_constraints.namespace_selector or LabelSelector()
            is_of_path = name.startswith(DEFAULT_ROLE_PREFIX) == (default_role is not None)
            if name in bound and is_of_path and selector.unmet(namespace) is None:
                return Registration(policy=name, created=policy.metadata.creation_timestamp or None)
    except ClusterError as error:
        if error.status == HTTPStatus.FORBIDDEN:
            return replace(
                registered, unknown="the mutating admission policies may not be read; none is taken to be there"
            )
        if error.status != HTTPStatus.NOT_FOUND:
            raise
    return registered


def _listed(api: Api, path: str, page: int) -> Iterator[_Policy]:
    for answer in pages(api, path, _OURS, Page[_Policy], size=page, may_change=True):
        yield from answer.items or ()


def _fault(entry: _Entry, where: str, whole: Labels, labels: Labels) -> str | None:
    namespace = whole["kubernetes.io/metadata.name"]
    unmet = (entry.namespace_selector or LabelSelector()).unmet(whole)
    if unmet:
        return f"{where} selects namespaces with {quote(unmet.query)}, and {namespace} has {_told(unmet, whole)}"
    unmet = (entry.object_selector or LabelSelector()).unmet(labels)
    if unmet:
        return f"{where} selects pods with {quote(unmet.query)}, and this one has {_told(unmet, labels)}"
    fault = bundle_fault(decoded(entry.client_config.ca_bundle))
    return f"the API server cannot call {where}: {fault}" if fault else None


def _told(unmet: Requirement, labels: Labels) -> str:
    return f"{unmet.key}={labels[unmet.key]}" if unmet.key in labels else f"no label {unmet.key}"
