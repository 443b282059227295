"""Whether NetworkPolicies let clients reach a head: what they say, for nobody knows whether the network obeys them.

As https://kubernetes.io/docs/concepts/services-networking/network-policies/ has it: policies that select a pod add up,
and a pod that none selects takes everything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any, Final

from webhook import contract
from webhook.cluster.checks.admission import trial_namespace
from webhook.cluster.checks.cluster import listed
from webhook.cluster.checks.context import Context
from webhook.cluster.checks.endpoints import Endpoint, ServiceName
from webhook.cluster.checks.objects import Item, Labels, dicts, part, selects, texts
from webhook.cluster.checks.outcome import Outcome, Warned
from webhook.contract import Role
from webhook.injection.check_codes import CheckCode

_NAME: Final = "kubernetes.io/metadata.name"


class Verdict(IntEnum):
    """Whether a connection is let in; the larger of two counts."""

    DROPPED = 0
    DEPENDS = 1
    LET_IN = 2


def let_clients_in(context: Context, endpoint: Endpoint, name: ServiceName, pod: Item) -> Iterator[Outcome]:
    """What there is to say about the policies around `pod`, which is behind the Service `name`."""
    place = f"/apis/networking.k8s.io/v1/namespaces/{name.namespace}/networkpolicies"
    policies = [policy for policy in context.items(place) if _isolates(policy, pod.labels)]
    if not policies:
        return
    for namespace in _client_namespaces(context, endpoint):
        labels = {**context.namespaces[namespace], _NAME: namespace}
        verdicts = {port: verdict(policies, pod, namespace, labels, port) for port in endpoint.ports}
        closed = {port: found for port, found in verdicts.items() if found is not Verdict.LET_IN}
        if closed:
            yield _warning(name, pod, namespace, closed, policies)


def _client_namespaces(context: Context, endpoint: Endpoint) -> list[str]:
    """Where clients of the endpoint are to be expected, and may be."""
    default = [name for name, labels in context.followed.items() if labels.get(contract.DEFAULT_ROLE) == Role.CLIENT]
    places = dict.fromkeys((*default, trial_namespace(context), endpoint.namespace))
    snapshot = context.reading.snapshot
    return [
        place
        for place in places
        if place in context.namespaces
        and (endpoint.reference is None or snapshot.allows(place, endpoint.reference))
        and (endpoint.reference is not None or endpoint.namespace in ("", place))
    ]


def _isolates(policy: Item, labels: Labels) -> bool:
    """Whether a policy selects the pod and limits what comes in."""
    kinds = texts(policy.spec, "policyTypes") or ["Ingress"]
    return "Ingress" in kinds and selects(part(policy.spec, dict, "podSelector") or {}, labels)


def verdict(policies: list[Item], pod: Item, namespace: str, labels: Labels, port: int) -> Verdict:
    """Whether any pod of a namespace with these labels is let in at `port`."""
    rules = [(policy, rule) for policy in policies for rule in dicts(policy.spec, "ingress")]
    fitting = [(policy, rule) for policy, rule in rules if _has_port(rule, pod, port)]
    found = [
        _lets_in(rule, labels, is_same_namespace=policy.metadata.namespace == namespace) for policy, rule in fitting
    ]
    return max(found, default=Verdict.DROPPED)


def _has_port(rule: Mapping[str, Any], pod: Item, port: int) -> bool:
    listed_ports = dicts(rule, "ports")
    return not listed_ports or any(_is_port(one, pod, port) for one in listed_ports)


def _is_port(entry: Mapping[str, Any], pod: Item, port: int) -> bool:
    first, last = entry.get("port"), entry.get("endPort")
    if entry.get("protocol", "TCP") != "TCP":
        return False
    if isinstance(first, str):
        return port in _named(pod, first)
    return first is None or first == port or (last is not None and first <= port <= last)


def _named(pod: Item, name: str) -> set[object]:
    containers = dicts(pod.spec, "containers")
    ports = [port for container in containers for port in dicts(container, "ports")]
    return {port.get("containerPort") for port in ports if port.get("name") == name}


def _lets_in(rule: Mapping[str, Any], labels: Labels, *, is_same_namespace: bool) -> Verdict:
    peers = dicts(rule, "from")
    return max((_peer(one, labels, is_same_namespace=is_same_namespace) for one in peers), default=Verdict.LET_IN)


def _peer(peer: Mapping[str, Any], labels: Labels, *, is_same_namespace: bool) -> Verdict:
    """An address range, or a selector of pods, lets in some pods of the namespace and not others."""
    if "ipBlock" in peer:
        return Verdict.DEPENDS
    namespaces = peer.get("namespaceSelector")
    if not (is_same_namespace if namespaces is None else selects(namespaces, labels)):
        return Verdict.DROPPED
    return Verdict.DEPENDS if any((peer.get("podSelector") or {}).values()) else Verdict.LET_IN


def _warning(
    name: ServiceName, pod: Item, namespace: str, closed: Mapping[int, Verdict], policies: list[Item]
) -> Warned:
    would = "would" if Verdict.DROPPED in closed.values() else "may"
    what = listed([policy.metadata.name for policy in policies])
    ports = listed(list(closed))
    return Warned(
        CheckCode.NETWORK_POLICY,
        f"where the network enforces them, the NetworkPolicies {what} {would} keep pods of {namespace} "
        f"from {ports} of {name}",
        f"echo '{json.dumps(_policy(name, pod, namespace, list(closed)))}' | kubectl apply -f -",
    )


def _policy(name: ServiceName, pod: Item, namespace: str, ports: list[int]) -> dict[str, Any]:
    """The policy that lets them in."""
    kept = ("ray.io/cluster", "ray.io/node-type")
    chosen = {key: pod.labels[key] for key in kept if key in pod.labels} or dict(pod.labels)
    source = {"namespaceSelector": {"matchLabels": {_NAME: namespace}}}
    ingress = {"from": [source], "ports": [{"protocol": "TCP", "port": port} for port in ports]}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"ray-clients-from-{namespace}"[:63].rstrip("-"), "namespace": name.namespace},
        "spec": {"podSelector": {"matchLabels": chosen}, "policyTypes": ["Ingress"], "ingress": [ingress]},
    }
