"""What holds in every overlay, whatever components are added: names lead somewhere, and selectors to our pods alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.deploy.rendering import (
    NAMESPACE,
    Combination,
    built,
    combined,
    of_kind,
    pod_template,
    templates,
    the,
    workloads,
)
from tests.deploy.schemas import validate

Object = dict[str, Any]
Objects = tuple[Object, ...]

CLUSTER_WIDE: Final = {
    "ClusterRole",
    "ClusterRoleBinding",
    "MutatingWebhookConfiguration",
    "Namespace",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}
PINNED_IMAGE: Final = re.compile(r"[^:@]+:(?!latest$)[\w.-]+|[^@]+@sha256:[0-9a-f]{64}")


@pytest.fixture(params=combined(1), ids=str)
def found(request: pytest.FixtureRequest) -> Objects:
    combination: Combination = request.param
    return built(combination)


def test_every_object_fits_its_schema(found: Objects) -> None:
    for document in found:
        validate(document)


def test_every_object_is_in_the_webhooks_namespace_or_in_none(found: Objects) -> None:
    assert {item["metadata"].get("namespace") for item in found} == {NAMESPACE, None}
    assert {item["kind"] for item in found if "namespace" not in item["metadata"]} <= CLUSTER_WIDE


def test_every_image_is_of_one_version(found: Objects) -> None:
    images = [container["image"] for template in templates(found) for container in template["spec"]["containers"]]
    assert [image for image in images if not PINNED_IMAGE.fullmatch(image)] == []


def test_every_container_says_what_it_needs_and_cannot_write_to_its_image(found: Objects) -> None:
    """Neither is asked for by Pod Security's level `restricted`, which the end-to-end tests show."""
    for container in (container for template in templates(found) for container in template["spec"]["containers"]):
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_selectors_find_our_pods_alone(found: Objects) -> None:
    """A pod of another workload must neither be called as the webhook nor be counted as one of its replicas."""
    ours = the(found, "Deployment")
    for labels in selectors(found):
        assert [item for item in workloads(found) if labels.items() <= labels_of_pods(item).items()] == [ours]


def selectors(found: Objects) -> Iterator[dict[str, str]]:
    deployment = the(found, "Deployment")
    yield deployment["spec"]["selector"]["matchLabels"]
    yield from (spread["labelSelector"]["matchLabels"] for spread in pod_spec(deployment)["topologySpreadConstraints"])
    yield the(found, "Service")["spec"]["selector"]
    yield the(found, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"]


def pod_spec(workload: Object) -> Object:
    spec: Object = pod_template(workload)["spec"]
    return spec


def labels_of_pods(workload: Object) -> dict[str, str]:
    labels: dict[str, str] = pod_template(workload)["metadata"].get("labels", {})
    return labels


def test_every_port_by_name_is_one_of_the_webhooks(found: Objects) -> None:
    (container,) = pod_spec(the(found, "Deployment"))["containers"]
    named = list(ports_by_name(found, container))
    assert {"admission", "operations"} <= set(named) <= {port["name"] for port in container["ports"]}


def ports_by_name(found: Objects, container: Object) -> Iterator[str]:
    for service in of_kind(found, "Service"):
        yield from (port["targetPort"] for port in service["spec"]["ports"])
    for policy in of_kind(found, "NetworkPolicy"):
        yield from (port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"])
    yield from (container[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe"))


def test_every_pod_runs_as_a_service_account_of_its_own(found: Objects) -> None:
    accounts = {item["metadata"]["name"] for item in of_kind(found, "ServiceAccount")}
    used = [template["spec"]["serviceAccountName"] for template in templates(found)]
    assert sorted(used) == sorted(accounts)


def test_rights_are_bound_to_service_accounts_that_are_there(found: Objects) -> None:
    accounts = {item["metadata"]["name"] for item in of_kind(found, "ServiceAccount")}
    for binding in of_kind(found, "ClusterRoleBinding") + of_kind(found, "RoleBinding"):
        for subject in binding["subjects"]:
            assert (subject["kind"], subject["namespace"]) == ("ServiceAccount", NAMESPACE)
            assert subject["name"] in accounts


def test_the_webhook_is_called_by_its_service_and_not_for_its_own_pods(found: Objects) -> None:
    for webhook in the(found, "MutatingWebhookConfiguration")["webhooks"]:
        service = webhook["clientConfig"]["service"]
        assert (service["name"], service["namespace"]) == ("ray-webhook", NAMESPACE)
        assert the(found, "Service")["spec"]["ports"][0]["port"] == service["port"]
        excluded = webhook["namespaceSelector"]["matchExpressions"][0]
        assert (excluded["operator"], NAMESPACE in excluded["values"]) == ("NotIn", True)
