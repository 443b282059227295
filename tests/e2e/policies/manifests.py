"""Workloads of every kind around given pod templates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from tests.e2e import targets
from tests.e2e.policies.support import annotated
from tests.injection.support import Env, container

Object = dict[str, Any]


def template(*containers: Object, env: Env = None, init: Sequence[Object] = (), **written: str) -> Object:
    """A pod template with our annotations `written`, of one container ``app`` with `env` unless others are given."""
    inits = {"initContainers": list(init)} if init else {}
    spec = {"containers": list(containers) or [container("app", env)], **inits, "restartPolicy": "Always"}
    return {"metadata": {"labels": {"app": "one"}, **annotated(**written)}, "spec": spec}


def _workload(version: str, kind: str, **spec: Any) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"namespace": "apps", "name": "one"}, "spec": spec}


def _selecting(kind: str, made: Object) -> Object:
    more = {"serviceName": "one"} if kind == "StatefulSet" else {}
    return _workload("apps/v1", kind, selector={"matchLabels": {"app": "one"}}, template=made, **more)


def deployment(made: Object) -> Object:
    """A Deployment."""
    return _selecting("Deployment", made)


def job(made: Object) -> Object:
    """A Job."""
    return _workload("batch/v1", "Job", template=_ending(made))


def cron_job(made: Object) -> Object:
    """A CronJob that is not due for a year at most."""
    return _workload("batch/v1", "CronJob", schedule="0 0 1 1 *", jobTemplate={"spec": {"template": _ending(made)}})


def _ending(made: Object) -> Object:
    return made | {"spec": made["spec"] | {"restartPolicy": "Never"}}


def _controller(made: Object) -> Object:
    return _workload("v1", "ReplicationController", selector={"app": "one"}, template=made)


def cluster_spec(head: Object, *workers: Object) -> Object:
    """A RayCluster's spec with a head's template and those of worker groups."""
    groups = [{"groupName": f"group-{number}", "template": worker} for number, worker in enumerate(workers)]
    return {"headGroupSpec": {"rayStartParams": {}, "template": head}, "workerGroupSpecs": groups}


def ray_cluster(head: Object, *workers: Object) -> Object:
    """A RayCluster."""
    return targets.cluster("apps", "one", cluster_spec(head, *workers))


def ray_job(cluster: Object, **spec: Any) -> Object:
    """A RayJob."""
    return _workload("ray.io/v1", "RayJob", entrypoint="true", rayClusterSpec=cluster, **spec)


def _ray_cron_job(cluster: Object, **spec: Any) -> Object:
    job = {"entrypoint": "true", "rayClusterSpec": cluster, **spec}
    return _workload("ray.io/v1", "RayCronJob", schedule="0 0 1 1 *", jobTemplate=job)


PLAIN: Final[dict[str, Callable[[Object], Object]]] = {
    "Deployment": deployment,
    "StatefulSet": lambda made: _selecting("StatefulSet", made),
    "DaemonSet": lambda made: _selecting("DaemonSet", made),
    "ReplicaSet": lambda made: _selecting("ReplicaSet", made),
    "ReplicationController": _controller,
    "Job": job,
    "CronJob": cron_job,
    "RayJob's submitter": lambda made: ray_job(cluster_spec(template()), submitterPodTemplate=made),
    "RayCronJob's submitter": lambda made: _ray_cron_job(cluster_spec(template()), submitterPodTemplate=made),
}
"""Every place of the template of a pod that is not Ray's own."""

RAY: Final[dict[str, Callable[[Object], Object]]] = {
    "RayCluster's head": ray_cluster,
    "RayCluster's second workers": lambda made: ray_cluster(template(), template(), made),
    "RayService's head": lambda made: targets.service("apps", "one", cluster_spec(made)),
    "RayService's workers": lambda made: targets.service("apps", "one", cluster_spec(template(), made)),
    "RayJob's head": lambda made: ray_job(cluster_spec(made)),
    "RayJob's workers": lambda made: ray_job(cluster_spec(template(), made)),
    "RayCronJob's head": lambda made: _ray_cron_job(cluster_spec(made)),
    "RayCronJob's workers": lambda made: _ray_cron_job(cluster_spec(template(), made)),
}
"""Every place of the template of a pod that KubeRay makes a head or worker."""
