"""What the contract says of a case, in its own words and none of the code's: for properties to compare with.

Nothing here decides what a value becomes. It tells which containers are treated and as what, which references
Kubernetes can expand, and whether a pod has a wrong type where the rules read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Any

from tests.injection.case import Case, JsonDict
from tests.injection.samples import ALIAS_NAMES

PREFIX = "ray.seedcore.io/"
STATUS = PREFIX + "status"
ADDRESS = "RAY_ADDRESS"
NODE_VARIABLES = frozenset({"RAY_HOST", "RAY_SERVE_URL", "RAY_DASHBOARD_URL", "SEEDCORE_RAY_ROLE"})
STRIPPED = frozenset({"RAY_SERVE_ADDRESS", "RAY_DASHBOARD_ADDRESS", "RAY_API_SERVER_ADDRESS"})
CLIENT_VARIABLES = frozenset({*NODE_VARIABLES, *STRIPPED, ADDRESS, "RAY_PORT"})
CLIENT_DERIVED = {
    "RAY_SERVE_ADDRESS": "RAY_SERVE_URL",
    "RAY_DASHBOARD_ADDRESS": "RAY_DASHBOARD_URL",
    "RAY_API_SERVER_ADDRESS": "RAY_DASHBOARD_URL",
}
SET_WHERE_ABSENT = frozenset({"GRPC_ENABLE_FORK_SUPPORT", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"})
MANAGED = CLIENT_VARIABLES | SET_WHERE_ABSENT | {"RAY_NAMESPACE"} | ALIAS_NAMES

Place = tuple[str, int]
"""Where a container stands: the field of the pod's spec, and the index."""


class Kind(StrEnum):
    """As what the contract treats a container."""

    CLIENT = "client"
    HEAD = "head"
    WORKER = "worker"
    RAY = "KubeRay's Ray container"
    ADDRESS_ONLY = "RAY_ADDRESS alone"


# The pod's parts, null being absent.


def present(mapping: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (mapping or {}).items() if value is not None}


def annotations_of(case: Case) -> dict[str, str]:
    return present(case.pod["metadata"].get("annotations"))


def labels_of(case: Case) -> dict[str, str]:
    return present(case.pod["metadata"].get("labels"))


def containers_of(pod: JsonDict) -> dict[Place, JsonDict]:
    fields = ("initContainers", "containers", "ephemeralContainers")
    return {(name, index): item for name in fields for index, item in enumerate(pod["spec"].get(name) or [])}


def env_of(container: JsonDict) -> list[JsonDict]:
    return container.get("env") or []


def literal(entry: JsonDict) -> str | None:
    """The entry's value as Kubernetes takes it; None for a valueFrom."""
    return None if entry.get("valueFrom") is not None else entry.get("value") or ""


def last(env: Sequence[JsonDict], name: str) -> JsonDict | None:
    return next((entry for entry in reversed(env) if entry["name"] == name), None)


# "Which role holds", and "Containers".


def treated(case: Case) -> dict[Place, Kind]:
    """The containers that may be changed if the pod is not denied, and as what."""
    written, labels = annotations_of(case), labels_of(case)
    if _is_left_alone(case, written, labels):
        return {}
    candidates = _candidates(case)
    ray = _ray_container(case, labels)
    if ray is not None:
        return _kuberay_treated(candidates, ray, written)
    role = written.get(PREFIX + "role") or case.default_role
    if role not in ("client", "head", "worker") or (PREFIX + "role" not in written and _starts_ray(case)):
        return {}
    chosen, skipped = _names(written, "containers"), _names(written, "skip-containers")
    return {
        place: Kind(role)
        for place, item in candidates.items()
        if item["name"] not in skipped and (not chosen or item["name"] in chosen)
    }


def _is_left_alone(case: Case, written: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    is_mirror = "kubernetes.io/config.mirror" in written
    is_excluded = case.namespace in ("kube-system", "kube-node-lease", case.snapshot.webhook_namespace)
    is_cleanup = labels.get("ray.io/node-type") == "redis-cleanup"
    is_submitter = (
        "ray.io/originated-from-cr-name" in labels
        and labels.get("ray.io/originated-from-crd") == "RayJob"
        and labels.get("app.kubernetes.io/created-by") == "kuberay-operator"
        and any(item["name"] == "ray-job-submitter" for item in case.pod["spec"]["containers"])
    )
    return is_mirror or is_excluded or is_cleanup or is_submitter or written.get(PREFIX + "role") == "none"


def _candidates(case: Case) -> dict[Place, JsonDict]:
    candidates: dict[Place, JsonDict] = {}
    for (name, index), item in containers_of(case.pod).items():
        is_ephemeral = name == "ephemeralContainers"
        if is_ephemeral == (case.existing is not None) and index >= (case.existing or 0):
            candidates[name, index] = item
    return candidates


def _ray_container(case: Case, labels: Mapping[str, str]) -> Place | None:
    if labels.get("ray.io/node-type") not in ("head", "worker"):
        return None
    for index, item in enumerate(case.pod["spec"]["containers"]):
        if any(entry["name"] == "KUBERAY_GEN_RAY_START_CMD" for entry in env_of(item)):
            return "containers", index
    return None


def _kuberay_treated(candidates: Mapping[Place, JsonDict], ray: Place, written: Mapping[str, str]) -> dict[Place, Kind]:
    opted_in = PREFIX + "role" in written
    chosen = _names(written, "containers") if opted_in else set()
    found: dict[Place, Kind] = {}
    for place, item in candidates.items():
        name = item["name"]
        if name in _names(written, "skip-containers"):
            continue
        if place == ray:
            found[place] = Kind.RAY if opted_in else Kind.ADDRESS_ONLY
        elif (place[0], name) == ("initContainers", "wait-gcs-ready"):
            found[place] = Kind.ADDRESS_ONLY
        elif name in chosen and name not in ("wait-gcs-ready", "ray-job-submitter"):
            found[place] = Kind.CLIENT
    return found


def is_kuberay(case: Case) -> bool:
    return _ray_container(case, labels_of(case)) is not None


def _names(written: Mapping[str, str], key: str) -> set[str]:
    """The list's names; of a list that holds what is no container's name, none (on KubeRay pods; others are denied)."""
    names = {name.strip() for name in written.get(PREFIX + key, "").split(",")} - {""}
    return names if all(re.fullmatch("[a-z0-9-]+", name, re.ASCII) for name in names) else set()


def _starts_ray(case: Case) -> bool:
    lines = [
        " ".join((item.get("command") or []) + (item.get("args") or [])).split()
        for item in containers_of(case.pod).values()
    ]
    return any(("ray", "start") in pairwise(line) for line in lines)


def mode_of(case: Case) -> str:
    """The on-conflict that holds; a bad one is a warning on KubeRay pods and a denial elsewhere."""
    written = annotations_of(case)
    is_default = case.default_role is not None and PREFIX + "role" not in written and not is_kuberay(case)
    default = "keep" if is_default else "override"
    mode = written.get(PREFIX + "on-conflict", default)
    return mode if mode in ("override", "keep", "deny") else default


# "Where the connection comes from".


def is_built_in(case: Case) -> bool:
    """Whether the pod's connection is that of level 4."""
    if is_kuberay(case):
        named = bool(labels_of(case).get("ray.io/cluster"))
    else:
        named = not annotations_of(case).keys().isdisjoint({PREFIX + "cluster", PREFIX + "service"})
    levels = [case.snapshot.namespaces.get(case.namespace), case.snapshot.cluster_wide]
    hosts = [level for level in levels if level is not None and "RAY_HOST" in {*level.values, *level.broken}]
    return not named and not hosts


def has_broken_settings(case: Case) -> bool:
    levels = [case.snapshot.namespaces.get(case.namespace), case.snapshot.cluster_wide]
    return any(level is not None and level.broken for level in levels)


def aliases_of(case: Case) -> dict[str, str]:
    """Alias to variable, merged by name: the namespace's own beat the cluster-wide ones."""
    levels = [case.snapshot.cluster_wide, case.snapshot.namespaces.get(case.namespace)]
    return {name: key for level in levels if level is not None for name, key in level.aliases.items()}


# Kubernetes' own expansion of `$(NAME)` (k8s.io/kubernetes/third_party/forked/golang/expansion), as a loop.


def references(entry: JsonDict) -> list[str]:
    """The names that the entry's value refers to."""
    text, found, at = entry.get("value") or "", list[str](), 0
    while at < len(text) - 1:
        if text[at] != "$":
            at += 1
        elif text[at + 1] == "(" and ")" in text[at:]:
            end = text.index(")", at)
            found.append(text[at + 2 : end])
            at = end + 1
        else:
            at += 2
    return found


def unexpandable(env: Sequence[JsonDict]) -> Iterator[tuple[int, str]]:
    """Index and name of each reference to a name that no entry before it bears."""
    before: set[str] = set()
    for index, entry in enumerate(env):
        yield from ((index, name) for name in references(entry) if name not in before)
        before.add(entry["name"])


# "every part of it may be malformed"


def has_wrong_type(pod: Any, *, commands: bool) -> bool:
    """Whether a field that the rules read has a wrong type; null is absent, the rest is never looked at."""
    if pod is None:
        return False
    if not (isinstance(pod, dict) and _is_object(pod.get("metadata")) and _is_object(pod.get("spec"))):
        return True
    metadata, spec = pod.get("metadata") or {}, pod.get("spec") or {}
    if not all(_is_object(metadata.get(key)) and _all_text(metadata.get(key)) for key in ("labels", "annotations")):
        return True
    fields = [spec.get(key) for key in ("containers", "initContainers", "ephemeralContainers")]
    return not all(_is_list_of_objects(field) for field in fields) or not all(
        _is_container(item, commands=commands) for field in fields for item in field or []
    )


def _is_object(value: Any) -> bool:
    return value is None or isinstance(value, dict)


def _all_text(mapping: Mapping[str, Any] | None) -> bool:
    return all(value is None or isinstance(value, str) for value in (mapping or {}).values())


def _is_list_of_objects(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(item, dict) for item in value))


def _is_container(item: JsonDict, *, commands: bool) -> bool:
    return (
        isinstance(item.get("name"), str)
        and _is_list_of_objects(item.get("env"))
        and _is_list_of_objects(item.get("envFrom"))
        and all(is_env_var(entry) for entry in env_of(item))
        and (not commands or all(_is_list_of_text(item.get(key)) for key in ("command", "args")))
    )


def is_env_var(entry: JsonDict) -> bool:
    return (
        isinstance(entry.get("name"), str)
        and (entry.get("value") is None or isinstance(entry["value"], str))
        and _is_object(entry.get("valueFrom"))
    )


def _is_list_of_text(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(item, str) for item in value))
