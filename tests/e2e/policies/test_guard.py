"""The guard while the webhook is away: which pods have to wait for it, and which are only told of, or let through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.e2e import installation, workloads
from tests.e2e.policies.support import answered, in_namespace, labelled, try_out
from tests.e2e.support import STRATEGIC_MERGE, create
from tests.injection.support import FROM_FIELD, Env, container, kuberay_pod, pod

pytestmark = pytest.mark.e2e

REFUSED_CLIENT, REFUSED_NODE, REFUSED_ROLE = (["RAY311"], 403), (["RAY312"], 403), (["RAY301"], 403)
TOLD_NODE, TOLD_ROLE = (["RAY312"], 201), (["RAY301"], 201)
LET_THROUGH: tuple[list[str], int] = ([], 201)

BY_HAND = {"RAY_ADDRESS": "ray://by-hand:10001"}
EMPTY = {"RAY_ADDRESS": ""}
AUTO = [("RAY_ADDRESS", "auto")]
OPERATOR = {"app.kubernetes.io/created-by": "kuberay-operator"}
SUBMITTER = {"ray.io/originated-from-cr-name": "train", "ray.io/originated-from-crd": "RayJob", **OPERATOR}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pod:
    """A pod of one container ``app`` with `env`, unless `containers` are given."""

    role: str | None = "client"
    env: Env = None
    containers: tuple[dict[str, Any], ...] = ()
    init: tuple[dict[str, Any], ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    written: Mapping[str, str] = field(default_factory=dict)

    def made(self) -> dict[str, Any]:
        more = {"init": list(self.init)} if self.init else {}
        return pod(
            self.role, *self.containers, env=self.env, labels=self.labels, annotations=dict(self.written), **more
        )


def two(**written: str) -> Pod:
    """A client of which only ``app`` has an address; its init container ``init`` has one too."""
    written = {key.replace("_", "-"): value for key, value in written.items()}
    containers = (container("app", BY_HAND), container("side"))
    return Pod(containers=containers, init=(container("init", BY_HAND),), written=written)


CLIENTS = {
    "without an address": (Pod(), REFUSED_CLIENT),
    "with an empty address": (Pod(env=EMPTY), REFUSED_CLIENT),
    "with an address without a value": (Pod(env=[{"name": "RAY_ADDRESS"}]), REFUSED_CLIENT),
    "with ray:// and no host": (Pod(env={"RAY_ADDRESS": "ray://"}), REFUSED_CLIENT),
    "with ray:// and a port alone": (Pod(env={"RAY_ADDRESS": "ray://:10001"}), REFUSED_CLIENT),
    "with another variable alone": (Pod(env={"RAY_HOST": "by-hand"}), REFUSED_CLIENT),
    "with an address": (Pod(env=BY_HAND), LET_THROUGH),
    "with the dashboard's address": (Pod(env={"RAY_ADDRESS": "http://by-hand:8265"}), LET_THROUGH),
    "with an address that only Ray's own pods may have": (Pod(env={"RAY_ADDRESS": "auto"}), LET_THROUGH),
    "with an address that cannot be read": (Pod(env={"RAY_ADDRESS": FROM_FIELD}), LET_THROUGH),
    "whose last duplicate is empty": (Pod(env=[*BY_HAND.items(), *EMPTY.items()]), REFUSED_CLIENT),
    "whose last duplicate has a value": (Pod(env=[*EMPTY.items(), *BY_HAND.items()]), LET_THROUGH),
    "that keeps what it has, but has no address": (Pod(written={"on-conflict": "keep"}), REFUSED_CLIENT),
    "that keeps its address": (Pod(env=BY_HAND, written={"on-conflict": "keep"}), LET_THROUGH),
    "with a second container without one": (two(), REFUSED_CLIENT),
    "with an init container without one": (Pod(env=BY_HAND, init=(container("init"),)), REFUSED_CLIENT),
    "that lists the container with one": (two(containers="app"), LET_THROUGH),
    "that lists it among blanks": (two(containers=" app ,, init"), LET_THROUGH),
    "that lists the container without one": (two(containers="side"), REFUSED_CLIENT),
    "that lists a container that is not there": (two(containers="later"), LET_THROUGH),
    "that skips the container without one": (two(skip_containers="side"), LET_THROUGH),
    "that skips the container with one": (two(skip_containers="app"), REFUSED_CLIENT),
    "with an empty list": (two(containers=" , "), REFUSED_CLIENT),
    "with a list that no container can be on": (two(containers="App"), REFUSED_CLIENT),
    "with a list to skip that no container can be on": (two(skip_containers="side,Side"), REFUSED_CLIENT),
    "with a container in both lists": (two(containers="side", skip_containers="side"), REFUSED_CLIENT),
    "with KubeRay's label alone": (Pod(labels={"ray.io/node-type": "head"}), REFUSED_CLIENT),
    "with KubeRay's command in an init container alone": (
        Pod(
            labels={"ray.io/node-type": "head"},
            env=EMPTY,
            init=(container("init", {"KUBERAY_GEN_RAY_START_CMD": "ray start", **BY_HAND}),),
        ),
        REFUSED_CLIENT,
    ),
}
ROLES = {
    **{
        f"role {role!r}": (Pod(role=role, env=BY_HAND), REFUSED_ROLE) for role in ("", "Client", " head", "head,worker")
    },
    "role none": (Pod(role="none", env=BY_HAND, containers=()), LET_THROUGH),
    "role none, and no address": (Pod(role="none"), LET_THROUGH),
    "no role": (Pod(role=None), LET_THROUGH),
}
WRONG = ("ray://by-hand:10001", "http://by-hand:8265", "https://by-hand")
RIGHT = ("auto", "", "by-hand:6379", "local", "by-hand")
NODES = {
    **{f"a {role} with {value}": (Pod(role=role, env={"RAY_ADDRESS": value}), REFUSED_NODE)
       for role in ("head", "worker") for value in WRONG},
    **{f"a {role} with {value!r}": (Pod(role=role, env={"RAY_ADDRESS": value}), LET_THROUGH)
       for role in ("head", "worker") for value in RIGHT},
    "a worker without an address": (Pod(role="worker"), LET_THROUGH),
    "a head with an address that cannot be read": (Pod(role="head", env={"RAY_ADDRESS": FROM_FIELD}), LET_THROUGH),
    "a head that keeps it": (Pod(role="head", env=BY_HAND, written={"on-conflict": "keep"}), LET_THROUGH),
    "a head that denies it": (Pod(role="head", env=BY_HAND, written={"on-conflict": "deny"}), REFUSED_NODE),
    "a head whose last duplicate is wrong": (Pod(role="head", env=[*AUTO, *BY_HAND.items()]), REFUSED_NODE),
    "a head whose last duplicate is right": (Pod(role="head", env=[*BY_HAND.items(), *AUTO]), LET_THROUGH),
    "a head that skips the container": (Pod(role="head", env=BY_HAND, written={"skip-containers": "app"}), LET_THROUGH),
    "a head with it in an init container": (Pod(role="head", init=(container("init", BY_HAND),)), REFUSED_NODE),
}  # fmt: skip


def in_default(command: list[str] | None = None, **fields: Any) -> Pod:
    return Pod(role=None, containers=(container(command=command),) if command else (), **fields)


DEFAULT = {
    "without a role": (in_default(), REFUSED_CLIENT),
    "without a role, with an address": (in_default(env=BY_HAND), LET_THROUGH),
    "of role none": (Pod(role="none"), LET_THROUGH),
    "of role worker": (Pod(role="worker"), LET_THROUGH),
    "that starts Ray": (in_default(["ray", "start", "--head"]), LET_THROUGH),
    "that starts Ray in a shell": (in_default(["sh", "-c", "ulimit -n 65536;\nray\u00a0 start --block"]), LET_THROUGH),
    "that starts Ray in an init container": (in_default(init=(container("init", args=["ray start"]),)), LET_THROUGH),
    "that starts something else": (in_default(["my-ray", "start"]), REFUSED_CLIENT),
    "that has the words apart": (in_default(["ray", "--then", "start"]), REFUSED_CLIENT),
    "that starts Ray and declares to be a client": (
        Pod(containers=(container(command=["ray", "start"]),)),
        REFUSED_CLIENT,
    ),
    "with both labels of KubeRay's pods": (in_default(labels={"ray.io/node-type": "x", **OPERATOR}), LET_THROUGH),
    "with one label of KubeRay's pods": (in_default(labels={"ray.io/node-type": "head"}), REFUSED_CLIENT),
    "with the other label of KubeRay's pods": (in_default(labels=OPERATOR), REFUSED_CLIENT),
    "with a role that does not hold elsewhere": (Pod(role="bad"), REFUSED_ROLE),
}


JUDGED = {
    **{f"a client {name}": ("apps", *case) for name, case in CLIENTS.items()},
    **{f"a pod of {name}": ("apps", *case) for name, case in ROLES.items()},
    **{name: ("apps", *case) for name, case in NODES.items()},
    **{f"in a namespace of clients a pod {name}": ("clients", *case) for name, case in DEFAULT.items()},
}


@pytest.mark.parametrize("name", JUDGED)
def test_what_becomes_of(policed: ControlPlane, name: str) -> None:
    namespace, made, wanted = JUDGED[name]
    assert answered(try_out(policed, in_namespace(made.made(), namespace))) == wanted


SKIPPED = {"skip-containers": "ray-head"}
KUBERAY = {
    "a right head": (kuberay_pod("head", "head"), LET_THROUGH),
    "a wrong head": (kuberay_pod("head", env=BY_HAND), TOLD_NODE),
    "a wrong worker": (kuberay_pod("worker", "worker", env=BY_HAND), TOLD_NODE),
    "a worker whose wait-gcs-ready alone is wrong": (kuberay_pod("worker", wait=BY_HAND), TOLD_NODE),
    "a head that keeps it": (kuberay_pod("head", env=BY_HAND, annotations={"on-conflict": "keep"}), LET_THROUGH),
    "a head that skips it": (kuberay_pod("head", env=BY_HAND, annotations=SKIPPED), LET_THROUGH),
    "a head with a side container": (kuberay_pod("head", None, container("side", BY_HAND)), LET_THROUGH),
    "a head of role none": (kuberay_pod("head", "none", env=BY_HAND), LET_THROUGH),
    "a head of another role": (kuberay_pod("head", "client"), LET_THROUGH),
    "a head of a bad role": (kuberay_pod("head", "bad"), TOLD_ROLE),
}  # fmt: skip


@pytest.mark.parametrize("namespace", ["apps", "clients"])
@pytest.mark.parametrize("name", KUBERAY)
def test_of_kuberays_pods_none_is_refused(policed: ControlPlane, name: str, namespace: str) -> None:
    """The operator must be able to scale while the webhook is away."""
    made, wanted = KUBERAY[name]
    assert answered(try_out(policed, in_namespace(made, namespace))) == wanted


@pytest.mark.parametrize("role", ["client", "head", "bad"])
def test_a_redis_clean_up_pod_is_let_through(policed: ControlPlane, role: str) -> None:
    """It has the head's annotations and env; a refusal would leave the RayCluster's finalizer for ever."""
    made = labelled(kuberay_pod("head", role, env=BY_HAND), **{"ray.io/node-type": "redis-cleanup", **OPERATOR})
    assert answered(try_out(policed, in_namespace(made))) == LET_THROUGH


@pytest.mark.parametrize("namespace", ["apps", "clients"])
@pytest.mark.parametrize("role", ["client", "head", "bad"])
def test_a_job_submitter_is_let_through(policed: ControlPlane, role: str, namespace: str) -> None:
    made = pod(role, container("ray-job-submitter", BY_HAND | EMPTY), labels=SUBMITTER)
    assert answered(try_out(policed, in_namespace(made, namespace))) == LET_THROUGH


@pytest.mark.parametrize("missing", [*SUBMITTER, "container"])
def test_what_lacks_a_mark_of_submitters_is_none(policed: ControlPlane, missing: str) -> None:
    labels = {key: value for key, value in SUBMITTER.items() if key != missing}
    made = pod("client", container("app" if missing == "container" else "ray-job-submitter"), labels=labels)
    assert answered(try_out(policed, in_namespace(made))) == REFUSED_CLIENT


@pytest.mark.parametrize("namespace", ["apps", "clients"])
def test_a_mirror_pod_is_let_through(policed: ControlPlane, namespace: str) -> None:
    made = workloads.mirror(workloads.pod(namespace, "static-node", role="client"))
    assert answered(try_out(policed, made)) == LET_THROUGH


@pytest.mark.parametrize("namespace", ["off", "kube-system", "kube-node-lease", installation.NAMESPACE])
def test_a_pod_of_a_namespace_that_the_webhook_leaves_alone_is_let_through(
    policed: ControlPlane, namespace: str
) -> None:
    for role in ("client", "bad"):
        made = workloads.restricted(workloads.pod(namespace, role=role))
        policed.wait_for_namespace(namespace)
        assert answered(try_out(policed, made)) == LET_THROUGH


def test_a_pod_that_runs_is_never_judged_again(policed: ControlPlane) -> None:
    made = create(policed, workloads.pod("apps", "debugged")).checked()
    path = f"/api/v1/namespaces/apps/pods/{made['metadata']['name']}"
    role = {"metadata": {"annotations": {"ray.seedcore.io/role": "client"}}}
    debugger = {"spec": {"ephemeralContainers": [{"name": "debugger", "image": workloads.IMAGE}]}}
    for place, patch in (("", role), ("/ephemeralcontainers", debugger)):
        answer = send(policed.admin, "PATCH", path + place, patch, content_type=STRATEGIC_MERGE)
        assert answered(answer) == ([], 200)


# What a refusal says.

SKIP = "ray.seedcore.io/skip-containers"
MISLED = "RAY312: pod apps/one is to be a worker, but RAY_ADDRESS is a client's"
SHOWN = '("ray://by-hand:10001")'


def refusal(plane: ControlPlane, made: dict[str, Any]) -> str:
    made["metadata"]["name"] = "one"
    message: str = try_out(plane, in_namespace(made)).body["message"]
    return message.partition("denied request: ")[2]


def test_a_refusal_names_the_pod_the_containers_what_is_allowed_and_the_fix(policed: ControlPlane) -> None:
    made = pod("client", container("app", BY_HAND), container("one"), container("two"))
    assert refusal(policed, made).split("; ") == [
        "RAY311: pod apps/one is to be a client, but RAY_ADDRESS is missing or empty in container one, two",
        "allowed: any address, which the webhook sets",
        "create the pod again when the webhook answers, as controllers do, or list the container in " + SKIP,
    ]
    assert refusal(policed, pod("worker", env=BY_HAND)).split("; ") == [
        f"{MISLED} in container app {SHOWN}",
        "allowed: auto, host:port, none",
        "take it out, or set ray.seedcore.io/on-conflict to keep",
    ]


@pytest.mark.parametrize(
    ("role", "shown"), [("Client", '"Client"'), ('a\n\tb"', '"a\\n\\tb\\""'), ("x" * 9000, f'"{"x" * 60}..."')]
)
def test_a_bad_role_is_quoted_in_one_line(policed: ControlPlane, role: str, shown: str) -> None:
    assert refusal(policed, pod(role)) == (
        f"RAY301: annotation ray.seedcore.io/role of pod apps/one is {shown}; allowed: head, worker, client, none; set "
        "it to one of the four"
    )
