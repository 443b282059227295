"""What an overlay says of its environment, and how the webhook's pods are run there."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest

from tests.deploy.rendering import KUSTOMIZE, NAMESPACE, OVERLAYS, Combination, built, objects, pod_template, the
from webhook import contract
from webhook.cluster import events, keeper, publisher, source
from webhook.injection.envfile import parse_env_file
from webhook.server import lifecycle, limits

Object = dict[str, Any]
Objects = tuple[Object, ...]

OUTSIDE_DEV = [name for name in OVERLAYS if name != "dev"]


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def found(overlay: str) -> Objects:
    return built(Combination(overlay=overlay))


def test_the_settings_are_good_and_say_nothing_that_the_webhook_derives(overlay: str) -> None:
    text = (KUSTOMIZE / "overlays" / overlay / "settings.env").read_text(encoding="utf-8")
    parsed = parse_env_file(text, source=overlay)
    assert (parsed.faults, parsed.settings.ignored) == ((), {})


def test_the_settings_are_of_known_keys(found: Objects) -> None:
    lists = (contract.RAY_ALIASES, contract.RAY_ALLOWED_REFERENCES)
    known = {*contract.CONNECTION_KEYS, *contract.AUTH_KEYS, *lists}
    assert set(the(found, "ConfigMap", contract.SETTINGS_NAME)["data"]) <= known


def test_the_host_says_the_environments_namespace(found: Objects, overlay: str) -> None:
    """For a bare Service name means another one in every namespace."""
    data = the(found, "ConfigMap", contract.SETTINGS_NAME)["data"]
    assert data[contract.RAY_HOST] == f"seedcore-head-svc.seedcore-{overlay}"
    assert data[contract.RAY_NAMESPACE] == f"seedcore-{overlay}"


def test_the_settings_are_one_configmap_of_a_plain_name_that_the_pods_may_follow(found: Objects) -> None:
    """With a hash in its name the webhook would not find it; with its content in the pod it would need a restart."""
    settings = the(found, "ConfigMap", contract.SETTINGS_NAME)
    assert settings["metadata"] == {"name": "ray-settings", "namespace": NAMESPACE}
    (container,) = pod_template(the(found, "Deployment"))["spec"]["containers"]
    assert {"name": "RAY_WEBHOOK_SETTINGS_NAME", "value": "ray-settings"} in container["env"]
    assert the(found, "ClusterRole")["rules"][0]["resourceNames"] == ["ray-settings"]


def test_an_overlay_differs_from_the_base_in_replicas_and_settings_alone(found: Objects) -> None:
    assert comparable(found) == comparable(objects(KUSTOMIZE / "base"))


def comparable(found: Sequence[Object]) -> list[Object]:
    """The objects without their settings and replicas."""
    kept = [copy.deepcopy(item) for item in found if item["kind"] != "ConfigMap"]
    the(kept, "Deployment")["spec"].pop("replicas")
    return kept


@pytest.mark.parametrize("name", OUTSIDE_DEV)
def test_outside_dev_there_are_two_replicas_at_least(name: str) -> None:
    assert the(built(Combination(overlay=name)), "Deployment")["spec"]["replicas"] >= 2


def test_one_pod_may_always_be_drained(found: Objects) -> None:
    budget = the(found, "PodDisruptionBudget")["spec"]
    assert (budget["maxUnavailable"], "minAvailable" in budget) == (1, False)


def test_an_update_takes_no_pod_away_before_another_is_ready(found: Objects) -> None:
    strategy = the(found, "Deployment")["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def test_a_pod_that_ends_answers_until_nobody_calls_it_and_has_time_to_finish(found: Objects) -> None:
    spec = pod_template(the(found, "Deployment"))["spec"]
    (container,) = spec["containers"]
    pre_stop = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    answers = limits.BODY_SECONDS + limits.ANSWER_SECONDS + lifecycle.DRAIN_SECONDS
    parting = keeper.STOP_SECONDS + source.STOP_SECONDS + publisher.STOP_SECONDS + events.STOP_SECONDS
    assert pre_stop > 0
    assert pre_stop + lifecycle.LAME_DUCK_SECONDS + answers + parting < spec["terminationGracePeriodSeconds"]


def test_a_service_of_the_same_name_sets_no_flags(found: Objects) -> None:
    """Kubernetes would say RAY_WEBHOOK_PORT=tcp://..., which is the flag --port, for the Service ray-webhook."""
    assert pod_template(the(found, "Deployment"))["spec"]["enableServiceLinks"] is False


def test_the_webhook_is_never_throttled(found: Objects) -> None:
    (container,) = pod_template(the(found, "Deployment"))["spec"]["containers"]
    assert set(container["resources"]["limits"]) == {"memory"}


def test_a_token_is_mounted_by_the_deployment_alone(found: Objects) -> None:
    assert the(found, "ServiceAccount")["automountServiceAccountToken"] is False
    assert pod_template(the(found, "Deployment"))["spec"]["automountServiceAccountToken"] is True


def test_mode_is_the_default_which_enforces(found: Objects) -> None:
    (container,) = pod_template(the(found, "Deployment"))["spec"]["containers"]
    assert container["args"] == ["serve"]
