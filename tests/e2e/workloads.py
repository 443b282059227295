"""The objects that users create, as plain dicts, each with one container called ``app``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Object = dict[str, Any]

PREFIX: Final = "ray.seedcore.io/"
IMAGE: Final = "registry.invalid/none"
_APPS: Final = {"Deployment", "StatefulSet", "DaemonSet"}


def our_annotations(written: Mapping[str, str]) -> dict[str, str]:
    """Our annotations, given without their prefix; underscores stand for dashes."""
    return {PREFIX + key.replace("_", "-"): value for key, value in written.items()}


def spec(**container: Any) -> Object:
    """A pod's spec of one container with these further fields."""
    return {"containers": [{"name": "app", "image": IMAGE, **container}]}


def pod(namespace: str, name: str | None = None, *, env: Any = None, **written: str) -> Object:
    """A pod with our annotations `written`; without a `name`, as controllers create them."""
    named = {"name": name} if name else {"generateName": "app-"}
    metadata = {"namespace": namespace, **named, "annotations": our_annotations(written)}
    container = {} if env is None else {"env": env}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec(**container)}


def mirror(pod: Object) -> Object:
    """The pod by which a kubelet shows a static one."""
    pod["metadata"]["annotations"]["kubernetes.io/config.mirror"] = "checksum"
    pod["spec"] |= {"nodeName": "node-of-static-pods", "automountServiceAccountToken": False}
    return pod


def restricted(pod: Object) -> Object:
    """A pod that Pod Security admits everywhere."""
    pod["spec"]["securityContext"] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    capabilities = {"drop": ["ALL"]}
    pod["spec"]["containers"][0]["securityContext"] = {"allowPrivilegeEscalation": False, "capabilities": capabilities}
    return pod


def template(name: str, *, restart: str | None = None, **written: str) -> Object:
    """A pod template with our annotations `written` and the label ``app``."""
    pod_spec = spec() | ({"restartPolicy": restart} if restart else {})
    return {"metadata": {"labels": {"app": name}, "annotations": our_annotations(written)}, "spec": pod_spec}


def workload(kind: str, namespace: str, name: str, **written: str) -> Object:
    """A Deployment, StatefulSet, DaemonSet, Job or CronJob; the schedule of the last is once a year."""
    version = "apps/v1" if kind in _APPS else "batch/v1"
    metadata = {"namespace": namespace, "name": name}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": _workload_spec(kind, name, written)}


def _workload_spec(kind: str, name: str, written: Mapping[str, str]) -> Object:
    if kind in _APPS:
        service = {"serviceName": name} if kind == "StatefulSet" else {}
        return {"selector": {"matchLabels": {"app": name}}, "template": template(name, **written), **service}
    job = {"template": template(name, restart="Never", **written)}
    return {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job}} if kind == "CronJob" else job


def settings(namespace: str, /, **data: str) -> Object:
    """A ConfigMap ``ray-settings``."""
    metadata = {"namespace": namespace, "name": "ray-settings"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
