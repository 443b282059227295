"""What KubeRay's operator makes of a RayCluster, which no test can run for want of its image and Go module.

As far as the webhook looks: labels, the Ray container's start command and env, and the init container of workers
(ray-operator after v1.7.0, controllers/ray/common/pod.go). test_kuberay.py compares it with pods of the real operator.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Final

Object = dict[str, Any]

_GCS_PORT: Final = "6379"


def pods_of(cluster: Object) -> Iterator[Object]:
    """The pods of the head and the workers; their owner is the RayCluster, which is one that the API server has."""
    spec = cluster["spec"]
    yield _head(cluster, spec["headGroupSpec"])
    for group in spec.get("workerGroupSpecs", []):
        for index in range(group["replicas"]):
            yield _worker(cluster, group, index)


def _head(cluster: Object, group: Object) -> Object:
    pod = _pod(cluster, group, "head", "headgroup")
    command = _command("ray start --head", group)
    _add_env(_ray_container(pod), command, f"127.0.0.1:{_GCS_PORT}")
    _ray_container(pod)["env"] += [
        _literal("RAY_USAGE_STATS_KUBERAY_IN_USE", "1"),
        _literal("RAY_USAGE_STATS_EXTRA_TAGS", "kuberay_version=nightly;kuberay_crd=RayCluster"),
        _literal("RAY_DASHBOARD_ENABLE_K8S_DISK_USAGE", "1"),
    ]
    return pod


def _worker(cluster: Object, group: Object, index: int) -> Object:
    pod = _pod(cluster, group, "worker", group["groupName"])
    pod["metadata"]["labels"]["ray.io/worker-group-replica-index"] = str(index)
    service = f"{cluster['metadata']['name']}-head-svc"
    host = f"{service}.{cluster['metadata']['namespace']}.svc.cluster.local"
    address = f"{host}:{_GCS_PORT}"
    container = _ray_container(pod)
    told = [_literal("FQ_RAY_IP", host), _literal("RAY_IP", service)]
    waiting = {"name": "wait-gcs-ready", "image": container["image"], "env": [*container.get("env", []), *told]}
    pod["spec"]["initContainers"] = [waiting]
    container["env"] = [*container.get("env", []), *told]
    _add_env(container, _command("ray start", group, address=address), address)
    container["env"] += [
        _literal("RAY_USAGE_STATS_KUBERAY_IN_USE", "1"),
        _literal("RAY_DASHBOARD_ENABLE_K8S_DISK_USAGE", "1"),
    ]
    return pod


def _pod(cluster: Object, group: Object, node_type: str, group_name: str) -> Object:
    name, namespace = cluster["metadata"]["name"], cluster["metadata"]["namespace"]
    template = copy.deepcopy(group["template"])
    written = template.get("metadata", {})
    labels = {
        "app.kubernetes.io/created-by": "kuberay-operator",
        "app.kubernetes.io/name": "kuberay",
        "ray.io/cluster": name,
        "ray.io/group": group_name,
        "ray.io/identifier": f"{name}-{node_type}",
        "ray.io/is-ray-node": "yes",
        "ray.io/node-type": node_type,
    }
    owner = {"apiVersion": "ray.io/v1", "kind": "RayCluster", "name": name, "uid": cluster["metadata"]["uid"]}
    metadata = {
        "namespace": namespace,
        "generateName": f"{name}-{'head' if node_type == 'head' else f'{group_name}-worker'}-",
        "labels": {**written.get("labels", {}), **labels},
        "annotations": written.get("annotations", {}),
        "ownerReferences": [owner | {"controller": True, "blockOwnerDeletion": True}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def _ray_container(pod: Object) -> Object:
    container: Object = pod["spec"]["containers"][0]
    return container


def _command(start: str, group: Object, **more: str) -> str:
    fixed = {"block": "", "dashboard-agent-listen-port": "52365", "metrics-export-port": "8080"}
    parameters = {**fixed, **group.get("rayStartParams", {}), **more}
    words = [f"--{name}={value}" if value else f"--{name}" for name, value in sorted(parameters.items())]
    return f"{start}  {'  '.join(words)} "


def _add_env(container: Object, command: str, address: str) -> None:
    """The operator's entries behind the user's; RAY_PORT and RAY_ADDRESS only where the user has none."""
    env: list[Object] = container.setdefault("env", [])
    for name, path in (
        ("RAY_CLUSTER_NAME", "metadata.labels['ray.io/cluster']"),
        ("RAY_CLUSTER_NAMESPACE", "metadata.namespace"),
        ("RAY_CLOUD_INSTANCE_ID", "metadata.name"),
        ("RAY_NODE_TYPE_NAME", "metadata.labels['ray.io/group']"),
    ):
        env.append({"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}})
    env.append(_literal("KUBERAY_GEN_RAY_START_CMD", command))
    for name, value in (("RAY_PORT", _GCS_PORT), ("RAY_ADDRESS", address)):
        if all(entry["name"] != name for entry in env):
            env.append(_literal(name, value))


def _literal(name: str, value: str) -> Object:
    return {"name": name, "value": value}
