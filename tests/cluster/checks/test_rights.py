"""Rights that are missing are told together, with what grants them, and skip what needs them."""

from __future__ import annotations

import re

import pytest

from tests.cluster.checks.world import CONFIGURATIONS, DEPLOYMENTS, SERVICES, World, problems, told
from tests.cluster.fake_api_server import refusal
from tests.cluster.support import OWN
from webhook.cluster.checks.catalogue import BEFORE, INSTALLED
from webhook.cluster.checks.outcome import State
from webhook.cluster.checks.refusals import refused
from webhook.cluster.checks.rights import granting, used
from webhook.cluster.checks.shipped import Right
from webhook.errors import ClusterError

REFUSED = 'User "alice" cannot {} resource "{}" in API group "{}" at the cluster scope'


def refuse(world: World, path: str, resource: str, group: str = "") -> None:
    """An API server that refuses a list, whatever it answers to who asks before."""
    world.fake.faults.status[path] = 403
    world.fake.faults.message = f"{resource} is forbidden: {REFUSED.format('list', resource, group)}"


def lack(world: World, path: str, resource: str, group: str = "") -> None:
    """A right that is missing, and known to be."""
    world.lacking.add(f"list {resource}")
    refuse(world, path, resource, group)


def states(world: World, state: State) -> set[str]:
    return {name for name, result in world.look().items() if result.state is state}


def test_all_rights_that_are_missing_are_one_failure_with_one_way_to_grant_them(world: World) -> None:
    world.lacking |= {"list services", "list validatingadmissionpolicies", "create subjectaccessreviews"}
    results = world.look()

    assert problems(results) == {"rights": ["RAY710"]}
    assert told(results["rights"]) == (
        "alice may not create subjectaccessreviews.authorization.k8s.io, "
        "list services, "
        "list validatingadmissionpolicies.admissionregistration.k8s.io => "
        "ray-webhook check --rights >rights.yaml, and let an administrator run: kubectl apply -f rights.yaml"
    )


def test_what_needs_a_right_that_was_told_as_missing_is_skipped_and_says_so(world: World) -> None:
    lack(world, CONFIGURATIONS, "mutatingwebhookconfigurations", "admissionregistration.k8s.io")
    results = world.look()

    assert problems(results) == {"rights": ["RAY710"]}
    lacking = "alice may not list mutatingwebhookconfigurations.admissionregistration.k8s.io"
    assert (results["configuration"].state, told(results["configuration"])) == (State.SKIPPED, lacking)
    assert told(results["guard-parameter"]) == lacking
    assert told(results["selection"]) == 'it needs "the webhook configuration is there", which was skipped'
    assert results["trial-client"].state is State.SKIPPED


def test_a_right_that_nothing_turns_out_to_need_skips_nothing(world: World) -> None:
    """Services of all namespaces are looked for where a host is bare, and here none is."""
    lack(world, SERVICES, "services")

    assert states(world, State.SKIPPED) == set()


def test_secrets_and_trial_pods_are_an_administrators_and_no_failure(world: World) -> None:
    lack(world, f"/api/v1/namespaces/{OWN}/secrets", "secrets")
    world.lacking.add("create pods")
    text = 'pods is forbidden: User "alice" cannot create resource "pods" in API group "" in the namespace "default"'
    world.fake.creations["pods"] = lambda request: (403, refusal(403, text))
    results = world.look()

    assert problems(results) == {"rights": ["RAY710"]}
    assert results["rights"].state is State.WARNED
    assert told(results["rights"]) == (
        f"alice may not list secrets/ray-webhook-tls -n {OWN}, create pods -n default => "
        "to create pods and to list secrets is too strong a right for this: "
        "an administrator's own ray-webhook check has it"
    )
    assert told(results["secret"]) == "alice may not list secrets"
    assert told(results["trial-client"]) == told(results["trial-bad-role"]) == "alice may not create pods -n default"


def test_both_kinds_are_told_together(world: World) -> None:
    world.lacking |= {"list secrets", "list namespaces"}
    result = world.look()["rights"]

    assert result.state is State.FAILED
    assert "kubectl apply -f rights.yaml; to list secrets is too strong a right" in told(result)


def test_before_an_installation_what_cannot_be_looked_at_is_told_as_well(world: World) -> None:
    lack(world, "/api/v1/namespaces", "namespaces")
    results = world.look(before=True)

    assert problems(results) == {"rights": ["RAY710"]}
    assert told(results["namespace"]) == "alice may not list namespaces"


def test_a_refusal_that_nobody_foresaw_fails_the_check_itself(world: World) -> None:
    refuse(world, DEPLOYMENTS.replace("v1/", f"v1/namespaces/{OWN}/"), "deployments", "apps")
    results = world.look()

    assert problems(results) == {"deployment": ["RAY710"]}
    assert told(results["deployment"]) == "alice may not list deployments.apps => let an administrator grant it"


def test_a_refusal_of_another_form_is_told_as_it_is(world: World) -> None:
    world.fake.faults.status[CONFIGURATIONS] = 403
    world.fake.faults.message = "no"

    assert told(world.look()["configuration"]) == "no => have the right granted that the API server names"
    assert refused("no") is None


def test_what_is_granted_is_limited_to_names_and_knows_no_secrets() -> None:
    rights = [
        Right(verb="list", group="", resource="configmaps", name="ray-settings"),
        Right(verb="list", group="", resource="services", name="ray-webhook", namespace=OWN),
        Right(verb="list", group="", resource="services"),
        Right(verb="list", group="", resource="secrets", name="x", namespace=OWN),
        Right(verb="create", group="", resource="pods", namespace="default"),
    ]
    role, binding = granting("a/b", rights)

    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"], "resourceNames": ["ray-settings"]},
        {"apiGroups": [""], "resources": ["services"], "verbs": ["list"]},
    ]
    assert role["metadata"] == binding["metadata"] == {"name": "ray-webhook-check:a-b"}
    assert (binding["subjects"][0]["name"], binding["roleRef"]["name"]) == ("a/b", "ray-webhook-check:a-b")


def test_every_list_that_is_read_is_of_a_right_that_is_asked_for(world: World) -> None:
    world.fake.config_map(OWN, {"RAY_HOST": "bare"})
    world.deployment["status"]["readyReplicas"] = 1
    world.look()
    world.look(before=True)
    rights = {(right.group, right.resource) for right in used([*BEFORE, *INSTALLED], world.context())}
    read = {of_list(request.path) for request in world.fake.requests if "limit" in request.query}

    assert read - rights == set()
    assert rights - read == {("authorization.k8s.io", "subjectaccessreviews")}


def of_list(path: str) -> tuple[str, str]:
    """Group and resource of a list's path."""
    found = re.fullmatch(r"/apis?/(?:([^/]+)/)?v1(?:/namespaces/[^/]+)?/(\w+)", path)
    assert found, path
    return found[1] or "", found[2]


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
