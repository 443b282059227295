"""Ray: images, Services and NetworkPolicies by what the API server says, and who answers by what the network says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster.checks.world import (
    HEAD_LABELS,
    HOST,
    NETWORK_POLICIES,
    RAY_CLUSTERS,
    RAY_SERVICES,
    SERVICES,
    World,
    problems,
    told,
)
from tests.cluster.fake_api_server import PODS
from tests.cluster.support import OWN
from webhook.cluster.checks.network import Answer
from webhook.cluster.checks.outcome import State

Object = dict[str, Any]
FULL = "seedcore-head-svc.seedcore-dev.svc.cluster.local"


def spec(world: World) -> Object:
    found: Object = world.object(RAY_CLUSTERS, "seedcore", "seedcore-dev")["spec"]
    return found


def worker_image(image: str) -> Callable[[World], object]:
    def spoil(world: World) -> None:
        spec(world)["workerGroupSpecs"][0]["template"]["spec"]["containers"][0]["image"] = image

    return spoil


def select(**labels: str) -> Callable[[World], object]:
    selector = {f"ray.io/{key.replace('_', '-')}": value for key, value in labels.items()}
    return lambda world: world.object(SERVICES, "seedcore-head-svc", "seedcore-dev")["spec"].update(selector=selector)


def other_head(world: World) -> None:
    select(node_type="head")(world)
    metadata = {"namespace": "seedcore-dev", "name": "other", "labels": {**HEAD_LABELS, "ray.io/cluster": "other"}}
    world.fake.add(PODS, {"metadata": metadata, "status": {"phase": "Running"}})


def answer(status: int, body: bytes = b"{}") -> Callable[[World], object]:
    return lambda world: setattr(world.network, "dashboard", Answer(status=status, body=body))


SPOILT: dict[str, tuple[Callable[[World], object], dict[str, list[str]], str]] = {
    "malformed": (
        lambda world: spec(world).update(headGroupSpec=[]),
        {"ray-targets": ["RAY777"]},
        "RayCluster seedcore-dev/seedcore: spec.headGroupSpec is a list; allowed: an object",
    ),
    "worker's image": (
        worker_image("rayproject/ray:2.59.1"),
        {"ray-versions": ["RAY773"], "ray-dashboards": ["RAY773"]},
        "rayVersion 2.60.0, image of head 2.60.0, image of small 2.59.1",
    ),
    "rayVersion": (
        lambda world: spec(world).update(rayVersion="2.9.0"),
        {"ray-versions": ["RAY773"], "ray-dashboards": ["RAY773"]},
        "Ray 2.60.0 runs, and the spec says rayVersion 2.9.0",
    ),
    "no service": (
        lambda world: world.remove(SERVICES, "seedcore-head-svc", "seedcore-dev"),
        {"ray-services": ["RAY774"]},
        "RayCluster seedcore-dev/seedcore, ConfigMap ray-webhook-system/ray-settings: there is no Service",
    ),
    "no pod": (
        select(cluster="gone"),
        {"ray-services": ["RAY774"]},
        "seedcore-head-svc selects no pod => kubectl get pods -n seedcore-dev -l ray.io/cluster=gone",
    ),
    "ended": (
        lambda world: world.object(PODS, "seedcore-head", "seedcore-dev").update(status={"phase": "Failed"}),
        {"ray-services": ["RAY774"]},
        "selects no pod",
    ),
    "two clusters": (
        other_head,
        {"ray-services": ["RAY775"]},
        "selects pods of other, seedcore => kubectl patch service seedcore-head-svc -n seedcore-dev",
    ),
    "no name": (
        lambda world: world.network.unknown.update({HOST, FULL}),
        {"ray-names": ["RAY770", "RAY770"]},
        "kubectl get services -A --field-selector metadata.name=seedcore-head-svc",
    ),
    "no client port": (
        lambda world: world.network.closed.add(f"{FULL}:10001"),
        {"ray-ports": ["RAY771"]},
        f"Ray Client does not answer at {FULL}:10001 (Connection refused)",
    ),
    "no serve port": (
        lambda world: world.network.closed.add(f"{FULL}:8000"),
        {"ray-ports": ["RAY771"]},
        f"Serve does not answer at {FULL}:8000",
    ),
    "another version": (
        answer(200, b'{"ray_version": "2.61.0"}'),
        {"ray-dashboards": ["RAY773"]},
        "RayCluster seedcore-dev/seedcore: Ray 2.61.0 runs, and the spec says rayVersion 2.60.0",
    ),
    "no dashboard": (answer(404, b"nginx"), {"ray-dashboards": ["RAY772", "RAY772"]}, 'status 404, "nginx"'),
    "no JSON": (answer(200, b"\xff<html>"), {"ray-dashboards": ["RAY772", "RAY772"]}, "is not Ray's dashboard"),
    "no answer": (
        lambda world: setattr(world.network, "dashboard", Answer(fault="timed out")),
        {"ray-dashboards": ["RAY772", "RAY772"]},
        f"http://{FULL}:8265/api/version is not Ray's dashboard (timed out)",
    ),
}


@pytest.mark.parametrize(("spoil", "expected", "words"), SPOILT.values(), ids=SPOILT)
def test_what_is_wrong_is_told_with_what_mends_it(
    world: World, spoil: Callable[[World], object], expected: dict[str, list[str]], words: str
) -> None:
    spoil(world)
    results = world.look()

    assert problems(results) == expected
    assert words in "\n".join(told(results[name]) for name in expected)


def test_serve_that_does_not_answer_is_only_a_warning(world: World) -> None:
    world.network.closed.add(f"{FULL}:8000")

    assert world.look()["ray-ports"].state is State.WARNED


@pytest.mark.parametrize("status", [401, 403])
def test_a_dashboard_that_wants_a_token_answers(world: World, status: int) -> None:
    answer(status)(world)
    result = world.look()["ray-dashboards"]

    assert (result.state, "wants a token" in told(result)) == (State.PASSED, True)


def test_the_tag_of_an_image_that_is_not_rays_own_says_nothing(world: World) -> None:
    worker_image("registry.example:5000/trainer:1.4.2")(world)

    assert problems(world.look()) == {}


def test_a_suspended_cluster_has_no_pods_and_that_is_right(world: World) -> None:
    spec(world)["suspend"] = True
    world.fake.config_map(OWN, {"RAY_HOST": "203.0.113.7"})
    world.remove(PODS, "seedcore-head", "seedcore-dev")

    assert "ray-services" not in problems(world.look())


def test_a_rayservice_is_looked_at_by_its_own_services(world: World) -> None:
    cluster = {"rayVersion": "2.60.0", "headGroupSpec": {}}
    metadata = {"namespace": "seedcore-dev", "name": "chat"}
    world.fake.add(RAY_SERVICES, {"metadata": metadata, "spec": {"rayClusterConfig": cluster}})
    results = world.look()

    assert problems(results) == {"ray-services": ["RAY774"]}
    assert "RayService seedcore-dev/chat: there is no Service seedcore-dev/chat-head-svc" in told(
        results["ray-services"]
    )
    assert "http://chat-head-svc.seedcore-dev.svc.cluster.local:8265/api/version" in world.network.asked


def test_a_host_outside_of_the_cluster_is_asked_and_is_no_service(world: World) -> None:
    world.fake.config_map(OWN, {"RAY_HOST": "ray.example"})
    results = world.look()

    assert problems(results) == {}
    assert "http://ray.example:8265/api/version" in world.network.asked


def test_a_bare_host_is_asked_in_its_own_namespace_and_nowhere_else(world: World) -> None:
    world.fake.config_map("seedcore-dev", {"RAY_HOST": "seedcore-head-svc"})
    world.look()

    assert "http://seedcore-head-svc.seedcore-dev:8265/api/version" in world.network.asked
    assert not any("//seedcore-head-svc:" in url for url in world.network.asked)


def policy(name: str = "deny", labels: Object | None = None, **spec: Any) -> Callable[[World], object]:
    metadata = {"namespace": "seedcore-dev", "name": name}
    whole = {"podSelector": {"matchLabels": labels or {}}, **spec}
    return lambda world: world.fake.add(NETWORK_POLICIES, {"metadata": metadata, "spec": whole})


ANY_PORT = [{"protocol": "TCP", "port": 1, "endPort": 65535}]
FROM_ALL: Object = {"namespaceSelector": {}}
WHERE = ["clients", "default", "seedcore-dev"]
BY_NAME = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": WHERE}
POLICIES: dict[str, tuple[Object, str]] = {
    "nothing is let in": (
        {},
        "would keep pods of clients, default, seedcore-dev from 10001, 8265, 8000 of seedcore-dev/seedcore-head-svc",
    ),
    "an empty rule": ({"ingress": [{}]}, ""),
    "all namespaces": ({"ingress": [{"from": [FROM_ALL]}]}, ""),
    "other namespaces": (
        {"ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"a": "b"}}}]}]},
        "would keep pods of clients, default, seedcore-dev from",
    ),
    "its own pods": ({"ingress": [{"from": [{"podSelector": {}}]}]}, "would keep pods of clients, default from"),
    "some ports": (
        {"ingress": [{"from": [FROM_ALL], "ports": [{"port": 8265}, {"port": 8000}]}]},
        "would keep pods of clients, default, seedcore-dev from 10001 of",
    ),
    "a range": ({"ingress": [{"from": [FROM_ALL], "ports": ANY_PORT}]}, ""),
    "a named port": (
        {"ingress": [{"from": [FROM_ALL], "ports": [{"port": "client"}]}]},
        "would keep pods of clients, default, seedcore-dev from 8265, 8000 of",
    ),
    "UDP": (
        {"ingress": [{"from": [FROM_ALL], "ports": [{"protocol": "UDP"}]}]},
        "would keep pods of clients, default, seedcore-dev from",
    ),
    "some pods": (
        {"ingress": [{"from": [{**FROM_ALL, "podSelector": {"matchLabels": {"a": "b"}}}]}]},
        "may keep pods of clients, default, seedcore-dev from",
    ),
    "addresses": (
        {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
        "may keep pods of clients, default, seedcore-dev from",
    ),
    "by name": ({"ingress": [{"from": [{"namespaceSelector": {"matchExpressions": [BY_NAME]}}]}]}, ""),
    "egress only": ({"policyTypes": ["Egress"]}, ""),
}


@pytest.mark.parametrize(("fields", "words"), POLICIES.values(), ids=POLICIES)
def test_policies_that_keep_clients_out_are_told(world: World, fields: Object, words: str) -> None:
    policy(**fields)(world)
    results = world.look()

    assert set(problems(results)) == ({"network-policies"} if words else set())
    assert words in told(results["network-policies"])


def test_what_mends_it_is_a_policy_that_lets_the_clients_in(world: World) -> None:
    policy()(world)
    said = told(world.look()["network-policies"])
    world.fake.add(NETWORK_POLICIES, json.loads(said.partition("echo '")[2].partition("' | kubectl apply -f -")[0]))

    assert problems(world.look()) == {}


def test_policies_add_up_and_those_for_other_pods_do_not_count(world: World) -> None:
    policy("deny")(world)
    policy("others", {"app": "other"})(world)
    policy("clients", HEAD_LABELS, ingress=[{"from": [FROM_ALL], "ports": ANY_PORT}])(world)

    assert problems(world.look()) == {}
