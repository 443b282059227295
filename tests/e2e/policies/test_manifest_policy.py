"""What the manifest policy tells of a workload that is created: each rule, in every template of every kind."""

from __future__ import annotations

from typing import Any

import pytest

from ray_config.address import Form, RayAddress
from tests.control_plane.cluster import ControlPlane
from tests.e2e.policies.manifests import PLAIN, RAY, cron_job, deployment, job, ray_cluster, template
from tests.e2e.policies.support import answered, in_namespace, told, try_out
from tests.e2e.workloads import our_annotations
from tests.injection.support import FROM_FIELD, Env, container

pytestmark = pytest.mark.e2e

P = "ray.seedcore.io/"
KEYS = ["role", "cluster", "service", "connect", "ray-namespace", "containers", "skip-containers", "on-conflict"]
EVERYWHERE = PLAIN | RAY
BY_HAND = {"RAY_ADDRESS": "ray://by-hand:10001"}


def heard(plane: ControlPlane, document: dict[str, Any], namespace: str = "apps") -> list[str]:
    """The codes that are told of the creation; it succeeds."""
    answer = try_out(plane, in_namespace(document, namespace))
    answer.checked()
    return told(answer)


@pytest.mark.parametrize("place", EVERYWHERE)
def test_a_right_template_hears_nothing(policed: ControlPlane, place: str) -> None:
    for made in (
        template(),
        template(role="none", env=BY_HAND),
        template(role="worker", containers="app", connect="jobs"),
    ):
        assert heard(policed, EVERYWHERE[place](made)) == []


@pytest.mark.parametrize("place", EVERYWHERE)
@pytest.mark.parametrize(
    ("made", "code"),
    [
        (template(role="bad"), "RAY301"),
        (template(role=""), "RAY301"),
        (template(rol="client"), "RAY602"),
        (template(cluster="train"), "RAY603"),
        (template(role="head", env=BY_HAND), "RAY604"),
        (template(role="worker", env={"RAY_HOST": "by-hand"}), "RAY604"),
    ],
    ids=["bad role", "empty role", "unknown key", "cluster without a role", "wrong address", "declared host"],
)
def test_a_fault_is_found_in_every_template(policed: ControlPlane, place: str, made: dict[str, Any], code: str) -> None:
    assert heard(policed, EVERYWHERE[place](made)) == [code]


def test_faults_in_several_templates_are_told_together(policed: ControlPlane) -> None:
    cluster = ray_cluster(template(role="bad"), template(role="worker", env=BY_HAND), template(cluster="x", rol="y"))
    assert heard(policed, cluster) == ["RAY301", "RAY602", "RAY603", "RAY604"]


# RAY601: annotations on the workload itself.


def with_annotations(document: dict[str, Any], **written: str) -> dict[str, Any]:
    document["metadata"]["annotations"] = our_annotations(written)
    return document


@pytest.mark.parametrize("place", EVERYWHERE)
def test_our_annotations_on_the_workload_instead_of_the_template(policed: ControlPlane, place: str) -> None:
    assert heard(policed, with_annotations(EVERYWHERE[place](template()), role="client")) == ["RAY601"]


@pytest.mark.parametrize("place", EVERYWHERE)
def test_our_annotations_on_both_are_fine(policed: ControlPlane, place: str) -> None:
    assert heard(policed, with_annotations(EVERYWHERE[place](template(role="worker")), role="worker")) == []


def test_our_annotations_on_a_cron_jobs_job(policed: ControlPlane) -> None:
    document = cron_job(template())
    document["spec"]["jobTemplate"]["metadata"] = {"annotations": our_annotations({"role": "client"})}
    assert heard(policed, document) == ["RAY601"]


def test_annotations_of_others_on_the_workload_are_fine(policed: ControlPlane) -> None:
    document = deployment(template())
    document["metadata"]["annotations"] = {"example.com/role": "client", "ray.io/ft-enabled": "true"}
    assert heard(policed, document) == []


# RAY602: unknown keys.


@pytest.mark.parametrize("key", KEYS)
def test_every_key_that_a_user_writes_is_known(policed: ControlPlane, key: str) -> None:
    made = template(role="client")
    made["metadata"]["annotations"][P + key] = "head"
    assert heard(policed, deployment(made)) == []


@pytest.mark.parametrize("key", ["Role", "rol", "status", "default-role", "injection", "container"])
def test_a_key_that_is_none_is_told(policed: ControlPlane, key: str) -> None:
    """The status, too: the webhook writes it on pods, and in a template it is a record of nothing."""
    made = template(role="client")
    made["metadata"]["annotations"][P + key] = "client"
    assert heard(policed, deployment(made)) == ["RAY602"]


def test_a_key_written_as_a_label_is_told(policed: ControlPlane) -> None:
    made = template()
    made["metadata"]["labels"][P + "role"] = "client"
    assert heard(policed, deployment(made)) == ["RAY602"]


# RAY603: cluster or service without a role.


def named(key: str, **written: Any) -> dict[str, Any]:
    written[key] = "train"
    return template(**written)


@pytest.mark.parametrize("key", ["cluster", "service"])
def test_a_reference_without_a_role_is_told(policed: ControlPlane, key: str) -> None:
    made = named(key)
    assert heard(policed, deployment(made)) == ["RAY603"]
    assert heard(policed, deployment(named(key, role="client"))) == []


def test_a_reference_is_heard_without_a_role_where_pods_are_clients_by_default(policed: ControlPlane) -> None:
    assert heard(policed, deployment(template(cluster="train")), "clients") == []
    assert heard(policed, ray_cluster(template(cluster="train")), "clients") == ["RAY603"]


# RAY604: declared Ray settings.

CONNECTION = [
    "RAY_HOST",
    "RAY_SERVE_URL",
    "RAY_DASHBOARD_URL",
    "RAY_NAMESPACE",
    "RAY_SERVE_ADDRESS",
    "RAY_DASHBOARD_ADDRESS",
]
SET_FOR_ALL = [*CONNECTION, "RAY_API_SERVER_ADDRESS", "SEEDCORE_RAY_ROLE"]
OTHERS = [
    *("GRPC_ENABLE_FORK_SUPPORT", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_CLIENT_MAX_RETRIES", "RAY_REDIS_ADDRESS"),
    *("RAY_CLUSTER_NAME", "FQ_RAY_IP", "RAY_DEDUP_LOGS", "RAY_memory_monitor_refresh_ms", "HOST", "ray_address"),
]
"""Those that are only set where absent, KubeRay's own, and Ray's tuning."""


@pytest.mark.parametrize("value", ["by-hand", "", FROM_FIELD])
@pytest.mark.parametrize("role", ["client", "head", "worker"])
@pytest.mark.parametrize("name", SET_FOR_ALL)
def test_what_a_role_sets_is_told_where_it_is_declared(policed: ControlPlane, name: str, role: str, value: Any) -> None:
    assert heard(policed, deployment(template(env=[(name, value)], role=role))) == ["RAY604"]


@pytest.mark.parametrize("place", ["Deployment", "RayCluster's head"])
@pytest.mark.parametrize("role", ["client", "head", "worker"])
def test_what_no_role_sets_is_fine(policed: ControlPlane, place: str, role: str) -> None:
    assert heard(policed, EVERYWHERE[place](template(env=[(name, "1") for name in OTHERS], role=role))) == []


@pytest.mark.parametrize(("role", "codes"), [("client", ["RAY604"]), ("head", []), ("worker", [])])
def test_ray_port_is_a_setting_for_clients_only(policed: ControlPlane, role: str, codes: list[str]) -> None:
    assert heard(policed, deployment(template(env={"RAY_PORT": "6379"}, role=role))) == codes
    assert heard(policed, ray_cluster(template(env={"RAY_PORT": "6379"}, role=role))) == []


LABEL = "a" * 63
RIGHT: list[Any] = [
    *("auto", "", "head:6379", "10.0.0.1:65535", "[fd00::a]:1", "head.example.:1", "my_host:6379", f"{LABEL}.b:1"),
    *("h:9", "h:59999", "h:64999", "h:65499", "h:65529", "[::]:1", "[1:2:3:4:5:6:7:8]:1", "[1:2:3:4:5:6:7::]:1"),
    *("[::1]:6379", "[::ffff:10.0.0.1]:1", "[1:2:3:4:5:6:10.0.0.1]:1", "[::2:3:4:5:6:7:8]:1"),
]
WRONG: list[Any] = [
    *("ray://h:10001", "http://h:8265", "https://h", "local", "h", "[::1]", "$(RAY_HOST):6379", " auto", FROM_FIELD),
    *("h:99999", "h:65536", "10.0.0.1:0", "h:0123", "h:", ":6379", "h:6379\n", "-h:1", "h-:1", "a..b:1", f"{LABEL}a:1"),
    *("[:::]:1", "[1::2::3]:1", "[1:2:3:4:5:6:7]:1", "[1:2:3:4:5:6:7:8:9]:1", "[12345::]:1", "[fe80::1%eth0]:1"),
    *("[]:1", "[10.0.0.1]:1", ":::1", "::1:6379", "a" * 300 + ":1", "x" * 1_000_000),
]


def test_what_is_right_inside_ray_is_so_for_the_code_too() -> None:
    direct = (Form.AUTO, Form.EMPTY, Form.DIRECT)
    strings = [value for value in (*RIGHT, *WRONG) if isinstance(value, str)]
    assert [value for value in strings if RayAddress.parse(value).form in direct] == RIGHT


@pytest.mark.parametrize("value", [*RIGHT, *WRONG], ids=lambda value: str(value)[:70])
def test_an_address_that_is_right_inside_ray_is_fine_there(policed: ControlPlane, value: Any) -> None:
    env: Env = [("RAY_ADDRESS", value)]
    codes = [] if value in RIGHT else ["RAY604"]
    for role in ("head", "worker"):
        assert heard(policed, deployment(template(env=env, role=role))) == codes
        assert heard(policed, ray_cluster(template(), template(env=env, role=role))) == codes
    assert heard(policed, ray_cluster(template(env=env))) == codes
    assert heard(policed, deployment(template(env=env, role="client"))) == ["RAY604"]
    assert heard(policed, deployment(template(env=env))) == []


@pytest.mark.parametrize("place", ["Deployment", "RayCluster's head"])
@pytest.mark.parametrize(("mode", "codes"), [("keep", []), ("override", ["RAY604"]), ("deny", ["RAY604"])])
def test_what_is_kept_is_fine(policed: ControlPlane, place: str, mode: str, codes: list[str]) -> None:
    made = template(env=BY_HAND, role="head", on_conflict=mode)
    assert heard(policed, EVERYWHERE[place](made)) == codes


def test_an_init_container_counts(policed: ControlPlane) -> None:
    assert heard(policed, job(template(init=[container("init", BY_HAND)], role="client"))) == ["RAY604"]


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        ({"containers": "app"}, []),
        ({"containers": " side , app"}, ["RAY604"]),
        ({"skip_containers": "side"}, []),
        ({"skip_containers": "app"}, ["RAY604"]),
        ({"containers": " "}, ["RAY604"]),
    ],
)
def test_a_container_that_the_webhook_leaves_alone_may_declare_what_it_likes(
    policed: ControlPlane, written: dict[str, Any], codes: list[str]
) -> None:
    made = template(container("app"), container("side", BY_HAND), role="client", **written)
    assert heard(policed, deployment(made)) == codes


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        ({"role": "head"}, []),
        ({"role": "head", "containers": "side"}, ["RAY604"]),
        ({"containers": "side"}, []),
        ({"role": "head", "containers": "side", "skip_containers": "side"}, []),
    ],
)
def test_beside_kuberays_ray_container_only_listed_ones_count(
    policed: ControlPlane, written: dict[str, Any], codes: list[str]
) -> None:
    made = template(container("ray-head"), container("side", BY_HAND), **written)
    assert heard(policed, ray_cluster(made)) == codes


def test_without_a_role_only_the_address_of_kuberays_ray_container_counts(policed: ControlPlane) -> None:
    """It is what the webhook would mend; the rest is the RayCluster's own business."""
    assert heard(policed, ray_cluster(template(env={"RAY_HOST": "by-hand", "RAY_SERVE_ADDRESS": "by-hand"}))) == []
    assert heard(policed, ray_cluster(template(env=BY_HAND))) == ["RAY604"]
    assert heard(policed, ray_cluster(template(env=BY_HAND, skip_containers="app"))) == []


@pytest.mark.parametrize(
    ("place", "codes"), [("RayJob's submitter", []), ("RayCronJob's submitter", []), ("Job", ["RAY604"])]
)
def test_kuberays_job_submitter_may_declare_what_it_likes(policed: ControlPlane, place: str, codes: list[str]) -> None:
    """The webhook leaves its pod alone; elsewhere a container of that name is one like others."""
    submitter = container("ray-job-submitter", {"RAY_DASHBOARD_ADDRESS": "by-hand:8265"})
    assert heard(policed, PLAIN[place](template(submitter, container("side", BY_HAND), role="client"))) == codes


# Who is never judged.


@pytest.mark.parametrize("namespace", ["off", "kube-system", "kube-node-lease", "ray-webhook-system"])
def test_workloads_of_a_namespace_that_the_webhook_leaves_alone_hear_nothing(
    policed: ControlPlane, namespace: str
) -> None:
    assert heard(policed, job(template(role="bad")), namespace) == []


@pytest.mark.parametrize("controller", [True, False])
@pytest.mark.parametrize("place", EVERYWHERE)
def test_what_a_controller_writes_hears_nothing(policed: ControlPlane, place: str, controller: bool) -> None:
    """A ReplicaSet of a Deployment, a Job of a CronJob, a RayCluster of a RayJob; another owner changes nothing."""
    document = EVERYWHERE[place](template(role="bad"))
    owner = {"apiVersion": "example.com/v1", "kind": "Thing", "name": "thing", "uid": "1", "controller": controller}
    document["metadata"]["ownerReferences"] = [owner]
    assert heard(policed, document) == ([] if controller else ["RAY301"])


def test_a_redis_clean_up_job_hears_nothing(policed: ControlPlane) -> None:
    made = template(role="bad", env=BY_HAND)
    made["metadata"]["labels"]["ray.io/node-type"] = "redis-cleanup"
    assert heard(policed, job(made)) == []


# What is said.

DECLARES = "the pod template of Deployment apps/one declares what its role sets:"


def test_it_names_the_workload_the_containers_the_values_what_is_allowed_and_the_fix(policed: ControlPlane) -> None:
    made = template(
        container("app", [("RAY_HOST", "by-hand"), ("RAY_PORT", FROM_FIELD)]), container("side", BY_HAND), role="client"
    )
    assert told_of(policed, deployment(made), "RAY604") == [
        f'{DECLARES} container app RAY_HOST "by-hand", RAY_PORT (valueFrom)',
        'container side RAY_ADDRESS "ray://by-hand:10001"',
        "allowed: none of these",
        "take them out, or set ray.seedcore.io/on-conflict to keep",
    ]


def told_of(plane: ControlPlane, document: dict[str, Any], code: str) -> list[str]:
    """The parts of the one warning: what is wrong, what is allowed, the fix."""
    (warning,) = try_out(plane, document).warnings
    return warning.partition(f": {code}: ")[2].split("; ")


SAID = {
    "RAY301": [
        'annotation ray.seedcore.io/role in the pod template of RayCluster apps/one is "Client\\n"',
        "allowed: head, worker, client, none",
        "set it to one of the four",
    ],
    "RAY601": [
        "Deployment apps/one itself has ray.seedcore.io/cluster, which does nothing there",
        "allowed: on its pods",
        "move it to the metadata of the pod template",
    ],
    "RAY602": [
        "the pod template of Deployment apps/one has annotation ray.seedcore.io/rol, which does nothing there",
        f"allowed: annotations {', '.join(KEYS)}",
        "mend or remove it",
    ],
    "RAY603": [
        'the pod template of Deployment apps/one has annotation ray.seedcore.io/service "a/b" but no role',
        "allowed: beside a role",
        "set ray.seedcore.io/role to head, worker or client",
    ],
}
FAULTY = {
    "RAY301": ray_cluster(template(role="Client\n")),
    "RAY601": with_annotations(deployment(template()), cluster="x"),
    "RAY602": deployment(template(rol="x")),
    "RAY603": deployment(template(service="a/b")),
}


@pytest.mark.parametrize("code", SAID)
def test_it_says(policed: ControlPlane, code: str) -> None:
    assert told_of(policed, FAULTY[code], code) == SAID[code]


# Namespaces.


@pytest.mark.parametrize(
    ("labels", "codes"),
    [
        ({}, []),
        ({P + "default-role": "client"}, []),
        ({P + "injection": "disabled", P + "default-role": "client"}, []),
        ({P + "default-role": "worker"}, ["RAY605"]),
        ({P + "default-role": ""}, ["RAY605"]),
        ({P + "injection": "enabled"}, ["RAY605"]),
        ({P + "injection": "off", P + "default-role": "Client"}, ["RAY605", "RAY605"]),
    ],
)
def test_a_namespaces_label_whose_value_does_nothing(
    policed: ControlPlane, labels: dict[str, str], codes: list[str]
) -> None:
    document = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new", "labels": labels}}
    assert answered(try_out(policed, document)) == (codes, 201)


def test_it_says_what_a_namespaces_label_may_be(policed: ControlPlane) -> None:
    metadata = {"name": "new", "labels": {P + "default-role": "head"}}
    assert told_of(policed, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}, "RAY605") == [
        'label ray.seedcore.io/default-role of Namespace new is "head", which does nothing',
        "allowed: client",
        "set it to that, or remove it",
    ]
    metadata = {"name": "new", "labels": {P + "injection": "off"}}
    assert told_of(policed, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}, "RAY605") == [
        'label ray.seedcore.io/injection of Namespace new is "off", which does nothing',
        "allowed: disabled",
        "set it to that, or remove it",
    ]
