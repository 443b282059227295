"""What would mend a workload's pods: they are created anew, each kind in its own way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from webhook.cluster.owners import Workload


@dataclass(frozen=True, kw_only=True, slots=True)
class Mend:
    """What to do.

    Attributes:
        text: in words.
        command: as it can be typed, where there is one.
        restart: the workload for ``kubectl rollout restart``, where that is the way.
    """

    text: str
    command: str | None = None
    restart: str | None = None


_RESTARTED: Final = {("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet")}
_SUSPEND: Final = 'kubectl patch raycluster {name} -n {namespace} --type merge -p \'{{"spec":{{"suspend":%s}}}}\''
_SUSPENDED: Final = (
    "kubectl wait raycluster/{name} -n {namespace} --for=jsonpath='{{.status.state}}'=suspended --timeout=10m"
)
"""KubeRay says so once no pod is left (calculateStatus in ray-operator/controllers/ray/raycluster_controller.go)."""
_TEXTS: Final = {
    ("", "Pod"): (
        "create it anew, for nothing controls it",
        "kubectl get pod {name} -n {namespace} -o yaml | kubectl replace --force -f -",
    ),
    ("batch", "Job"): ("let its pods run to their end, or delete the Job and apply it anew", None),
    ("batch", "CronJob"): ("wait for the next run, or delete the Job that runs", None),
    ("ray.io", "RayCluster"): (
        "restart the whole RayCluster when its work may end, never its head alone: suspend it, then resume it",
        f"{_SUSPEND % 'true'} && {_SUSPENDED}; {_SUSPEND % 'false'}",  # resumed whatever became of the wait
    ),
    ("ray.io", "RayService"): (
        "change an annotation of the pod templates in spec.rayClusterConfig: KubeRay makes a new cluster and switches",
        None,
    ),
    ("ray.io", "RayJob"): ("let the job run to its end, then submit the RayJob anew", None),
    ("ray.io", "RayCronJob"): ("wait for the next run, or delete the RayJob that runs", None),
}


def mend_of(workload: Workload, *, is_missing: bool = False) -> Mend:
    """What mends the pods of `workload`, if their templates are right.

    Args:
        is_missing: nothing with its kind, name and UID is there, whatever the pods say.
    """
    if is_missing:
        return Mend(text="find out who made these pods: the controller that they name is not there")
    if workload.key in _RESTARTED:
        name = f"{workload.kind.lower()}/{workload.name}"
        restart = f"kubectl rollout restart {name} -n {workload.namespace}"
        return Mend(text="restart it", command=restart, restart=name)
    text, command = _TEXTS.get(workload.key, ("delete the pods one by one; their controller creates them anew", None))
    names = {"name": workload.name, "namespace": workload.namespace}
    return Mend(text=text, command=command.format(**names) if command else None)
