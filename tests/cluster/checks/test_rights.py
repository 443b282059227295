"""A right that is missing fails the check that needs it, with the commands that grant it; a sick cluster ends all."""

from __future__ import annotations

import pytest

from tests.cluster.checks.world import CONFIGURATIONS, DEPLOYMENTS, SERVICES, World, problems, told
from tests.cluster.support import OWN
from webhook.cluster.checks.runner import forbidden
from webhook.errors import ClusterError

REFUSED = 'User "system:serviceaccount:a:b" cannot list resource "{}" in API group "{}" at the cluster scope'


def refuse(world: World, path: str, resource: str, group: str) -> None:
    world.fake.faults.status[path] = 403
    world.fake.faults.message = f"{resource} is forbidden: {REFUSED.format(resource, group)}"


def test_one_missing_right_fails_the_checks_that_need_it_and_no_other(world: World) -> None:
    refuse(world, SERVICES, "services", "")
    world.fake.config_map(OWN, {"RAY_HOST": "bare"})
    results = world.look()

    assert problems(results) == {"bare-hosts": ["RAY710"]}
    assert told(results["bare-hosts"]) == (
        "system:serviceaccount:a:b may not list services => "
        "kubectl create clusterrole ray-webhook-check-list-services --verb=list --resource=services && "
        "kubectl create clusterrolebinding ray-webhook-check-list-services "
        "--clusterrole=ray-webhook-check-list-services --user=system:serviceaccount:a:b"
    )


def test_a_deployment_that_may_not_be_read_leaves_the_usual_names(world: World) -> None:
    path = f"/apis/apps/v1/namespaces/{OWN}/deployments"
    refuse(world, path, "deployments", "apps")

    assert problems(world.look()) == {"deployment": ["RAY710"]}


def test_a_configuration_that_may_not_be_read_is_a_failure_and_what_needs_it_is_skipped(world: World) -> None:
    refuse(world, CONFIGURATIONS, "mutatingwebhookconfigurations", "admissionregistration.k8s.io")
    results = world.look()

    assert problems(results) == {"configuration": ["RAY710"], "guard-parameter": ["RAY710"]}
    assert "--resource=mutatingwebhookconfigurations.admissionregistration.k8s.io" in told(results["configuration"])


def test_a_user_may_be_called_anything(world: World) -> None:
    text = 'x: User "a b; id" cannot get resource "pods/log" in API group "" in the namespace "n"'

    assert forbidden(text).hint.endswith("--role=ray-webhook-check-get-pods-log --user='a b; id'")


def test_a_refusal_of_another_form_is_told_as_it_is(world: World) -> None:
    assert forbidden("no").detail == "no"


@pytest.mark.parametrize("status", [401, 500, 503])
@pytest.mark.parametrize("path", ["/version", CONFIGURATIONS, f"/apis/apps/v1/namespaces/{OWN}/deployments"])
def test_an_api_server_that_does_not_answer_ends_the_look(world: World, path: str, status: int) -> None:
    world.fake.faults.status[path] = status

    with pytest.raises(ClusterError) as caught:
        world.look()
    assert caught.value.status == status


def test_a_kind_that_is_not_served_has_no_objects(world: World) -> None:
    for path in (DEPLOYMENTS, "/apis/ray.io/v1/rayclusters", "/apis/ray.io/v1/rayservices"):
        del world.fake.collections[path]

    assert problems(world.look()) == {"deployment": ["RAY740"]}
