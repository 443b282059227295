"""Before an installation: each thing in the way is named, with what takes it out of the way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cluster.checks.world import ADMISSION, CONFIGURATIONS, DEPLOYMENTS, NAME, NAMESPACES, World, problems, told
from tests.cluster.fake_api_server import PODS
from tests.cluster.support import OWN
from webhook.cluster.checks.outcome import State


def version(major: str, minor: str) -> Callable[[World], object]:
    told = {"major": major, "minor": minor, "gitVersion": f"v{major}.{minor}"}
    return lambda world: world.fake.documents.update({"/version": told})


def serve(**documents: list[str]) -> Callable[[World], object]:
    resources = {"resources": [{"name": name} for name in documents["resources"]]}
    return lambda world: world.fake.documents.update({ADMISSION: resources})


def kuberay(*versions: str, kinds: tuple[str, ...] = ("rayclusters", "rayservices")) -> Callable[[World], object]:
    group = {"name": "ray.io", "versions": [{"version": version} for version in versions]}
    return lambda world: world.fake.documents.update(
        {"/apis": {"groups": [group]}, "/apis/ray.io/v1": {"resources": [{"name": kind} for kind in kinds]}}
    )


def unlabel(path: str, namespace: str) -> Callable[[World], object]:
    return lambda world: world.object(path, NAME, namespace)["metadata"].pop("labels")


def end_namespace(world: World) -> None:
    world.object(NAMESPACES, OWN)["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"


def add_other_pod(world: World) -> None:
    world.fake.add(PODS, {"metadata": {"namespace": OWN, "name": "database"}})


SPOILT: dict[str, tuple[Callable[[World], object], str, State, str, str]] = {
    "old": (version("1", "29+"), "kubernetes-version", State.FAILED, "RAY711", "v1.29+; needed: 1.30 or newer"),
    "no policies": (serve(resources=[]), "admission-policies", State.WARNED, "RAY712", "leave the components guard"),
    "alpha": (kuberay("v1alpha1"), "kuberay", State.FAILED, "RAY716", "v1alpha1, without ray.io/v1"),
    "half": (kuberay("v1", kinds=("rayclusters",)), "kuberay", State.FAILED, "RAY716", "ray.io/v1 rayservices"),
    "foreign configuration": (
        unlabel(CONFIGURATIONS, ""),
        "free-names",
        State.FAILED,
        "RAY714",
        "kubectl delete mutatingwebhookconfiguration ray-webhook",
    ),
    "foreign deployment": (
        unlabel(DEPLOYMENTS, OWN),
        "free-names",
        State.FAILED,
        "RAY714",
        f"kubectl delete deployment ray-webhook -n {OWN}",
    ),
    "left over": (
        lambda world: world.remove(DEPLOYMENTS, NAME, OWN),
        "free-names",
        State.WARNED,
        "RAY714",
        "without its Deployment",
    ),
    "ending": (end_namespace, "namespace", State.FAILED, "RAY715", "kubectl wait --for=delete namespace/"),
    "others": (add_other_pod, "namespace", State.FAILED, "RAY715", "pods of others, which would never be treated"),
    "no rights": (
        lambda world: world.lacking.add("create mutatingwebhookconfigurations"),
        "installer-rights",
        State.FAILED,
        "RAY713",
        "alice may not create mutatingwebhookconfigurations.admissionregistration.k8s.io",
    ),
    "rights that cannot be granted": (
        lambda world: world.lacking.update({"escalate clusterroles", "list rayclusters"}),
        "installer-rights",
        State.FAILED,
        "RAY713",
        "alice may not list rayclusters.ray.io",
    ),
}


@pytest.mark.parametrize(("spoil", "check", "state", "code", "words"), SPOILT.values(), ids=SPOILT)
def test_what_is_in_the_way_is_told(
    world: World, spoil: Callable[[World], object], check: str, state: State, code: str, words: str
) -> None:
    spoil(world)
    results = world.look(before=True)

    assert problems(results) == {check: [code]}
    assert results[check].state is state
    assert words in told(results[check])


@pytest.mark.parametrize(("minor", "fine"), [("29", False), ("30", True), ("30+", True), ("100", True), ("", True)])
def test_kubernetes_1_30_is_enough_and_a_version_that_cannot_be_read_is_no_failure(
    world: World, minor: str, fine: bool
) -> None:
    version("1", minor)(world)

    assert (problems(world.look(before=True)) == {}) is fine


def test_a_cluster_without_kuberay_is_ready(world: World) -> None:
    world.fake.documents["/apis"] = {"groups": []}
    result = world.look(before=True)["kuberay"]

    assert (result.state, "KubeRay is not installed" in told(result)) == (State.SKIPPED, True)


def test_a_cluster_where_nothing_is_installed_yet_is_ready(world: World) -> None:
    world.remove(NAMESPACES, OWN)
    world.remove(CONFIGURATIONS, NAME)
    world.remove(DEPLOYMENTS, NAME, OWN)

    assert problems(world.look(before=True)) == {}


def test_who_asks_about_itself_needs_no_right_to_ask(world: World) -> None:
    world.look(before=True)
    asked = {request.path.rpartition("/")[2] for request in world.fake.requests if request.method == "POST"}

    assert "subjectaccessreviews" not in asked


def test_an_old_api_server_that_does_not_tell_who_asks_is_told_as_old(world: World) -> None:
    """SelfSubjectReview came with 1.28."""
    version("1", "27")(world)
    del world.fake.creations["selfsubjectreviews"]

    assert problems(world.look(before=True)) == {"kubernetes-version": ["RAY711"]}
    assert "kubernetes-version" in problems(world.look())
