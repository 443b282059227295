"""What stands behind a fake API server where workloads are restarted: a webhook, and controllers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Final

from tests.cluster.fake_api_server import (
    BUDGETS,
    DAEMON_SETS,
    DEPLOYMENTS,
    LEASES,
    PODS,
    REPLICA_SETS,
    STATEFUL_SETS,
    FakeApiServer,
)
from tests.injection.support import pod as template
from tests.injection.support import run, snapshot
from webhook.injection.decision import Deny

Object = dict[str, Any]

SETTINGS: Final = {"RAY_HOST": "head", "RAY_NAMESPACE": "lab"}
RESTARTED: Final = {"Deployment": DEPLOYMENTS, "StatefulSet": STATEFUL_SETS, "DaemonSet": DAEMON_SETS}
RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"


def injected(whole: Object, **settings: str) -> Object:
    """The pod as the webhook lets it in under these settings."""
    return run(copy.deepcopy(whole), snapshot({**SETTINGS, **settings})).pod


class Controllers:
    """Makes the pods of workloads anew when their template changes, as the webhook lets them in.

    Attributes:
        webhook: what becomes of a pod that is created; the test may take it away.
        is_stuck: new pods never become available.
    """

    def __init__(self, fake: FakeApiServer) -> None:
        self.fake = fake
        self.webhook: Callable[[Object], Object] = injected
        self.is_stuck = False
        self.restarts: list[str] = []
        fake.changed_by_patch = self._changed
        fake.serve_kind(LEASES)
        fake.admit = self._admit

    def workload(self, kind: str, name: str, *, pods: int = 2, role: str = "client", **spec: Any) -> Object:
        """A workload in the namespace apps whose pods the webhook has missed."""
        whole = template(role, labels={"app": name})
        made: Object = {
            "metadata": {"namespace": "apps", "name": name, "uid": f"{kind}-{name}", "generation": 1},
            "spec": {
                "replicas": pods,
                "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": whole["metadata"], "spec": whole["spec"]},
                **spec,
            },
        }
        made["status"] = status(kind, made, pods)
        self.fake.add(RESTARTED[kind], made)
        self._make_pods(kind, made, lambda new: new)
        return made

    def budget(self, name: str, app: str, allowed: int) -> None:
        """A PodDisruptionBudget of the pods of a workload."""
        spec = {"selector": {"matchLabels": {"app": app}}}
        told = {"disruptionsAllowed": allowed, "observedGeneration": 1}
        metadata = {"namespace": "apps", "name": name, "generation": 1}
        self.fake.add(BUDGETS, {"metadata": metadata, "spec": spec, "status": told})

    def replace_pods(self, kind: str, made: Object) -> None:
        """Make the pods of a workload anew, as they are made after a change of its template."""
        self._make_pods(kind, made, self.webhook)

    def _admit(self, made: Object) -> tuple[int, Object]:
        denied = run(copy.deepcopy(made), snapshot(SETTINGS)).decision
        if isinstance(denied, Deny):
            return 403, {"denied": denied.message}
        whole = self.webhook(made)
        return 201, {**whole, "metadata": {**whole["metadata"], "name": "tried"}}

    def _changed(self, path: str, made: Object) -> None:
        kind = next(kind for kind, place in RESTARTED.items() if place == path)
        if RESTARTED_AT not in made["spec"]["template"]["metadata"]["annotations"]:
            return
        self.restarts.append(made["metadata"]["name"])
        made["metadata"]["generation"] += 1
        available = 0 if self.is_stuck else made["spec"]["replicas"]
        made["status"] = status(kind, made, available)
        self.replace_pods(kind, made)

    def _make_pods(self, kind: str, made: Object, webhook: Callable[[Object], Object]) -> None:
        name = made["metadata"]["name"]
        generation, controller = made["metadata"]["generation"], (kind, name, made["metadata"]["uid"])
        if kind == "Deployment":
            owner = {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": made["metadata"]["uid"]}
            named = {"namespace": "apps", "name": f"{name}-{generation}", "uid": f"ReplicaSet-{name}-{generation}"}
            self.fake.add(REPLICA_SETS, {"metadata": {**named, "ownerReferences": [{**owner, "controller": True}]}})
            controller = ("ReplicaSet", named["name"], named["uid"])
        pods = self.fake.collections[PODS]
        for key in [key for key in pods if pods[key]["metadata"]["labels"].get("app") == name]:
            del pods[key]
        for number in range(made["spec"]["replicas"]):
            whole = webhook({"apiVersion": "v1", "kind": "Pod", **copy.deepcopy(made["spec"]["template"])})
            reference = {"apiVersion": "apps/v1", "kind": controller[0], "name": controller[1], "uid": controller[2]}
            metadata = {
                "namespace": "apps",
                "name": f"{name}-{number}",
                "ownerReferences": [{**reference, "controller": True}],
            }
            self.fake.add(
                PODS, {**whole, "metadata": {**whole["metadata"], **metadata}, "status": {"phase": "Running"}}
            )


def status(kind: str, made: Object, available: int) -> Object:
    """The status that its controller gives a workload all of whose pods are new and as many available."""
    pods, observed = made["spec"]["replicas"], {"observedGeneration": made["metadata"]["generation"]}
    if kind == "DaemonSet":
        return observed | {
            "desiredNumberScheduled": pods,
            "updatedNumberScheduled": pods,
            "numberAvailable": available,
        }
    counts = {"replicas": pods, "updatedReplicas": pods, "availableReplicas": available, "readyReplicas": available}
    return observed | counts | ({"currentRevision": "r", "updateRevision": "r"} if kind == "StatefulSet" else {})
