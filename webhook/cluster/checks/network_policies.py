"""Whether NetworkPolicies let clients reach a head: what they say, for nobody knows whether the network obeys them.

As https://kubernetes.io/docs/concepts/services-networking/network-policies/ has it: policies that select a pod add up,
and a pod that none selects takes everything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, Final

from webhook.cluster.checks.admission import trial_namespace
from webhook.cluster.checks.cluster import listed
from webhook.cluster.checks.context import Context
from webhook.cluster.checks.endpoints import Endpoint, ServiceName
from webhook.cluster.checks.objects import Item, dicts, part, texts
from webhook.cluster.checks.outcome import Outcome, Warned
from webhook.cluster.selectors import selects
from webhook.injection.check_codes import CheckCode
from webhook.injection.routing import Labels

_NAME: Final = "kubernetes.io/metadata.name"


class Verdict(IntEnum):
    """Whether a connection is let in; the larger of two counts."""

    DROPPED = 0
    DEPENDS = 1
    LET_IN = 2


def let_clients_in(context: Context, endpoints: Sequence[Endpoint], name: ServiceName, pod: Item) -> Iterator[Outcome]:
    """What there is to say about the policies around `pod`, which the Service `name` leads those of `endpoints` to."""
    place = f"/apis/networking.k8s.io/v1/namespaces/{name.namespace}/networkpolicies"
    policies = [policy for policy in context.items(place) if _isolates(policy, pod.labels)]
    ports = list(dict.fromkeys(port for endpoint in endpoints for port in endpoint.ports))
    closed: dict[str, dict[int, Verdict]] = {}
    for namespace in _client_namespaces(context, endpoints) if policies else ():
        labels = {**context.namespaces[namespace], _NAME: namespace}
        verdicts = {port: verdict(policies, pod, namespace, labels, port) for port in ports}
        if any(found is not Verdict.LET_IN for found in verdicts.values()):
            closed[namespace] = verdicts
    if closed:
        yield _warning(name, pod, closed, policies)


def _client_namespaces(context: Context, endpoints: Sequence[Endpoint]) -> list[str]:
    """Where clients of one of the endpoints are to be expected, and may be."""
    places = dict.fromkeys((*context.default_clients, trial_namespace(context), *(one.namespace for one in endpoints)))
    return [
        place
        for place in places
        if place in context.namespaces and any(_may_be_sent(context, place, one) for one in endpoints)
    ]


def _may_be_sent(context: Context, place: str, endpoint: Endpoint) -> bool:
    if endpoint.reference is not None:
        return context.reading.snapshot.allows(place, endpoint.reference)
    return endpoint.namespace in ("", place)


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


def _warning(name: ServiceName, pod: Item, closed: Mapping[str, Mapping[int, Verdict]], policies: list[Item]) -> Warned:
    found = [verdict for verdicts in closed.values() for verdict in verdicts.values()]
    would = "would" if Verdict.DROPPED in found else "may"
    ports = [port for port in next(iter(closed.values())) if _is_closed(port, closed)]
    return Warned(
        CheckCode.NETWORK_POLICY,
        f"where the network enforces them, the NetworkPolicies {listed([one.metadata.name for one in policies])} "
        f"{would} keep pods of {listed(list(closed))} from {listed(ports)} of {name}",
        f"echo '{json.dumps(_policy(name, pod, list(closed), ports))}' | kubectl apply -f -",
    )


def _is_closed(port: int, closed: Mapping[str, Mapping[int, Verdict]]) -> bool:
    return any(verdicts[port] is not Verdict.LET_IN for verdicts in closed.values())


def _policy(name: ServiceName, pod: Item, namespaces: list[str], ports: list[int]) -> dict[str, Any]:
    """The policy that lets them in."""
    kept = ("ray.io/cluster", "ray.io/node-type")
    chosen = {key: pod.labels[key] for key in kept if key in pod.labels} or dict(pod.labels)
    selector = {"matchExpressions": [{"key": _NAME, "operator": "In", "values": namespaces}]}
    ingress = {
        "from": [{"namespaceSelector": selector}],
        "ports": [{"protocol": "TCP", "port": port} for port in ports],
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "ray-clients", "namespace": name.namespace},
        "spec": {"podSelector": {"matchLabels": chosen}, "policyTypes": ["Ingress"], "ingress": [ingress]},
    }
