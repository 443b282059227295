"""Pods with hostile annotations, labels and env entries, in reviews that are well-formed otherwise."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.fuzz.choices import Choices
from tests.fuzz.in_process import PATHS
from tests.fuzz.known import ALIASES, NOTHING, SNAPSHOT
from tests.fuzz.oracles import MANAGED, PLANTED
from webhook import contract
from webhook.injection.snapshot import Snapshot

JsonDict = dict[str, Any]

NAMESPACES: Final = ("apps", "team-a", "seedcore-dev", "team-off", "shared", "kube-system", "ray-webhook-system", "")
_ROLES: Final = ("client", "head", "worker", "none", "Client", "", " head", "clients")
_REFERENCES: Final = ("seedcore", "seedcore-dev/seedcore", "team-a/train", "train", "shared/x", "/", "a/b/c", "..", "")
_CONTAINERS: Final = ("app", "sidecar", "ray-head", "wait-gcs-ready", "ray-job-submitter", "x,y", "app,app", ",", "")
_ANNOTATIONS: Final = {
    contract.ROLE: _ROLES,
    contract.CLUSTER: _REFERENCES,
    contract.SERVICE: _REFERENCES,
    contract.CONNECT: ("client", "jobs", "direct", ""),
    contract.RAY_NAMESPACE_ANNOTATION: ("mine", "", " ", "a b", "$(X)", "\u202e", "\n"),
    contract.CONTAINERS: _CONTAINERS,
    contract.SKIP_CONTAINERS: _CONTAINERS,
    contract.ON_CONFLICT: ("override", "keep", "deny", "", "Keep"),
    contract.STATUS: ("{}", "", "not json"),
    contract.MIRROR_POD: ("x", ""),
}
_LABELS: Final = {
    contract.KUBERAY_NODE_TYPE: ("head", "worker", "redis-cleanup", "", "Head"),
    contract.KUBERAY_CLUSTER: ("seedcore", "train", "x" * 60, "No.Name", ""),
    contract.KUBERAY_CREATED_BY: ("kuberay-operator", ""),
    contract.KUBERAY_ORIGIN_KIND: ("RayJob", "RayService", ""),
    contract.KUBERAY_ORIGIN_NAME: ("train", ""),
}
_NAMES: Final = (
    *sorted(MANAGED),
    *ALIASES,
    contract.KUBERAY_START_COMMAND,
    contract.KUBERAY_HEAD_HOST,
    *("PLAIN", "URL", ""),
)
_VALUES: Final = (
    *(
        "",
        "auto",
        "local",
        "10001",
        "0",
        "ray://",
        f"ray://{PLANTED}:10001",
        f"http://{PLANTED}:8265",
        f"{PLANTED}:6379",
    ),
    *(
        "$(RAY_HOST)",
        "$$(RAY_HOST)",
        "$(RAY_ADDRESS)/$(RAY_PORT)",
        "$(SERVE_GATEWAY)",
        "$(PLAIN)",
        "$(",
        "$()",
        PLANTED,
    ),
    *("ray start --head --port=6380", "ray start --address=ray-head:6379 --block", "ray start --port 99999", "token"),
    *("seedcore-head-svc.seedcore-dev", "[::1]:6379", "a" * 300, "\u2028", "\x00", "seedcore-dev", "client", "worker"),
)
_COMMANDS: Final = ("ray start --head", "ray\tstart", "xray start", "sleep", "ray", "start", "\n")
_FIELDS: Final = ("containers", "initContainers", "ephemeralContainers")


def review_of(data: bytes) -> tuple[bytes, str, Snapshot]:
    """The review that `data` chooses, its path, and what is known."""
    choices = Choices(data)
    path, snapshot = choices.one_of(PATHS), choices.one_of((SNAPSHOT, NOTHING))
    is_ephemeral = choices.count(7) == 1
    pod = _pod(choices)
    request: JsonDict = {"uid": "1", "operation": "CREATE", "namespace": choices.one_of(NAMESPACES), "object": pod}
    if is_ephemeral:
        existing = pod["spec"].get("ephemeralContainers", [])[: choices.count(2)]
        old = {"spec": {"ephemeralContainers": existing}}
        request |= {"operation": "UPDATE", "subResource": "ephemeralcontainers", "oldObject": old}
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    return json.dumps(review).encode(), path, snapshot


def _pod(choices: Choices) -> JsonDict:
    metadata: JsonDict = {"name": choices.text(("web-1", "x" * 300, "a\nb", ""))}
    for field, usual in (("annotations", _ANNOTATIONS), ("labels", _LABELS)):
        keys = [choices.one_of(list(usual)) for _ in range(choices.count(6))]
        if keys:
            metadata[field] = {key: choices.text(usual[key]) for key in keys}
    spec: JsonDict = {}
    for _ in range(choices.count(3)):
        spec.setdefault(choices.one_of(_FIELDS), []).append(_container(choices))
    return {"metadata": metadata, "spec": spec}


def _container(choices: Choices) -> JsonDict:
    container: JsonDict = {"name": choices.text(_CONTAINERS)}
    env = [_entry(choices) for _ in range(choices.count(6))]
    if env:
        container["env"] = env
    kind = choices.byte()
    if kind & 1:
        container["envFrom"] = [{"configMapRef": {"name": "seedcore-env"}}]
    if kind & 2:
        container["command"] = [choices.text(_COMMANDS) for _ in range(choices.count(3))]
    return container


def _entry(choices: Choices) -> JsonDict:
    entry: JsonDict = {"name": choices.text(_NAMES)}
    kind = choices.count(7)
    if kind == 1:
        return entry | {"valueFrom": {"secretKeyRef": {"name": PLANTED, "key": "x"}}}
    return entry if kind == 2 else entry | {"value": choices.text(_VALUES)}
