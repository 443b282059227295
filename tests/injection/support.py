"""Build a pod, let the webhook decide as it does for a review, apply the patch with jsonpatch, look at the result."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jsonpatch
import msgspec

from webhook import contract
from webhook.contract import Role
from webhook.injection.decision import Decision, Deny, Inject, decide, decide_pod
from webhook.injection.reasons import Code
from webhook.injection.review import AnyPod, parse_pod, parse_review
from webhook.injection.settings import Settings, parse_settings
from webhook.injection.snapshot import RayTarget, Reference, Snapshot, TargetKind

P: Final = "ray.seedcore.io/"
HOST: Final = "seedcore-head-svc.seedcore-dev"
SERVE: Final = f"http://{HOST}:8000"
DASHBOARD: Final = f"http://{HOST}:8265"
ADDRESS: Final = f"ray://{HOST}:10001"
CONTAINER_FIELDS: Final = ("initContainers", "containers", "ephemeralContainers")

FROM_FIELD: Final = {"fieldRef": {"fieldPath": "status.podIP"}}
ENV_FROM: Final = [{"configMapRef": {"name": "seedcore-env"}}]

CLIENT_ENV: Final = {
    "RAY_HOST": HOST,
    "RAY_PORT": "10001",
    "RAY_SERVE_URL": SERVE,
    "RAY_DASHBOARD_URL": DASHBOARD,
    "RAY_NAMESPACE": "seedcore-dev",
    "SEEDCORE_RAY_ROLE": "client",
    "RAY_ADDRESS": ADDRESS,
    "RAY_SERVE_ADDRESS": SERVE,
    "RAY_DASHBOARD_ADDRESS": DASHBOARD,
    "RAY_API_SERVER_ADDRESS": DASHBOARD,
}
WORKER_ENV: Final = {
    "RAY_HOST": HOST,
    "RAY_SERVE_URL": SERVE,
    "RAY_DASHBOARD_URL": DASHBOARD,
    "RAY_NAMESPACE": "seedcore-dev",
    "SEEDCORE_RAY_ROLE": "worker",
}
HEAD_ENV: Final = {
    **WORKER_ENV,
    "SEEDCORE_RAY_ROLE": "head",
    "RAY_ADDRESS": "auto",
    "GRPC_ENABLE_FORK_SUPPORT": "0",
}

Env = Mapping[str, Any] | Sequence[Any] | None


def decoded(pod: Mapping[str, Any]) -> AnyPod:
    """`pod` as the rules read it."""
    return parse_pod(msgspec.Raw(json.dumps(pod).encode()), commands=False)


def entries(env: Env) -> list[Any] | None:
    """A list of EnvVars from ``{name: value}`` or a list of pairs or entries; a dict as value is a valueFrom."""
    if env is None:
        return None
    pairs = env.items() if isinstance(env, Mapping) else env
    return [_entry(*item) if isinstance(item, tuple) else item for item in pairs]


def _entry(name: str, value: Any) -> dict[str, Any]:
    return {"name": name, "valueFrom": value} if isinstance(value, dict) else {"name": name, "value": value}


def container(name: str = "app", env: Env = None, **fields: Any) -> dict[str, Any]:
    """A container with `env` as :func:`entries` reads it, and any further fields under their wire names."""
    made: dict[str, Any] = {"name": name, "image": "busybox"}
    if env is not None:
        made["env"] = entries(env)
    return made | fields


def pod(
    role: object = None,
    *containers: dict[str, Any],
    env: Env = None,
    env_from: object = None,
    labels: Mapping[str, Any] | None = None,
    **rest: Any,
) -> dict[str, Any]:
    """A pod of `role` (None: without the annotation) with `containers`, or one container ``app`` with `env`.

    `rest` holds `annotations` (our keys without their prefix), `init` and `ephemeral` containers.
    """
    ours = {} if role is None else {"role": role}
    annotations = {f"{P}{key}": value for key, value in (ours | rest.get("annotations", {})).items()}
    fields: dict[str, Any] = {} if env_from is None else {"envFrom": env_from}
    only = container("app", env, **fields)
    spec: dict[str, Any] = {"containers": list(containers) or [only], "restartPolicy": "Always"}
    if "init" in rest:
        spec["initContainers"] = rest["init"]
    if "ephemeral" in rest:
        spec["ephemeralContainers"] = rest["ephemeral"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "app-", "labels": dict(labels or {}), "annotations": annotations},
        "spec": spec,
    }


def kuberay_pod(
    node: str = "head",
    role: object = None,
    *others: dict[str, Any],
    env: Env = None,
    start: str | None = None,
    **rest: Any,
) -> dict[str, Any]:
    """A pod as KubeRay makes it, of cluster ``train``: `env` is the user's, KubeRay's entries follow it.

    KubeRay's own RAY_ADDRESS is there only where `env` declares none, as the operator does it. `rest` is that of
    :func:`pod`, and `cluster` (None: no such label), `wait` (env of the copy in wait-gcs-ready), `env_from`.
    """
    head_host = "train-head-svc.apps.svc.cluster.local"
    address = "127.0.0.1:6379" if node == "head" else f"{head_host}:6379"
    default_start = "ray start --head --block " if node == "head" else f"ray start  --address={address}  --block "
    own: list[Any] = entries(env) or []
    declared = {entry["name"] for entry in own}
    own += [] if node == "head" else entries({"FQ_RAY_IP": head_host, "RAY_IP": "train-head-svc"}) or []
    own += entries({"KUBERAY_GEN_RAY_START_CMD": default_start if start is None else start, "RAY_PORT": "6379"}) or []
    own += [] if "RAY_ADDRESS" in declared else [{"name": "RAY_ADDRESS", "value": address}]
    fields = {"envFrom": rest.pop("env_from")} if "env_from" in rest else {}
    cluster = rest.pop("cluster", "train")
    labels = {contract.KUBERAY_NODE_TYPE: node, contract.KUBERAY_CREATED_BY: contract.KUBERAY_OPERATOR}
    labels |= {contract.KUBERAY_CLUSTER: cluster} if cluster else {}
    if "wait" in rest:
        rest["init"] = [container("wait-gcs-ready", rest.pop("wait"))]
    return pod(role, container(f"ray-{node}", own, **fields), *others, labels=labels, **rest)


def settings(data: Mapping[str, str] | None = None, *, source: str = "test", cluster_wide: bool = True) -> Settings:
    """One level of settings, by default that of the whole cluster."""
    plain = {"RAY_HOST": HOST, "RAY_NAMESPACE": "seedcore-dev"}
    return parse_settings(plain if data is None else data, source=source, cluster_wide=cluster_wide)


def snapshot(
    cluster_wide: Mapping[str, str] | None = None,
    *,
    own: Mapping[str, str] | None = None,
    namespace: str = "apps",
    targets: Mapping[str, RayTarget] | None = None,
    **rest: Any,
) -> Snapshot:
    """What is known: settings for the whole cluster and `namespace`'s `own`; targets as ``cluster:apps/train``."""
    known = {reference(name): target for name, target in (targets or {}).items()}
    levels = {namespace: settings(own, source=f"{namespace}'s", cluster_wide=False)} if own is not None else {}
    return Snapshot(namespaces=levels, cluster_wide=settings(cluster_wide), targets=known, **rest)


def reference(text: str) -> Reference:
    """The reference written as ``cluster:NAMESPACE/NAME`` or ``service:NAMESPACE/NAME``."""
    kind, _, full = text.partition(":")
    namespace, _, name = full.partition("/")
    return Reference(
        kind=TargetKind.CLUSTER if kind == "cluster" else TargetKind.SERVICE, namespace=namespace, name=name
    )


EMPTY: Final = Snapshot()
"""Nothing is known: the built-in settings are used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """A decision with the pod that comes of it."""

    decision: Decision
    original: dict[str, Any]
    pod: dict[str, Any]

    @property
    def code(self) -> Code:
        return self.decision.code

    @property
    def allowed(self) -> bool:
        return not isinstance(self.decision, Deny)

    @property
    def message(self) -> str:
        assert isinstance(self.decision, Deny), f"allowed with {self.decision}"
        return self.decision.message

    @property
    def warnings(self) -> list[Code]:
        return sorted(warning.code for warning in self.decision.warnings)

    @property
    def texts(self) -> list[str]:
        return [str(warning) for warning in self.decision.warnings]

    @property
    def operations(self) -> list[dict[str, Any]]:
        return list(self.decision.operations) if isinstance(self.decision, Inject) else []

    @property
    def unchanged(self) -> bool:
        return not self.operations and self.pod == self.original

    @property
    def status(self) -> dict[str, Any] | None:
        text = (self.pod["metadata"].get("annotations") or {}).get(P + "status")
        return None if text is None else dict(json.loads(text))

    def entries(self, name: str = "app") -> list[dict[str, Any]]:
        """The container's env after the patch."""
        return list(find_container(self.pod, name).get("env") or [])

    def env(self, name: str = "app") -> dict[str, Any]:
        """The same as a dict of value or valueFrom; a name must not stand there twice."""
        listed = self.entries(name)
        found = {entry["name"]: entry.get("valueFrom", entry.get("value")) for entry in listed}
        assert len(found) == len(listed), f"duplicates in {listed}"
        return found

    def names(self, name: str = "app") -> list[str]:
        return [entry["name"] for entry in self.entries(name)]


def find_container(whole: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The container, init container or ephemeral container of that name."""
    listed = [item for field in CONTAINER_FIELDS for item in whole["spec"].get(field) or []]
    return next(dict(item) for item in listed if item["name"] == name)


def review(whole: Mapping[str, Any] | None, **request: Any) -> bytes:
    """An AdmissionReview of the API server about the creation of `whole`; `request` replaces single fields."""
    fields = {
        "uid": "6f7a",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "namespace": "apps",
        "operation": "CREATE",
        "object": whole,
        "oldObject": None,
    }
    body = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": fields | request}
    return json.dumps(body).encode()


def run(
    whole: dict[str, Any],
    known: Snapshot | None = None,
    *,
    namespace: str = "apps",
    default_role: Role | None = None,
    **request: Any,
) -> Outcome:
    """Decide about the creation of the pod by its review, and prove what must hold of every decision."""
    known = snapshot() if known is None else known
    original = copy.deepcopy(whole)
    asked = parse_review(review(whole, namespace=namespace, **request))
    decision = decide(asked, known, default_role=default_role)
    outcome = Outcome(decision=decision, original=original, pod=_patched(whole, decision))
    check_texts(decision)
    _check_changes(outcome)
    if outcome.operations:
        again = parse_review(review(outcome.pod, namespace=namespace, **request))
        second = decide(again, known, default_role=default_role)
        assert not isinstance(second, Inject | Deny), f"on reinvocation: {second}"
    return outcome


def run_default(whole: dict[str, Any], known: Snapshot | None = None, **request: Any) -> Outcome:
    """Decide as on the path of a namespace whose default role is client."""
    return run(whole, known, default_role=Role.CLIENT, **request)


def run_ephemeral(old: dict[str, Any], new: Iterable[dict[str, Any]], known: Snapshot | None = None) -> Outcome:
    """Decide about the update that adds the ephemeral containers `new` to the pod `old`."""
    whole = copy.deepcopy(old)
    whole["spec"]["ephemeralContainers"] = [*(old["spec"].get("ephemeralContainers") or []), *new]
    return run(whole, known, operation="UPDATE", subResource="ephemeralcontainers", oldObject=old)


def run_manifest(whole: dict[str, Any], known: Snapshot, *, namespace: str = "apps") -> Decision:
    """Decide about the pod of a manifest, without a review."""
    return decide_pod(decoded(whole), namespace=namespace, snapshot=known, default_role=None)


def _patched(whole: dict[str, Any], decision: Decision) -> dict[str, Any]:
    operations = list(decision.operations) if isinstance(decision, Inject) else []
    patched = jsonpatch.apply_patch(copy.deepcopy(whole), operations)
    assert isinstance(patched, dict)
    return patched


def check_texts(decision: Decision) -> None:
    """Warnings and messages are one line of printable ASCII, a warning of at most 256 bytes."""
    lines = [str(warning) for warning in decision.warnings]
    assert [line for line in lines if len(line.encode()) > 256] == []
    lines += [decision.message] if isinstance(decision, Deny) else []
    assert [line for line in lines if not (line.isascii() and line.isprintable())] == []


def _check_changes(outcome: Outcome) -> None:
    """Nothing but env and the status annotation differs, and no entry has both a value and a valueFrom that is new."""
    assert _without_ours(outcome.pod) == _without_ours(outcome.original)
    for operation in outcome.operations:
        value = operation.get("value")
        written = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
        assert not [entry for entry in written if "value" in entry and "valueFrom" in entry]
    for field in CONTAINER_FIELDS:
        _check_removals([op for op in outcome.operations if op["path"].startswith(f"/spec/{field}/")])


def _check_removals(operations: list[dict[str, Any]]) -> None:
    """Removals of one container go from the highest index down."""
    removed: dict[str, list[int]] = {}
    for operation in operations:
        if operation["op"] == "remove" and operation["path"].rpartition("/")[2].isdecimal():
            where, _, index = operation["path"].rpartition("/")
            removed.setdefault(where, []).append(int(index))
    assert all(indexes == sorted(indexes, reverse=True) for indexes in removed.values())


def _without_ours(whole: Mapping[str, Any]) -> dict[str, Any]:
    bare: dict[str, Any] = copy.deepcopy(dict(whole))
    metadata = bare.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("annotations") or {}, dict):
        kept = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != P + "status"}
        metadata["annotations"] = kept
    spec = bare.get("spec")
    for field in CONTAINER_FIELDS if isinstance(spec, dict) else ():
        listed = spec.get(field) if isinstance(spec, dict) else None
        for item in listed if isinstance(listed, list) else ():
            if isinstance(item, dict):
                item.pop("env", None)
    return bare
