"""Where a RayCluster or RayService is reached, by its spec: KubeRay's names and ports, and specs that are malformed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.service import FIXTURES
from webhook.injection.discovery import MAX_REMARKS, Discovered, discover
from webhook.injection.snapshot import RayTarget, Reference, TargetKind, assumed_target

TRAIN = Reference(kind=TargetKind.CLUSTER, namespace="team-a", name="train")
CHAT = Reference(kind=TargetKind.SERVICE, namespace="team-a", name="chat")
ASSUMED = assumed_target(TRAIN)
FIRST_PORT = "spec.headGroupSpec.template.spec.containers[0].ports[0].containerPort"


def head(*ports: dict[str, Any], **group: Any) -> dict[str, Any]:
    """A RayCluster's spec whose head container declares `ports`, with further fields of the head group."""
    container = {"name": "ray-head", "ports": list(ports)}
    return {"headGroupSpec": {"template": {"spec": {"containers": [container, {"name": "sidecar"}]}}, **group}}


def port(name: str | None, number: Any) -> dict[str, Any]:
    return {"containerPort": number} | ({} if name is None else {"name": name})


def service_ports(**ports: Any) -> dict[str, Any]:
    return {"spec": {"ports": [{"name": name, "port": number} for name, number in ports.items()]}}


def with_token(secret: str) -> RayTarget:
    return RayTarget(head_service="train-head-svc", auth_secret=secret)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, RayTarget(head_service="train-head-svc")),
        (head(), RayTarget(head_service="train-head-svc")),
        (
            {"headGroupSpec": {"headService": {"metadata": {"name": "moved"}}}},
            RayTarget(head_service="moved"),
        ),
        (
            {"headGroupSpec": {"headService": {"metadata": {"name": ""}}}},
            RayTarget(head_service="train-head-svc"),
        ),
        (
            head(port("client", 20001), port("dashboard", 20002), port("serve", 20003), port("gcs-server", 20004)),
            RayTarget(head_service="train-head-svc", client_port=20001, dashboard_port=20002, serve_port=20003),
        ),
        (head(port("serve", 9000)), RayTarget(head_service="train-head-svc", serve_port=9000)),
        (head(port("ray-client", 20001)), RayTarget(head_service="train-head-svc")),
        (head(port(None, 20001)), RayTarget(head_service="train-head-svc")),
        (
            head(port("ray-client", 20001), rayStartParams={"ray-client-server-port": "20001", "dashboard-port": "1"}),
            RayTarget(head_service="train-head-svc", client_port=20001, dashboard_port=1),
        ),
        (
            head(port("client", 2), rayStartParams={"ray-client-server-port": "20001"}),
            RayTarget(head_service="train-head-svc", client_port=2),
        ),
        (
            head(port("metrics", 8080), headService=service_ports(client=443, dashboard=80)),
            RayTarget(head_service="train-head-svc", client_port=443, dashboard_port=80),
        ),
        (
            head(port("client", 2), headService=service_ports(client=443)),
            RayTarget(head_service="train-head-svc", client_port=2),
        ),
        (head(headService=service_ports(client=443)), RayTarget(head_service="train-head-svc")),
        ({"authOptions": {"mode": "token"}}, with_token("train")),
        ({"authOptions": {"mode": "token", "secretName": "tok"}}, with_token("tok")),
        ({"authOptions": {"mode": "disabled", "secretName": "tok"}}, RayTarget(head_service="train-head-svc")),
        (
            {"authOptions": {"mode": "token", "enableK8sTokenAuth": True}},
            RayTarget(head_service="train-head-svc"),
        ),
    ],
)
def test_a_raycluster_is_reached_where_kuberay_puts_it(spec: dict[str, Any], expected: RayTarget) -> None:
    assert discover(TRAIN, spec) == Discovered(target=expected)


@pytest.mark.parametrize(
    ("spec", "head_service", "serve_service", "serve_port"),
    [
        ({}, "chat-head-svc", "chat-serve-svc", 8000),
        ({"rayClusterConfig": {}}, "chat-head-svc", "chat-serve-svc", 8000),
        (
            {"rayClusterConfig": {"headGroupSpec": {"headService": {"metadata": {"name": "moved"}}}}},
            "chat-head-svc",
            "chat-serve-svc",
            8000,
        ),
        ({"serveService": {"metadata": {"name": "answers"}}}, "chat-head-svc", "answers", 8000),
        ({"serveService": service_ports(serve=80)}, "chat-head-svc", "chat-serve-svc", 80),
        ({"serveService": service_ports(other=80)}, "chat-head-svc", "chat-serve-svc", 8000),
        (
            {"rayClusterConfig": head(port("serve", 9000)), "serveService": service_ports(serve=80)},
            "chat-head-svc",
            "chat-serve-svc",
            9000,
        ),
    ],
)
def test_a_rayservice_is_reached_by_services_of_its_own(
    spec: dict[str, Any], head_service: str, serve_service: str, serve_port: int
) -> None:
    target = discover(CHAT, spec).target

    assert (target.head_service, target.serve_service, target.serve_port) == (head_service, serve_service, serve_port)


def test_a_rayservice_has_the_ports_of_its_cluster() -> None:
    target = discover(CHAT, {"rayClusterConfig": head(port("client", 1), port("dashboard", 2))}).target

    assert (target.client_port, target.dashboard_port) == (1, 2)


def test_the_token_of_a_rayservice_needs_a_name_that_stays() -> None:
    unnamed = discover(CHAT, {"rayClusterConfig": {"authOptions": {"mode": "token"}}})
    named = discover(CHAT, {"rayClusterConfig": {"authOptions": {"mode": "token", "secretName": "tok"}}})

    assert unnamed.target.auth_secret is None
    assert unnamed.remarks == (
        "spec.rayClusterConfig.authOptions.secretName is missing, so the token's Secret has another name each upgrade",
    )
    assert (named.target.auth_secret, named.target.auth_key) == ("tok", "auth_token")


def test_serve_behind_a_gateway_is_remarked() -> None:
    found = discover(CHAT, {"upgradeStrategy": {"type": "NewClusterWithIncrementalUpgrade"}})

    assert found.target == assumed_target(CHAT)
    assert "Gateway" in found.remarks[0]


@pytest.mark.parametrize(
    ("name", "head_service", "secret"),
    [
        ("a" * 41, "a" * 41 + "-head-svc", "a" * 41),
        ("a" * 42, "a" * 41 + "-head-svc", "a" * 42),
        ("bbb-" + "a" * 40, "r" + "a" * 40 + "-head-svc", "bbb-" + "a" * 40),
        ("bb-" + "a" * 49, "a" * 41 + "-head-svc", "r" + "a" * 49),
        ("1st", "rst-head-svc", "rst"),
    ],
)
def test_names_that_are_too_long_are_cut_as_kuberay_cuts_them(name: str, head_service: str, secret: str) -> None:
    reference = Reference(kind=TargetKind.CLUSTER, namespace="team-a", name=name)
    target = discover(reference, {"authOptions": {"mode": "token"}}).target

    assert (target.head_service, target.auth_secret) == (head_service, secret)


@pytest.mark.parametrize(
    ("spec", "remark"),
    [
        (None, None),
        ([], "spec is a list; allowed: an object"),
        ("x", "spec is a string; allowed: an object"),
        ({"headGroupSpec": []}, "spec.headGroupSpec is a list; allowed: an object"),
        ({"headGroupSpec": {"headService": 5}}, "spec.headGroupSpec.headService is an integer; allowed: an object"),
        (
            {"headGroupSpec": {"headService": {"metadata": {"name": {}}}}},
            "spec.headGroupSpec.headService.metadata.name is an object; allowed: a string",
        ),
        (
            {"headGroupSpec": {"headService": {"metadata": {"name": "evil.example/#"}}}},
            'spec.headGroupSpec.headService.metadata.name is "evil.example/#"; allowed: the name of a Service',
        ),
        (
            {"headGroupSpec": {"headService": {"metadata": {"name": "a.b"}}}},
            'spec.headGroupSpec.headService.metadata.name is "a.b"; allowed: the name of a Service',
        ),
        (
            {"headGroupSpec": {"template": {"spec": {"containers": {}}}}},
            "spec.headGroupSpec.template.spec.containers is an object; allowed: a list",
        ),
        (
            {"headGroupSpec": {"template": {"spec": {"containers": [7]}}}},
            "spec.headGroupSpec.template.spec.containers[0] is an integer; allowed: an object",
        ),
        (head(port("client", "10001")), f"{FIRST_PORT} is a string; allowed: an integer"),
        (head(port("client", 70000)), f"{FIRST_PORT} is 70000; allowed: a port of 1-65535"),
        (head(port("client", True)), f"{FIRST_PORT} is a number or boolean; allowed: an integer"),
        (
            head(rayStartParams={"dashboard-port": "http"}),
            'spec.headGroupSpec.rayStartParams.dashboard-port is "http"; allowed: a port of 1-65535',
        ),
        ({"authOptions": "token"}, "spec.authOptions is a string; allowed: an object"),
        (
            {"authOptions": {"mode": "token", "secretName": "A B"}},
            'spec.authOptions.secretName is "A B"; allowed: the name of a Secret',
        ),
    ],
)
def test_a_malformed_part_is_remarked_and_counts_as_absent(spec: object, remark: str | None) -> None:
    found = discover(TRAIN, spec)

    assert found.target == ASSUMED
    assert found.remarks == (() if remark is None else (remark,))


def test_remarks_of_a_hostile_spec_are_few() -> None:
    found = discover(TRAIN, head(*({"containerPort": str(number)} for number in range(10_000))))

    assert len(found.remarks) == MAX_REMARKS


_FIELDS = (
    "headGroupSpec", "headService", "metadata", "name", "spec", "ports", "port", "containerPort", "template",
    "containers", "rayStartParams", "ray-client-server-port", "dashboard-port", "authOptions", "mode", "secretName",
    "enableK8sTokenAuth", "rayClusterConfig", "serveService", "upgradeStrategy", "type",
)  # fmt: skip
_ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["client", "serve", "token", "10001", "x y", ""])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_FIELDS), inner, max_size=6),
    max_leaves=25,
)


@given(spec=_ANYTHING, reference=st.sampled_from([TRAIN, CHAT]))
def test_no_spec_raises_or_gives_what_cannot_be_injected(spec: object, reference: Reference) -> None:
    target = discover(reference, spec).target

    assert all(0 < number < 65536 for number in (target.client_port, target.dashboard_port, target.serve_port))
    assert target.head_service.replace("-", "").isalnum()
    assert (target.serve_service is None) is (reference.kind is TargetKind.CLUSTER)


@pytest.mark.parametrize(
    ("recorded", "service"),
    [("raycluster-default", "service-seedcore-head-svc"), ("rayservice-starting", None)],
)
def test_recorded_objects_are_found_where_their_operator_put_them(recorded: str, service: str | None) -> None:
    item = json.loads((FIXTURES / "objects" / f"{recorded}.json").read_text())
    reference = Reference(kind=TargetKind(item["kind"]), namespace="x", name=item["metadata"]["name"])
    found = discover(reference, item["spec"])

    assert found.remarks == ()
    if service is None:
        assert found.target == assumed_target(reference)
        return
    made = json.loads((FIXTURES / "objects" / f"{service}.json").read_text())
    ports = {row["name"]: row["port"] for row in made["spec"]["ports"]}
    assert found.target.head_service == made["metadata"]["name"] == item["status"]["head"]["serviceName"]
    assert (found.target.client_port, found.target.dashboard_port) == (ports["client"], ports["dashboard"])
