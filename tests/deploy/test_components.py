"""What our own components add: a certificate, a network policy, the nodes' network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.deploy.rendering import (
    EVERYTHING,
    KUSTOMIZE,
    Combination,
    built,
    kustomization,
    objects,
    of_kind,
    pod_template,
    the,
    written,
)

Object = dict[str, Any]
Objects = tuple[Object, ...]

POD_SECURITY: Final = "pod-security.kubernetes.io/"
WITHOUT_HOST_NETWORK: Final = tuple(name for name in EVERYTHING if name != "host-network")


def added(*components: str) -> Objects:
    """Production with these components."""
    return built(Combination(overlay="production", components=components))


RIGHTS: Final = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")


@pytest.fixture
def certified() -> Objects:
    return added("cert-manager")


def test_the_certificate_is_for_the_name_by_which_the_api_server_calls(certified: Objects) -> None:
    certificate = the(certified, "Certificate")["spec"]
    assert certificate["dnsNames"] == ["ray-webhook.ray-webhook-system.svc"]
    assert "server auth" in certificate["usages"]


def test_the_certificate_is_where_the_pods_expect_it(certified: Objects) -> None:
    (volume,) = pod_template(the(certified, "Deployment"))["spec"]["volumes"]
    assert the(certified, "Certificate")["spec"]["secretName"] == volume["secret"]["secretName"]


def test_keys_are_p256_and_new_with_each_serving_certificate(certified: Objects) -> None:
    """The CA keeps its own: what it signed before its renewal is still good."""
    keys = {item["metadata"]["name"]: item["spec"]["privateKey"] for item in of_kind(certified, "Certificate")}
    p256 = {"algorithm": "ECDSA", "size": 256}
    assert keys == {
        "ray-webhook": {**p256, "rotationPolicy": "Always"},
        "ray-webhook-ca": {**p256, "rotationPolicy": "Never"},
    }


def test_the_certificate_is_issued_by_a_ca_that_signs_itself(certified: Objects) -> None:
    serving, authority = the(certified, "Certificate"), the(certified, "Certificate", "ray-webhook-ca")
    by_authority, by_itself = (
        the(certified, "Issuer", certificate["spec"]["issuerRef"]["name"])["spec"]
        for certificate in (serving, authority)
    )
    assert authority["spec"]["isCA"] is True
    assert by_authority == {"ca": {"secretName": authority["spec"]["secretName"]}}
    assert by_itself == {"selfSigned": {}}


def test_cert_manager_is_asked_for_the_ca_and_the_webhook_gets_no_right_for_it(certified: Objects) -> None:
    annotations = the(certified, "MutatingWebhookConfiguration")["metadata"]["annotations"]
    assert annotations == {"cert-manager.io/inject-ca-from": "ray-webhook-system/ray-webhook"}
    assert of_kind(certified, "ClusterRole") == [the(added(), "ClusterRole")]
    assert of_kind(certified, "Role") == of_kind(certified, "RoleBinding") == []


@pytest.mark.parametrize("component", ["own-certificate", "cert-manager"])
def test_a_certificate_of_others_is_mounted_and_takes_every_right_to_one_of_our_own_away(component: str) -> None:
    found = added(component)
    (container,) = pod_template(the(found, "Deployment"))["spec"]["containers"]
    assert container["args"] == ["serve", "--tls-cert=/tls/tls.crt", "--tls-key=/tls/tls.key"]
    taken = {kind: len(of_kind(added(), kind)) - len(of_kind(found, kind)) for kind in RIGHTS}
    assert taken == dict.fromkeys(RIGHTS, 1)
    assert [item for item in found if item["metadata"]["name"] == "ray-webhook-certificate"] == []


def test_without_cert_manager_nobody_is_asked_for_the_ca() -> None:
    assert "annotations" not in the(added(), "MutatingWebhookConfiguration")["metadata"]


@pytest.fixture
def policy() -> Object:
    spec: Object = the(added("network-policy"), "NetworkPolicy")["spec"]
    return spec


def test_the_network_policy_is_of_the_webhooks_pods(policy: Object) -> None:
    assert policy["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "ray-webhook"}}
    assert policy["policyTypes"] == ["Ingress", "Egress"]


def test_admission_is_open_to_all_and_operations_to_labelled_namespaces(policy: Object) -> None:
    """An API server is no pod, and its address is not known."""
    labelled = {"namespaceSelector": {"matchLabels": {"metrics": "enabled"}}}
    assert policy["ingress"] == [
        {"ports": [{"protocol": "TCP", "port": "admission"}]},
        {"from": [labelled], "ports": [{"protocol": "TCP", "port": "operations"}]},
    ]


def test_only_dns_and_api_servers_can_be_called(policy: Object) -> None:
    asked = {(port["protocol"], port["port"]) for rule in policy["egress"] for port in rule["ports"]}
    assert asked == {("UDP", 53), ("TCP", 53), ("TCP", 443), ("TCP", 6443), ("TCP", 8443)}


@pytest.fixture
def on_the_host() -> Objects:
    return added("host-network")


def test_on_the_nodes_network_the_flags_are_the_ports_that_are_told(on_the_host: Objects) -> None:
    spec = pod_template(the(on_the_host, "Deployment"))["spec"]
    (container,) = spec["containers"]
    flags = {entry["name"]: entry["value"] for entry in container["env"]}
    ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
    assert (spec["hostNetwork"], spec["dnsPolicy"]) == (True, "ClusterFirstWithHostNet")
    assert ports == {"admission": flags["RAY_WEBHOOK_PORT"], "operations": flags["RAY_WEBHOOK_OPS_PORT"]}


def test_on_the_nodes_network_no_two_pods_meet_on_a_node(on_the_host: Objects) -> None:
    template = pod_template(the(on_the_host, "Deployment"))
    (never,) = template["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert never["topologyKey"] == "kubernetes.io/hostname"
    assert never["labelSelector"]["matchLabels"] == template["metadata"]["labels"]


@pytest.mark.parametrize(
    ("components", "level"), [(WITHOUT_HOST_NETWORK, "restricted"), (EVERYTHING, "privileged")], ids=["without", "with"]
)
def test_the_namespace_is_restricted_but_for_the_nodes_network(components: tuple[str, ...], level: str) -> None:
    labels = the(added(*components), "Namespace", "ray-webhook-system")["metadata"]["labels"]
    security = {label.removeprefix(POD_SECURITY): value for label, value in labels.items() if POD_SECURITY in label}
    assert security == {"enforce": level, "warn": level}


def test_the_audit_runs_the_image_that_an_overlay_below_has_named(tmp_path: Path) -> None:
    """Its CronJob comes on top, where the overlay's own `images` no longer reaches it."""
    images = [{"name": "ray-webhook", "newName": "registry.example/ray-webhook", "newTag": "1.2.3"}]
    overlay = kustomization(tmp_path / "overlay", Combination(overlay="dev"), images=images)
    found = objects(written(tmp_path / "ours", [overlay], [KUSTOMIZE / "components" / "audit"]))
    (audit,) = pod_template(the(found, "CronJob", "ray-webhook-audit"))["spec"]["containers"]
    assert audit["image"] == "registry.example/ray-webhook:1.2.3"


def test_the_audit_takes_over_what_the_deployments_variables_say_below(tmp_path: Path) -> None:
    said = {"RAY_WEBHOOK_MODE": "observe", "RAY_WEBHOOK_CLUSTER_DOMAIN": "corp.example"}
    env = [{"name": name, "value": value} for name, value in said.items()]
    template = {"spec": {"containers": [{"name": "ray-webhook", "env": env}]}}
    patch = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "ray-webhook"},
        "spec": {"template": template},
    }
    patches = [{"patch": json.dumps(patch), "target": {"kind": "Deployment"}}]
    overlay = kustomization(tmp_path / "overlay", Combination(overlay="dev"), patches=patches)
    found = objects(written(tmp_path / "ours", [overlay], [KUSTOMIZE / "components" / "audit"]))
    (audit,) = pod_template(the(found, "CronJob", "ray-webhook-audit"))["spec"]["containers"]
    assert said.items() <= {entry["name"]: entry["value"] for entry in audit["env"]}.items()
