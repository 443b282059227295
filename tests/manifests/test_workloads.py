"""Every pod template of every kind is found, with the way to it."""

from __future__ import annotations

from typing import Any

import pytest

from webhook.manifests.documents import parse_documents
from webhook.manifests.workloads import KINDS, Part, value_at, workloads_of

POD: dict[str, Any] = {"spec": {"containers": []}}
CLUSTER = {
    "headGroupSpec": {"template": POD},
    "workerGroupSpecs": [{"groupName": "small", "template": POD}, {"template": POD}, None],
}
SPECS: dict[str, Any] = {
    "Pod": {"spec": {"containers": []}},
    "PodTemplate": {"template": POD},
    "CronJob": {"spec": {"jobTemplate": {"spec": {"template": POD}}}},
    "RayCluster": {"spec": CLUSTER},
    "RayJob": {"spec": {"rayClusterSpec": CLUSTER, "submitterPodTemplate": POD}},
    "RayService": {"spec": {"rayClusterConfig": CLUSTER}},
    "RayCronJob": {"spec": {"jobTemplate": {"rayClusterSpec": CLUSTER, "submitterPodTemplate": POD}}},
}
NODES = ["head", "worker small", "worker 1"]
TITLES = {
    "RayCluster": NODES,
    "RayService": NODES,
    "RayJob": [*NODES, "submitter"],
    "RayCronJob": [*NODES, "submitter"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_all_templates_of_a_kind_are_found(kind: str) -> None:
    document = {"kind": kind, "metadata": {"name": "x"}, **SPECS.get(kind, {"spec": {"template": POD}})}

    found = workloads_of(document)

    titles = [f"{kind} ns/x {part}" for part in TITLES[kind]] if kind in TITLES else [f"{kind} ns/x"]
    assert [workload.title("ns") for workload in found] == titles
    assert all(value_at(document, workload.path) is workload.pod for workload in found)
    assert all((workload.part is Part.PLAIN) == (kind not in TITLES) for workload in found)


@pytest.mark.parametrize("spec", [None, 1, [], {}, {"template": None}, {"workerGroupSpecs": {}, "headGroupSpec": []}])
@pytest.mark.parametrize("kind", KINDS)
def test_a_template_that_is_missing_or_malformed_is_none(kind: str, spec: object) -> None:
    found = workloads_of({"kind": kind, "metadata": 1, "spec": spec})

    assert [workload.kind for workload in found] == (["Pod"] if kind == "Pod" else [])


def test_other_kinds_have_none() -> None:
    assert workloads_of({"kind": "Service", "spec": {"template": POD}}) == []


def test_the_namespace_is_the_manifests_own_or_none() -> None:
    (document,) = parse_documents("{kind: Pod, metadata: {namespace: shop, generateName: p-}}", source="s")

    (workload,) = workloads_of(document)

    assert (workload.namespace, workload.name, workload.title("other")) == ("shop", "p-", "Pod shop/p-")
