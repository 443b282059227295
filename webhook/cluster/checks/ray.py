"""Group "ray": what the API server knows of the Ray clusters that clients are sent to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from webhook.cluster.checks.cluster import listed
from webhook.cluster.checks.context import Context
from webhook.cluster.checks.endpoints import (
    Endpoint,
    ServiceName,
    cluster_spec,
    endpoints,
    service_of,
    target_items,
)
from webhook.cluster.checks.network_policies import let_clients_in
from webhook.cluster.checks.objects import Item, dicts, part
from webhook.cluster.checks.outcome import Check, Failed, Group, Outcome, Passed, Skipped, Warned
from webhook.cluster.targets import TargetStore
from webhook.contract import KUBERAY_CLUSTER
from webhook.errors import escape
from webhook.injection.check_codes import CheckCode
from webhook.injection.snapshot import Reference

_RAY_IMAGE: Final = re.compile(r"(?:^|/)ray(?:-ml|-llm)?:(\d+\.\d+\.\d+(?:\.?(?:rc|dev)\d+)?)")
"""An image of Ray's own, by whose tag its version is known; the tag of another says nothing about Ray."""
_ENDED: Final = ("Succeeded", "Failed")


def are_discovered(context: Context) -> Iterator[Outcome]:
    """Which clusters there are, and what their specs leave open."""
    found, store = dict(target_items(context)), TargetStore()
    for reference, item in found.items():
        discovered = store.put(reference, item.spec)
        for remark in discovered.remarks if discovered else ():
            yield Warned(
                CheckCode.REMARK,
                f"{reference}: {remark}",
                f"kubectl edit {reference.kind.lower()} {reference.name} -n {reference.namespace}",
            )
    if not found and not endpoints(context):
        yield Skipped("there is no RayCluster or RayService, and no settings name a host")
    else:
        yield Passed(listed([*map(str, found), *(one.source for one in endpoints(context) if not one.reference)]))


def versions_agree(context: Context) -> Iterator[Outcome]:
    """Whether a cluster's images and its ``rayVersion`` are one version, as far as they tell."""
    for reference, item in target_items(context):
        versions = declared_versions(reference, item)
        if len(set(versions.values())) > 1:
            told = ", ".join(f"{where} {version}" for where, version in versions.items())
            yield Failed(
                CheckCode.RAY_VERSIONS,
                f"{reference}: {told}",
                f"kubectl edit {reference.kind.lower()} {reference.name} -n {reference.namespace}",
            )


def declared_versions(reference: Reference, item: Item) -> dict[str, str]:
    """The version of Ray that each part of a spec names."""
    spec = cluster_spec(reference, item)
    found = {"rayVersion": part(spec, str, "rayVersion")}
    groups = [("head", part(spec, dict, "headGroupSpec"))]
    groups += [(str(group.get("groupName")), group) for group in dicts(spec, "workerGroupSpecs")]
    for name, group in groups:
        image = _RAY_IMAGE.search(part(group, str, "template", "spec", "containers", 0, "image") or "")
        found[f"image of {name}"] = image[1] if image else None
    return {escape(where): escape(version) for where, version in found.items() if version}


def services_lead(context: Context) -> Iterator[Outcome]:
    """Whether the Service of each host selects the pods of one cluster."""
    suspended = {
        reference for reference, item in target_items(context) if part(cluster_spec(reference, item), bool, "suspend")
    }
    for name, leading in _services(context).items():
        awake = [endpoint for endpoint in leading if endpoint.reference not in suspended]
        if awake:
            yield from _leads(context, awake, name)


def _services(context: Context) -> dict[ServiceName, list[Endpoint]]:
    """The Services that hosts name, each with where it is named."""
    found: dict[ServiceName, list[Endpoint]] = {}
    for endpoint in endpoints(context):
        if name := service_of(context, endpoint):
            found.setdefault(name, []).append(endpoint)
    return found


def _leads(context: Context, leading: Sequence[Endpoint], name: ServiceName) -> Iterator[Outcome]:
    service = context.find(f"/api/v1/namespaces/{name.namespace}/services", name.name)
    sources = listed([endpoint.source for endpoint in leading])
    selector = part(service and service.spec, dict, "selector") or {}
    clusters = {pod.labels.get(KUBERAY_CLUSTER) or "no cluster" for pod in selected_pods(context, name)}
    if service is None:
        yield Failed(
            CheckCode.NO_ENDPOINT,
            f"{sources}: there is no Service {name}",
            f"kubectl describe raycluster -n {name.namespace}, for KubeRay makes it"
            if any(endpoint.reference for endpoint in leading)
            else f"mend RAY_HOST in {sources}",
        )
    elif selector and not clusters:
        text = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
        yield Failed(
            CheckCode.NO_ENDPOINT,
            f"{sources}: the Service {name} selects no pod",
            f"kubectl get pods -n {name.namespace} -l {text}",
        )
    elif len(clusters) > 1:
        yield Failed(
            CheckCode.MIXED,
            f"{sources}: the Service {name} selects pods of {', '.join(sorted(map(escape, clusters)))}",
            f"kubectl patch service {name.name} -n {name.namespace} --type merge "
            f"""-p '{{"spec":{{"selector":{{"{KUBERAY_CLUSTER}":"CLUSTER"}}}}}}'""",
        )


def selected_pods(context: Context, name: ServiceName) -> list[Item]:
    """The pods behind a Service that have not ended and are not on their way out."""
    service = context.find(f"/api/v1/namespaces/{name.namespace}/services", name.name)
    selector = part(service and service.spec, dict, "selector")
    if not selector:
        return []
    found = context.items(f"/api/v1/namespaces/{name.namespace}/pods", labels=selector)
    return [
        pod for pod in found if pod.metadata.deletion_timestamp is None and part(pod.status, str, "phase") not in _ENDED
    ]


def network_policies(context: Context) -> Iterator[Outcome]:
    """Whether NetworkPolicies let clients reach the pods behind each host."""
    for name, leading in _services(context).items():
        for pod in selected_pods(context, name)[:1]:
            yield from let_clients_in(context, leading, name, pod)


CHECKS: Final = (
    Check(group=Group.RAY, name="ray-targets", title="Ray is found", run=are_discovered),
    Check(
        group=Group.RAY,
        name="ray-versions",
        title="each cluster is of one version",
        run=versions_agree,
        needs=("ray-targets",),
    ),
    Check(
        group=Group.RAY,
        name="ray-services",
        title="each Service leads to one cluster",
        run=services_lead,
        needs=("ray-targets",),
    ),
    Check(
        group=Group.RAY,
        name="network-policies",
        title="NetworkPolicies let clients in",
        run=network_policies,
        needs=("ray-targets",),
    ),
)
