"""A pod that KubeRay makes of an injected template is what the webhook makes of the pod of the template before."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any, Final

import jsonpatch
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook import contract
from webhook.injection.decision import Decision, Deny, Inject, decide
from webhook.injection.envfile import good_settings
from webhook.injection.findings import InjectCode
from webhook.injection.review import parse_review
from webhook.injection.snapshot import Snapshot
from webhook.manifests.decisions import targets_of
from webhook.manifests.inject import inject
from webhook.manifests.outcomes import Given
from webhook.manifests.reviews import review_of
from webhook.manifests.source import Source
from webhook.manifests.workloads import Part, Workload, workloads_of

SETTINGS: Final = good_settings("RAY_HOST=ray.example\nRAY_NAMESPACE=dev\n", name="settings", source="settings")
NAMES: Final = ["RAY_ADDRESS", "RAY_HOST", "RAY_SERVE_ADDRESS", "RAY_PORT", "A"]
HOST: Final = "train-head-svc.shop.svc.cluster.local"
VALUES: Final = ["", "auto", "ray://x:1", "http://x", "127.0.0.1:6379", "$(RAY_HOST)", HOST]
ENVS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=4).map(
    lambda env: [{"name": name, "value": value} for name, value in env.items()]
)
ANNOTATIONS = st.fixed_dictionaries(
    {},
    optional={
        contract.ROLE: st.sampled_from(["head", "worker", "client", "none", "bad"]),
        contract.ON_CONFLICT: st.sampled_from(["keep", "deny", "override"]),
        contract.CONTAINERS: st.just("side"),
    },
)
TEMPLATES = st.builds(
    lambda annotations, env, side, env_from: {
        "metadata": {"annotations": annotations},
        "spec": {"containers": [{"name": "ray", "env": env, **env_from}, {"name": "side", "env": side}]},
    },
    ANNOTATIONS,
    ENVS,
    ENVS,
    st.fixed_dictionaries({}, optional={"envFrom": st.just([{"configMapRef": {"name": "x"}}])}),
)


def ray_cluster(head: Any, worker: Any) -> dict[str, Any]:
    workers = [{"groupName": "small", "template": worker}]
    spec = {"headGroupSpec": {"rayStartParams": {}, "template": head}, "workerGroupSpecs": workers}
    return {"kind": "RayCluster", "metadata": {"name": "train", "namespace": "shop"}, "spec": spec}


def review_by_operator(workload: Workload) -> dict[str, Any]:
    """The review of the pod that the operator makes of a template (ray-operator, common/pod.go)."""
    review = review_of(workload, namespace="shop", uid="x")
    pod = deepcopy(workload.pod)
    pod["metadata"] = deepcopy(review["request"]["object"]["metadata"])
    is_head = workload.part is Part.HEAD
    command = "ray start --head --port=6379" if is_head else f"ray start --address={HOST}:6379 --block"
    address = "127.0.0.1:6379" if is_head else f"{HOST}:6379"
    env = pod["spec"]["containers"][0]["env"]
    users = deepcopy(env)
    env += [] if is_head else [entry("FQ_RAY_IP", HOST), entry("RAY_IP", HOST)]
    env += [entry("RAY_CLUSTER_NAME", "train"), entry(contract.KUBERAY_START_COMMAND, command)]
    for name, value in (("RAY_PORT", "6379"), ("RAY_ADDRESS", address)):
        env += [] if name in [item["name"] for item in env] else [entry(name, value)]
    if not is_head:
        waiting = [*users, entry("FQ_RAY_IP", HOST), entry("RAY_IP", HOST)]
        pod["spec"]["initContainers"] = [{"name": contract.KUBERAY_WAIT_GCS, "env": waiting}]
    review["request"]["object"] = {"kind": "Pod", "apiVersion": "v1", **pod}
    return review


def entry(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


def decided(review: dict[str, Any], snapshot: Snapshot) -> Decision:
    return decide(parse_review(json.dumps(review).encode()), snapshot, default_role=None)


def webhooked(review: dict[str, Any], snapshot: Snapshot) -> dict[str, Any] | None:
    """The pod after the webhook; None where it is refused."""
    decision = decided(review, snapshot)
    if isinstance(decision, Deny):
        return None
    operations = list(decision.operations) if isinstance(decision, Inject) else []
    pod: dict[str, Any] = jsonpatch.apply_patch(deepcopy(review["request"]["object"]), operations)
    return pod


def variables(pod: dict[str, Any], container: int) -> dict[str, Any]:
    return {item["name"]: item.get("value") for item in pod["spec"]["containers"][container].get("env") or []}


@given(head=TEMPLATES, worker=TEMPLATES)
def test_the_pod_is_the_same_by_either_way(head: Any, worker: Any) -> None:
    document = ray_cluster(head, worker)
    targets = targets_of([document], namespace="shop")
    snapshot = Snapshot(cluster_wide=SETTINGS, targets=targets)
    source = Source.parse(msgspec.json.encode(document).decode(), name="s")

    result = inject(source, Given(snapshot=snapshot, namespace="shop"))

    (after,) = [item.value for item in Source.parse(result.text, name="s").documents]
    for was, now, outcome in zip(workloads_of(document), workloads_of(after), result.outcomes, strict=True):
        expected = webhooked(review_by_operator(was), snapshot)
        if expected is None:
            assert outcome.failed
            assert now.pod == was.pod
            continue
        review = review_by_operator(now)
        found = review["request"]["object"]
        assert [variables(found, 0), variables(found, 1)] == [variables(expected, 0), variables(expected, 1)]
        assert not isinstance(decided(review, snapshot), Inject)


def test_no_ray_container_ever_gets_a_clients_address() -> None:
    for role in ("head", "worker", "client"):
        pod = {"metadata": {"annotations": {contract.ROLE: role}}, "spec": {"containers": [{"name": "ray"}]}}
        text = json.dumps(ray_cluster(pod, pod))

        result = inject(Source.parse(text, name="s"), Given(snapshot=Snapshot(), namespace="shop"))

        assert "SEEDCORE_RAY_ROLE" in result.text
        assert "ray://" not in result.text


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("RayJob", ["rayClusterSpec"]),
        ("RayService", ["rayClusterConfig"]),
        ("RayCronJob", ["jobTemplate", "rayClusterSpec"]),
    ],
)
def test_a_cluster_whose_name_is_not_known_is_told_and_left_alone(kind: str, path: list[str]) -> None:
    head = {"metadata": {"annotations": {contract.ROLE: "head"}}, "spec": {"containers": [{"name": "ray"}]}}
    worker = {"spec": {"containers": [{"name": "ray", "env": [entry("RAY_ADDRESS", "ray://x"), entry("A", "b")]}]}}
    spec = ray_cluster(head, worker)["spec"]
    for key in reversed(path):
        spec = {key: spec}
    text = json.dumps({"kind": kind, "metadata": {"name": "train"}, "spec": spec})

    result = inject(Source.parse(text, name="s"), Given(snapshot=Snapshot(cluster_wide=SETTINGS), namespace="shop"))

    assert [(outcome.code, outcome.changed) for outcome in result.outcomes] == [
        (InjectCode.GENERATED_NAME, False),
        ("RAY105", True),
    ]
    (document,) = [item.value for item in Source.parse(result.text, name="s").documents]
    now, mended = workloads_of(document)
    assert now.pod == head
    assert mended.pod["spec"]["containers"][0]["env"] == [entry("A", "b")]
